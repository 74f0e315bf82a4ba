"""Faults of sessions that are resumed: what is wrong with them shows only after they were confirmed."""

from __future__ import annotations

from functools import partial

from gemini_realtime.local.faults.lines import announce_end
from gemini_realtime.local.faults.messages import read, resumes
from gemini_realtime.local.faults.stages import Stage


class Resumed(Stage):
    """Does something once a session is resumed."""

    _resumed = False

    def admits(self, message: bytes) -> bool:
        """See whether a session is to be resumed."""
        if resumes(message) and self.occasions.take():
            self._resumed = True
        return True

    def send(self, frame: bytes) -> None:
        """Send a frame; once that is `setupComplete`, it is time."""
        self.next.send(frame)
        if self._resumed and "setupComplete" in read(frame):
            self.happen()

    def happen(self) -> None:
        """Do it."""
        raise NotImplementedError


class SilentResume(Resumed):
    """Says nothing in a session that was resumed; pings are answered."""

    _silent = False

    def send(self, frame: bytes) -> None:
        """Send it, if nothing was resumed."""
        if not self._silent:
            super().send(frame)

    def happen(self) -> None:
        """Fall silent."""
        self._silent = True


class CloseAfterResume(Resumed):
    """Closes the connection on which a session was resumed."""

    def happen(self) -> None:
        """Close, at once or later."""
        close = partial(self.next.close, self.fault["code"], self.fault["reason"])
        if self.fault["after_s"]:
            self.line.later(self.fault["after_s"], close)
        else:
            close()


class GoAwayAfterResume(Resumed):
    """Announces the end of each connection on which a session was resumed."""

    def happen(self) -> None:
        """Announce it."""
        announce_end(self, self.fault["time_left_s"])
