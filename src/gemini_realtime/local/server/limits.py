"""What the server bears of its clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gemini_realtime.checking import check_number, check_type

LEAST_MESSAGE_BYTES: Final = 1024
"""Less holds no setup."""

LEAST_SESSION_BYTES: Final = 1024 * 1024
"""An eighth of it is a message: less holds no picture, and not the setup of an agent with many functions."""

LEAST_WAIT_S: Final = 0.001


@dataclass(frozen=True)
class Limits:
    """Bounds, each with an answer of its own to whoever oversteps it.

    Attributes:
        sessions: at once; one more is refused with 429. Vertex AI grants a project a thousand.
        message_bytes: what is longer ends the connection with 1009; a picture in base64 is a tenth of it. How much the
            service takes is not known.
        handshake_s: for TLS, and then for a request; who takes longer is cut off.
        setup_s: from the handshake to the first message; who takes longer is closed with 1008, pings or not.
        newcomers: connections of one address that have not said anything yet; who has taken longest makes room.
        session_bytes: what is kept of one session, whatever its client sends and however little it reads. A message may
            be as long as an eighth of it, since it exists several times while it is read.
        idle_s: without any frame, not even a ping, for so long, the connection ends with 1008. A connection to the
            service lasts ten minutes altogether.
    """

    sessions: int = 1000
    message_bytes: int = 16 * 1024 * 1024
    handshake_s: float = 10.0
    setup_s: float = 60.0
    idle_s: float = 600.0
    newcomers: int = 128
    session_bytes: int = 128 * 1024 * 1024

    def __post_init__(self) -> None:
        for name in ("sessions", "newcomers"):
            check_number(name, getattr(self, name), 1, whole=True)
        check_number("message_bytes", self.message_bytes, LEAST_MESSAGE_BYTES, whole=True)
        check_number("session_bytes", self.session_bytes, LEAST_SESSION_BYTES, whole=True)
        for name in ("handshake_s", "setup_s", "idle_s"):
            check_number(name, getattr(self, name), LEAST_WAIT_S)

    @property
    def longest_message(self) -> int:
        """Of how many bytes a message may be."""
        return min(self.message_bytes, self.session_bytes // 8)

    @property
    def unread_bytes(self) -> int:
        """Of what a client does not read, how much is kept before nothing of it is read either."""
        return self.session_bytes // 32


def limits_of(given: Limits | None) -> Limits:
    """What was given, or the defaults.

    Raises:
        ConfigError: it is something else.
    """
    if given is not None:
        check_type("limits", given, Limits, "gemini_realtime.local.Limits(...)")
    return given or Limits()
