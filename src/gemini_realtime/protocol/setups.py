"""Which setup opens the next connection: the one in force, or a new one, with a handle or without."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from gemini_realtime.protocol.messages import Content, ContextUpdate


class Setups:
    """The setup that is wanted, the one that was sent, and the one in force.

    Attributes:
        history: turns that come before the conversation.
        deadline: when the service is to have confirmed the one sent; seconds.
        sent_at: when it was sent; seconds.
        handle: the handle it was sent with.
        handle_may_go: whether a new session may be opened when the handle is refused.
    """

    def __init__(
        self,
        wanted: dict[str, Any] | None = None,
        history: Sequence[Content] = (),
        timeout_s: float = 30.0,
        *,
        handle_may_go: bool = False,
    ) -> None:
        self.history = history
        self.deadline: float | None = None
        self.sent_at = 0.0
        self.handle: str | None = None
        self.handle_may_go = handle_may_go
        self._wanted = wanted or {}
        self._timeout_s = timeout_s
        self._sent: dict[str, Any] | None = None
        self._in_force: dict[str, Any] | None = None

    @property
    def resumable(self) -> bool:
        """Whether the service is asked for handles, with the options in force and with those wanted."""
        return all("sessionResumption" in setup for setup in (self._wanted, self._in_force or self._wanted))

    @property
    def changed(self) -> bool:
        """Whether other options are wanted than those in force."""
        return self._in_force is not None and self._wanted is not self._in_force

    def change(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Send other options from now on; returns the former."""
        before, self._wanted = self._wanted, wanted
        return before

    def amend(self, update: ContextUpdate) -> None:
        """The service is told of instructions or tools in a message; the next setup has to say the same."""
        said = msgspec.to_builtins(update)
        change = {"systemInstruction": said.get("systemInstruction"), "tools": said.get("tools", {}).get("tools")}
        change = {name: value for name, value in change.items() if value is not None}
        before, self._wanted = self._wanted, {**self._wanted, **change}
        if self._in_force is before:
            self._in_force = self._wanted
        if self._sent is before:  # its confirmation is waited for: the message follows it
            self._sent = self._wanted

    def changed_in_place(self, setup: dict[str, Any]) -> None:
        """The service was told of other options without a new setup."""
        self._wanted = self._in_force = setup

    def revert(self) -> bool:
        """Go back to the options in force; returns whether there are others than those that were sent."""
        if self._in_force is None or self._sent is self._in_force:
            return False
        if self._wanted is self._sent:
            self._wanted = self._in_force
        return True

    def sent(self, handle: str | None, now: float, *, seeds: bool) -> dict[str, Any]:
        """The body to send now.

        Args:
            handle: of the session to take up.
            now: seconds.
            seeds: whether a history follows that must be announced.
        """
        self._sent, self.sent_at, self.deadline = self._wanted, now, now + self._timeout_s
        body = dict(self._wanted)
        self.handle = handle if "sessionResumption" in body else None
        if "sessionResumption" in body:
            resumption = {name: value for name, value in body["sessionResumption"].items() if name != "handle"}
            body["sessionResumption"] = resumption if handle is None else {**resumption, "handle": handle}
        if seeds and self.handle is None:
            body.setdefault("historyConfig", {"initialHistoryInClientContent": True})
        return body

    def confirmed(self) -> tuple[bool, bool]:
        """The service accepted what was sent. Returns whether that was the first time, and whether it was new."""
        first, new = self._in_force is None, self._sent is not self._in_force
        self._in_force, self.deadline, self.handle_may_go = self._sent, None, True
        return first, new and not first
