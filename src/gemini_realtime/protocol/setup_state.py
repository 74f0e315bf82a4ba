"""Which setup opens the next connection: the one in force, or a new one, with a handle or without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from gemini_realtime.protocol.messages import Content, ContextUpdate


class Wanted(NamedTuple):
    """A setup.

    Attributes:
        body: of the `setup` message.
        options: what the application made it from.
    """

    body: dict[str, Any]
    options: Mapping[str, Any]


class SetupState:
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
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.history = history
        self.deadline: float | None = None
        self.sent_at = 0.0
        self.handle: str | None = None
        self.handle_may_go = handle_may_go
        self._wanted = Wanted(wanted or {}, options or {})
        self._timeout_s = timeout_s
        self._sent: Wanted | None = None
        self._in_force: Wanted | None = None

    @property
    def options(self) -> Mapping[str, Any]:
        """What the application asked for, without what the service refused."""
        return self._wanted.options

    @property
    def body(self) -> Mapping[str, Any]:
        """Of the setup in force; of the one that is wanted before there is one."""
        return (self._in_force or self._wanted).body

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

    def change(self, wanted: dict[str, Any], options: Mapping[str, Any] | None = None) -> None:
        """Send another setup from now on, made from the same options but for these."""
        self._wanted = Wanted(wanted, {**self._wanted.options, **(options or {})})

    def amend(self, update: ContextUpdate, options: Mapping[str, Any] | None = None) -> None:
        """The service is told of instructions or tools in a message, which are these options: each setup from now on
        has to say the same."""
        said = msgspec.to_builtins(update)
        change = {"systemInstruction": said.get("systemInstruction"), "tools": said.get("tools", {}).get("tools")}
        change = {name: value for name, value in change.items() if value is not None}
        amended = {
            id(setup): Wanted({**setup.body, **change}, {**setup.options, **(options or {})})
            for setup in (self._wanted, self._sent, self._in_force)
            if setup is not None
        }
        self._wanted = amended[id(self._wanted)]
        self._sent, self._in_force = amended.get(id(self._sent)), amended.get(id(self._in_force))

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
            handle: of the session to resume.
            now: seconds.
            seeds: whether a history follows that must be announced.
        """
        self._sent, self.sent_at, self.deadline = self._wanted, now, now + self._timeout_s
        body = dict(self._wanted.body)
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
