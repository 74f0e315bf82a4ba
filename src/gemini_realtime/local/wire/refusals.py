"""What the service refuses, in its own words. Each rule says where that was seen."""

from __future__ import annotations

from typing import Final, NamedTuple


class Rule(NamedTuple):
    """The close that answers a fault of the client.

    Attributes:
        fault: what the client did.
        code: WebSocket close code.
        reason: the service's words; what depends on the fault stands in braces.
        source: where they come from.
    """

    fault: str
    code: int
    reason: str
    source: str


_INVALID: Final = "Request contains an invalid argument."
_INVALID_JSON: Final = "Invalid JSON payload received. "
_WORDS_GUESSED: Final = "; the words are a guess"
_GUIDE: Final = "https://ai.google.dev/gemini-api/docs/live-guide, model comparison"

# --- the JSON

INVALID_JSON: Final = Rule(
    "not the JSON of one object", 1007, _INVALID_JSON + "{detail}", "the form of Google's JSON APIs"
)
UNKNOWN_NAME: Final = Rule(
    "a field that there is not",
    1007,
    _INVALID_JSON + 'Unknown name "{name}"{where}: Cannot find field.',
    "reported by users of many clients",
)
NOT_REPEATED: Final = Rule(
    "a list where one value belongs",
    1007,
    _INVALID_JSON + 'Unknown name "{name}"{where}: Proto field is not repeating, cannot start list.',
    "the form of Google's JSON APIs",
)
WRONG_VALUE: Final = Rule(
    "a value of a wrong type, or that an enum does not have",
    1007,
    "Invalid value at '{where}' ({type}){value}",
    "the form of Google's JSON APIs",
)
BASE64: Final = Rule(
    "bytes that are not base64",
    1007,
    "Invalid value at '{where}' (TYPE_BYTES), Base64 decoding failed",
    "the form of Google's JSON APIs, without the value",
)
ONE_MEMBER: Final = Rule(
    "two members of which a message has one",
    1007,
    "Invalid value{where} (oneof), oneof field '{oneof}' is already set. Cannot set '{name}'",
    "protobuf BidiGenerateContentClientMessage; the form of Google's JSON APIs",
)

TOO_MUCH_IN_IT: Final = Rule(
    "more in one message than is read here: 32,768 objects, lists and texts, 131,072 numbers",
    1007,
    _INVALID,
    "a guess: the service has bounds that nobody has told of",
)
TOO_LONG: Final = Rule(
    "more text than the context window holds: in one message, or waiting to be answered",
    1007,
    _INVALID,
    "a guess; the window: https://ai.google.dev/gemini-api/docs/live-guide",
)

# --- the setup

SETUP_FIRST: Final = Rule(
    "anything before the setup",
    1007,
    "setup must be the first message and only the first",
    "logged by client projects, 2026-04",
)
SETUP_ONCE: Final = Rule("a second setup", 1007, _INVALID, "litellm#31494, 2026-06")
MODEL_MISSING: Final = Rule("a setup without a model", 1007, _INVALID, "https://ai.google.dev/api/live, required field")
MODEL_NOT_LIVE: Final = Rule(
    "a model that has no Live API; with --strict-models also one whose name is not known here",
    1008,
    "{model} is not found for API version {version}, or is not supported for bidiGenerateContent. Call ListModels to"
    " see the list of available models and their supported methods.",
    "reported by users of many clients",
)
MODALITIES: Final = Rule(
    "modalities that the model does not answer in, or several at once",
    1007,
    "The requested combination of response modalities ({modalities}) is not supported by the model.",
    "js-genai and livekit/agents reports, 2025-2026",
)
THINKING_LEVEL_MISSING: Final = Rule(
    "no thinkingLevel for a model that needs one",
    1007,
    "Thinking level must be specified for this model",
    "reported by users of 3.8 extended thinking, 2026",
)
THINKING_REFUSED: Final = Rule(
    "a thinkingConfig, thinkingLevel or thinkingBudget for a model without it", 1007, _INVALID, _GUIDE + _WORDS_GUESSED
)
THINKING_LEVEL_REFUSED: Final = Rule(
    "a thinkingLevel for 3.8",
    1007,
    "Thinking level is not supported for this model",
    "pydantic-ai 2.68, live 2026-09-16",
)
THINKING_ON_VERTEX: Final = Rule(
    "a thinkingConfig for the half cascade on Vertex AI",
    1007,
    "thinking_level is not supported by this model",
    "pydantic-ai 2.68, live; that a thinkingBudget is told the same is a guess",
)
MOOD_REFUSED: Final = Rule(
    "enableAffectiveDialog for a model without it; 3.8 confirms it and closes at the first message",
    1007,
    _INVALID,
    "js-genai#1953, 2026-09; pydantic-ai 2.68, live 2026-09-25",
)
BEHAVIOR_REFUSED: Final = Rule(
    "a BLOCKING function for 3.8 extended thinking",
    1007,
    "BLOCKING function calls are not supported for this model",
    "pydantic-ai 2.68, live 2026-09-16",
)
SCHEDULING_REFUSED: Final = Rule(
    "a result with scheduling for 3.8 extended thinking",
    1007,
    "Function response scheduling is not supported for this model",
    "pydantic-ai 2.68, live 2026-09-16",
)
CODE_EXECUTION_REFUSED: Final = Rule(
    "codeExecution for 2.5 native audio",
    1007,
    "Code Execution tool is not supported for this model",
    "pydantic-ai 2.68, live 2026-10",
)
VOICE_WITHOUT_AUDIO: Final = Rule(
    "a voice where the answer is not AUDIO, or for 2.5 where no modality is asked for",
    1007,
    "Cannot extract voices from a non-audio request.",
    "cookbook#793, livekit/agents#3540, mastra#17018, 2025-2026",
)
VOICE_UNKNOWN: Final = Rule(
    "a prebuilt voice that there is not, on Vertex AI",
    1007,
    _INVALID,
    "litellm#38395, 2026: it rejects the misspelt name" + _WORDS_GUESSED,
)
OUTPUT_TOKENS: Final = Rule(
    "a maxOutputTokens of 0 or less",
    1007,
    "BidiGenerateContentRequest.setup.generation_config.max_output_tokens: max_output_tokens must be positive",
    "reported by users of several clients, 2025-2026",
)
NOT_LIVE: Final = Rule(
    "a field of generationConfig that is not in the Live API, such as stopSequences, or a candidateCount other than 1",
    1007,
    _INVALID,
    "firebase-unity-sdk#1314; https://ai.google.dev/api/live, fields that are not supported" + _WORDS_GUESSED,
)
FUNCTION_FAULT: Final = Rule(
    "a function with a name that cannot be or is there twice, or with a schema that nothing fits",
    1007,
    "BidiGenerateContentRequest.{where}: {problem}.",
    "reported by users of Gemini's APIs, 2025-2026",
)
COMPRESSION_RANGE: Final = Rule(
    "triggerTokens outside 5,000 to 128,000 on Vertex AI",
    1007,
    _INVALID,
    "https://docs.cloud.google.com/vertex-ai, reference of the Live API" + _WORDS_GUESSED,
)
NULL_HANDLE: Final = Rule(
    "null as the handle of a session with 3.1", 1007, _INVALID, "strands-agents#1999, 2026" + _WORDS_GUESSED
)

