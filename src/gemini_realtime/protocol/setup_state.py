"""Which setup opens the next connection: the one in force, or a new one, with a handle or without."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from gemini_realtime.protocol.messages import Content, ContextUpdate
from gemini_realtime.protocol.options import SessionOptions


class Wanted(msgspec.Struct, frozen=True):
    """A setup.

    Attributes:
        body: of the `setup` message.
        options: what it was made from.
    """

    body: dict[str, Any]
    options: SessionOptions

    def amended(self, body: Mapping[str, Any], options: Mapping[str, Any]) -> Wanted:
        """The same but for these."""
        return Wanted({**self.body, **body}, self.options.changed(options))


class SetupState:
    """The setup that is wanted, the one that was sent, and the one in force.

    Args:
        options: the application's, before any setup is made from them.

    Attributes:
        options: what the application asks for, without what the service refused; some of it perhaps for the next
            conversation only.
        deadline: when the service is to have confirmed the one sent; seconds.
        sent_at: when it was sent; seconds.
        handle: the handle it was sent with.
        announces: whether it says that a history follows.
        handle_may_go: whether a new session may be opened when the handle is refused.
        afresh: whether the next session is to know nothing of what was said.
    """

    def __init__(self, options: SessionOptions) -> None:
        self.options = options
        self._timeout_s = 30.0
        self.deadline: float | None = None
        self.sent_at = 0.0
        self.handle: str | None = None
        self.announces = False
        self.handle_may_go = False
        self.afresh = False
        self._wanted = Wanted({}, options)
        self._sent: Wanted | None = None
        self._in_force: Wanted | None = None

    @property
    def body(self) -> Mapping[str, Any]:
        """Of the setup in force; of the one that is wanted before there is one."""
        return (self._in_force or self._wanted).body

    @property
    def history(self) -> list[Content]:
        """The turns that come before the conversation."""
        return (self._in_force or self._wanted).options.history

    def may_change(self, wanted: dict[str, Any]) -> bool:
        """Whether the service is asked for handles, with the options in force and with those wanted."""
        return all("sessionResumption" in setup for setup in (wanted, self.body))

    @property
    def ever_confirmed(self) -> bool:
        """Whether the service has accepted a setup of this conversation."""
        return self._in_force is not None

    @property
    def changed(self) -> bool:
        """Whether other options are wanted than those in force."""
        return self._in_force is not None and self._wanted is not self._in_force

    def ask(self, options: SessionOptions) -> None:
        """Other options, of which no setup is made before the conversation, or in this one any more."""
        self.options = options

    def wait(self, timeout_s: float) -> None:
        """The service may take so long to confirm a setup, seconds."""
        self._timeout_s = timeout_s

    def overdue(self, now: float) -> bool:
        """Whether the service should have confirmed the setup that was sent."""
        return self.deadline is not None and now >= self.deadline

    def change(self, wanted: dict[str, Any], options: SessionOptions, *, afresh: bool = False) -> None:
        """Send another setup from now on, made from these options; `afresh` first to a session that knows nothing."""
        self._wanted, self.options, self.afresh = Wanted(wanted, options), options, self.afresh or afresh

    def amend(self, update: ContextUpdate, options: Mapping[str, Any]) -> None:
        """The service is told of instructions or tools in a message, which are these options: each setup from now on
        has to say the same."""
        self.options = self.options.changed(options)
        said = msgspec.to_builtins(update)
        change = {"systemInstruction": said.get("systemInstruction"), "tools": said.get("tools", {}).get("tools")}
        change = {name: value for name, value in change.items() if value is not None}
        amended = {
            id(setup): setup.amended(change, options)
            for setup in (self._wanted, self._sent, self._in_force)
            if setup is not None
        }
        self._wanted = amended[id(self._wanted)]
        self._sent, self._in_force = amended.get(id(self._sent)), amended.get(id(self._in_force))

    def revert(self) -> bool:
        """Go back to the options in force; returns whether there are others than those that were sent."""
        if self._in_force is None or self._sent is self._in_force:
            return False
        if self._sent is not None and self._wanted is self._sent:
            later = self.options.changes_since(self._sent.options)
            self._wanted, self.options = self._in_force, self._in_force.options.changed(later)
        return True

    def sent(self, handle: str | None, now: float, *, seeds: bool) -> dict[str, Any]:
        """The body to send now.

        Args:
            handle: of the session to resume.
            now: seconds.
            seeds: whether a history follows that must be announced.
        """
        self.afresh = False
        self._sent, self.sent_at, self.deadline = self._wanted, now, now + self._timeout_s
        body = dict(self._wanted.body)
        self.handle = handle if "sessionResumption" in body else None
        if "sessionResumption" in body:
            resumption = {name: value for name, value in body["sessionResumption"].items() if name != "handle"}
            body["sessionResumption"] = resumption if handle is None else {**resumption, "handle": handle}
        if seeds and self.handle is None:
            body.setdefault("historyConfig", {"initialHistoryInClientContent": True})
        self.announces = "historyConfig" in body
        return body

    def restored(self) -> None:
        """The conversation began in another process."""
        self.handle_may_go = True

    def confirmed(self) -> tuple[bool, bool]:
        """The service accepted what was sent. Returns whether that was the first time, and whether it was new."""
        first, new = self._in_force is None, self._sent is not self._in_force
        self._in_force, self.deadline, self.handle_may_go = self._sent, None, True
        return first, new and not first
