"""What the service refuses, in its own words. Each rule says where that was seen."""

from __future__ import annotations

from typing import Final, NamedTuple


class Rule(NamedTuple):
    """The close that answers a fault of the client.

    Attributes:
        code: WebSocket close code.
        reason: the service's words; what depends on the fault stands in braces.
        source: where they come from.
    """

    code: int
    reason: str
    source: str


SETUP_FIRST: Final = Rule(
    1007, "setup must be the first message and only the first", "logged by client projects, 2026-04"
)
SETUP_ONCE: Final = Rule(1007, "Request contains an invalid argument.", "litellm#31494, 2026-06")
INVALID_ARGUMENT: Final = Rule(1007, "Request contains an invalid argument.", "mastra#18363 and others, 2026-06")
INVALID_JSON: Final = Rule(1007, "Invalid JSON payload received. {detail}", "the form of Google's JSON APIs")
UNKNOWN_NAME: Final = Rule(
    1007,
    'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.',
    "reported by users of many clients",
)
ONE_MEMBER: Final = Rule(
    1007,
    "Invalid value (oneof), oneof field 'message_type' is already set. Cannot set '{name}'",
    "protobuf BidiGenerateContentClientMessage; the form of Google's JSON APIs",
)
BASE64: Final = Rule(
    1007,
    "Invalid value at '{where}' (TYPE_BYTES), Base64 decoding failed",
    "the form of Google's JSON APIs, without the value",
)
MODALITIES: Final = Rule(
    1007,
    "The requested combination of response modalities ({modalities}) is not supported by the model.",
    "js-genai and livekit/agents reports, 2025-2026",
)
MANUAL_ACTIVITY: Final = Rule(
    1007,
    "Explicit activity control is not supported when automatic activity detection is enabled.",
    "reported by users of several clients, 2026",
)
SESSION_UNKNOWN: Final = Rule(1008, "BidiGenerateContent session not found", "reported by users, 2026")
SESSION_OPEN: Final = Rule(
    1011, "Internal error encountered.", "the code: sip-to-ai#14, 2026-09; the words are a guess"
)
GO_AWAY_IGNORED: Final = Rule(
    1008,
    "Connection aborted because the client failed to close the connection after receiving a GoAway signal"
    " once the session durat",
    "reported by users, cut at 123 bytes as seen, 2026",
)


class Refused(Exception):
    """A fault of the client ends the connection.

    Attributes:
        code: WebSocket close code.
        reason: the service's words.
        note: what they do not say, for the log of the server.
    """

    def __init__(self, rule: Rule, *, note: str = "", **details: str) -> None:
        super().__init__(rule.reason)
        self.code = rule.code
        self.reason = rule.reason.format(**details)
        self.note = note