# --- resumption

HANDLE_MALFORMED: Final = Rule(
    "a handle that cannot be one",
    1007,
    "Invalid session handle",
    "reported by users, 2026; for which dead handles is a guess",
)
SESSION_UNKNOWN: Final = Rule(
    "an unknown handle", 1008, "BidiGenerateContent session not found", "reported by users, 2026"
)
SESSION_EXPIRED: Final = Rule(
    "a handle two hours after its session's last connection",
    1008,
    "Requested entity was not found.",
    "reported by users, 2026, for which dead handles is a guess; two hours:"
    " https://ai.google.dev/gemini-api/docs/live-session",
)
SESSION_OPEN: Final = Rule(
    "a handle whose session is still open",
    1011,
    "Internal error encountered.",
    "the code: sip-to-ai#14, 2026-09" + _WORDS_GUESSED,
)
OTHER_MODEL: Final = Rule(
    "a handle of a session with another model",
    1007,
    _INVALID,
    "https://ai.google.dev/gemini-api/docs/live-session" + _WORDS_GUESSED,
)

# --- what follows

INVALID_ARGUMENT: Final = Rule(
    "a negative prefixPaddingMs or silenceDurationMs; audio of a rate that cannot be",
    1007,
    _INVALID,
    "mastra#18363 and others, 2026-06, of other arguments",
)
MANUAL_ACTIVITY: Final = Rule(
    "activityStart or activityEnd while speech is detected",
    1007,
    "Explicit activity control is not supported when automatic activity detection is enabled.",
    "reported by users of several clients, 2026",
)
AUDIO_STREAM_END: Final = Rule(
    "audioStreamEnd while speech is not detected",
    1007,
    _INVALID,
    "https://ai.google.dev/api/live, audioStreamEnd" + _WORDS_GUESSED,
)
AUDIO_TYPE: Final = Rule("audio that is not mono 16-bit PCM", 1007, _INVALID, "mastra#18363, 2026-06")
ROLE_REFUSED: Final = Rule(
    "a turn whose role is neither user nor model", 1007, _INVALID, "reported for `system` on the Gemini API, 2026"
)
FUNCTION_IN_CONTENT: Final = Rule(
    "a function's call or result in clientContent, for 2.5",
    1007,
    _INVALID,
    "pydantic-ai 2.68, live 2026-09; pipecat#4926, adk-python#4940",
)
AUDIO_IN_CONTENT: Final = Rule(
    "audio in clientContent, for 2.5", 1007, "Precondition check failed.", "pydantic-ai 2.68, live 2026-09-28"
)
RATE_IN_CONTENT: Final = Rule(
    "audio in clientContent that is not 16 kHz PCM, for 3.x",
    1008,
    "Operation is not implemented, or supported, or enabled.",
    "pydantic-ai 2.68, live 2026-09-28, of 24 kHz",
)
MEDIA_CHUNKS: Final = Rule(
    "mediaChunks, for 3.1",
    1007,
    "realtime_input.media_chunks is deprecated. Use audio, video, or text instead.",
    "sip-to-ai#5, sokuji#150, 2026",
)
RESULT_PART: Final = Rule(
    "a part of a function's result that is no PNG, JPEG, WebP or text, for 3.x",
    1007,
    _INVALID,
    "pydantic-ai 2.68, live 2026-09-28, of a PDF",
)
RESULT_IN_CONTENT: Final = Rule(
    "a function's result in clientContent",
    1007,
    _INVALID,
    "https://ai.google.dev/api/live, BidiGenerateContentToolResponse" + _WORDS_GUESSED,
)
CONTENT_TOO_LATE: Final = Rule(
    "clientContent after the first turn of 3.1", 1007, _INVALID, "reported by users of 3.1, 2026"
)
GO_AWAY_IGNORED: Final = Rule(
    "staying after goAway",
    1008,
    "Connection aborted because the client failed to close the connection after receiving a GoAway signal"
    " once the session durat",
    "reported by users, cut at 123 bytes as seen, 2026",
)

RULES: Final = {name: rule for name, rule in globals().items() if isinstance(rule, Rule)}
"""All of them, by name."""


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
