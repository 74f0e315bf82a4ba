"""May the conversation be taken up again, with which handle, and how long does this connection last.

The service sends handles with `sessionResumptionUpdate`; while it generates or a tool call is open it says
`resumable: false` with an empty handle. A handle is good for 2 hours after the connection ended, and a connection
is announced to end by `goAway`. Source: https://ai.google.dev/gemini-api/docs/live-session.
"""

from __future__ import annotations

from gemini_realtime.protocol.messages import SessionResumptionUpdate


class Resumption:
    """The last good handle and the announced end of the connection.

    Attributes:
        handle: the last handle the service sent, None before the first.
        handle_at: when it came, seconds.
        ends_at: when the service will end the connection, None unless it said so; seconds.
    """

    def __init__(self) -> None:
        self.handle: str | None = None
        self.handle_at: float | None = None
        self.ends_at: float | None = None

    def updated(self, update: SessionResumptionUpdate, now: float) -> None:
        """Keep a new handle; one that is withheld does not erase the last good one."""
        if update.resumable and update.new_handle:
            self.handle, self.handle_at = update.new_handle, now

    def going_away(self, time_left_ms: int | None, now: float) -> None:
        """The service announced the end of the connection."""
        self.ends_at = now + (time_left_ms or 0) / 1000
