"""What a connection was closed for, when the service closes it again and again: new options, a message, or the handle.

What is to blame is done without from then on: options are taken back, a message is not sent a third time, a handle is
given up for a new session.
"""

from __future__ import annotations

from typing import Final

from gemini_realtime.errors import GeminiRealtimeError
from gemini_realtime.protocol import local_events
from gemini_realtime.protocol.closing import Before, is_refusal, refuses_handle, refuses_setup
from gemini_realtime.protocol.events import RealtimeEvent, VoiceHealth
from gemini_realtime.protocol.ledger import Entry, Ledger
from gemini_realtime.protocol.outbox import rejected_result
from gemini_realtime.protocol.progress import Progress
from gemini_realtime.protocol.resumption import Resumption
from gemini_realtime.protocol.setup_state import SetupState

HOLDS_S: Final = 0.5
"""The service closed the session twice, and may have done so for a message or for what the handle stands for: when it
does so again within so long of the session being resumed, while nothing is sent, it is the handle."""


class Doubts:
    """Finds out what is to blame.

    Args:
        setup: the setup, and whether it has a handle.
        resumption: the handle, and what became of it.
        ledger: the messages.
        progress: how far the conversation had come.

    Attributes:
        holds_until: until when nothing is sent to the session, to find out whether it is closed all the same; None when
            everything may be sent.
    """

    def __init__(self, setup: SetupState, resumption: Resumption, ledger: Ledger, progress: Progress) -> None:
        self.holds_until: float | None = None
        self._setup = setup
        self._resumption = resumption
        self._ledger = ledger
        self._progress = progress
        self._answers = 0  # that had been completed when the session was set up

    def before(self, now: float, *, is_open: bool) -> Before:
        """What went before the end of a connection.

        Args:
            now: seconds.
            is_open: whether its setup was accepted.
        """
        return Before(
            confirmed=self._setup.ever_confirmed,
            open=is_open,
            moved=self._progress.moved,
            owed=not self._progress.between_turns() or self._ledger.waits,
            resumable=self._resumption.usable(now) is not None,
        )

    @property
    def may_be_a_message(self) -> bool:
        """Whether there is a message to be sent once more, or to do without."""
        return self._ledger.suspects or (self._ledger.on_trial and self._resumption.messages_to_blame)

    def setup_failed(self, error: GeminiRealtimeError) -> list[RealtimeEvent]:
        """A setup may be refused for what is new in it: new options, or the handle. Without that it worked before."""
        if not refuses_setup(error) and not self._resumption.keeps_failing(error):
            return []
        if self._setup.revert():
            return [VoiceHealth(finding="update_refused", detail=str(error), action="kept the options in force")]
        if self._setup.handle is not None and self._setup.handle_may_go:
            return self.give_up_handle("handle_refused", str(error))
        return []

    def session_ended(self, error: GeminiRealtimeError, now: float, *, gave_up: bool) -> list[RealtimeEvent]:
        """The connection of a session that was set up has ended: events that say what is done without; empty when
        nothing is to blame.

        Args:
            error: how it ended.
            now: seconds.
            gave_up: this side ended it, for what was wrong with the conversation.
        """
        if self._setup.handle is not None and refuses_handle(error):
            return self.give_up_handle("handle_refused", str(error))
        refused = is_refusal(error)
        if refused and self.holds_until is not None:  # nothing was sent that could be why
            return self.give_up_handle("handle_doubted", f"closed as soon as the session was resumed: {error}")
        if refused:
            self._ledger.closed_on()
        if refused and self._ledger.on_trial:
            self._resumption.rejected_messages()
        if refused and self._ledger.on_trial and self._resumption.messages_to_blame:
            return [] if self._setup.handle is not None else self._convict(error)
        if self._resumption.doubted(error, self._setup.handle, now, gave_up=gave_up):
            return self.give_up_handle("handle_doubted", f"lost again before any answer was complete: {error}")
        # A microphone is always open: what it hears is to blame last.
        if refused and not self._ledger.suspects and (pieces := self._ledger.audio.rejected()):
            return [*local_events.rejected(pieces, error)]
        return []

    def give_up_handle(self, finding: str, detail: str) -> list[RealtimeEvent]:
        """Do without the handle: the next session is a new one."""
        self._resumption.forget()
        self._ledger.acquit()
        return [VoiceHealth(finding=finding, detail=detail, action="opening a new session")]

    @property
    def resumed_in_vain(self) -> bool:
        """Whether nothing has come yet of resuming the session: the handle may stand for one that never answers."""
        resumed = self._setup.handle is not None and self._resumption.handle is not None
        return resumed and self._progress.completed == self._answers

    def session_ready(self, now: float) -> None:
        """A session is there: where a message or the handle is to blame, nothing is sent for a while."""
        self._answers = self._progress.completed
        if self._setup.handle is not None and self._ledger.on_trial:
            self.holds_until = now + HOLDS_S

    def connection_left(self) -> None:
        """There is no session to find anything out about."""
        self.holds_until = None

    def held(self) -> list[RealtimeEvent]:
        """The session has not been closed while nothing was sent: it was what was sent to it."""
        self.holds_until = None
        refused = self._resumption.refused
        return [] if refused is None else self._convict(refused)

    def _convict(self, error: GeminiRealtimeError) -> list[RealtimeEvent]:
        rejected = self._ledger.convict(_instead)
        self._progress.withdrawn()
        return [*local_events.rejected(rejected, error)]


def _instead(entry: Entry) -> bytes | None:
    """What is sent in the place of a message that was rejected: the service waits for the result of a call."""
    return rejected_result(entry.frame) if entry.kind == "function_result" else None
