"""A Live service in memory that a test plays, message by message."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from gemini_realtime.client import GeminiRealtimeClient
from gemini_realtime.errors import ConfigError, GeminiRealtimeError
from gemini_realtime.testing import messages
from gemini_realtime.transport.base import Dial, Receiver
from gemini_realtime.transport.faults import Fault, faulty
from gemini_realtime.transport.memory import MemoryService, MemoryTransport

KINDS = ("setup", "clientContent", "realtimeInput", "toolResponse", "contextUpdate")
"""Messages of a client."""

Script = Callable[["ScriptedService"], Awaitable[None]]
"""Plays one connection, from its setup on."""


class ScriptedService(MemoryService):
    """A Live service that says what it is told to say.

        async def script(service):
            await service.receive("setup")
            service.say(messages.setup_complete())
            await service.receive("clientContent")
            service.say(messages.tool_call("get_time", {"city": "Paris"}))
            result = await service.receive("toolResponse")
            service.answer("It is nine o'clock.")

        service = ScriptedService(script)
        client = service.client()          # or one of your own: service.llm_config(), dial=service.dial

    Without a script setups are confirmed, and the test itself calls `receive`, `say`, `answer` and `end`.

    A script that fails ends the connection; who reads events gets a `GeminiRealtimeError` whose cause is the script's
    error. When the connection ends, so does its script: `finished` tells whether it had come to its own end.

    Args:
        script: plays each connection anew; `connections` tells it which one it is.

    Attributes:
        received: the messages of the client, of all connections, in order.
    """

    def __init__(self, script: Script | None = None) -> None:
        super().__init__(on_frame=lambda service, message: self._note(message))
        self.received: list[dict[str, Any]] = []
        self._script = script
        self._playing: asyncio.Task[None] | None = None
        self._last_play: asyncio.Task[None] | None = None
        self._awaited = ""
        self._failure: Exception | None = None
        self._seen = 0  # of those that were received, by `receive`
        self._news = asyncio.Event()

    def llm_config(self, **entry: Any) -> dict[str, Any]:
        """The configuration of a client of this service; `entry` adds to it, or replaces."""
        # Without chance in the pauses between attempts, a test takes the same course each time.
        known = {"model": "gemini-3.8-live", "api_key": "scripted", "api_type": "google"}
        return {"config_list": [{**known, "reconnect": {"jitter": lambda: 1.0}, **entry}]}

    def client(self, *, faults: Iterable[Fault] = (), **entry: Any) -> GeminiRealtimeClient:
        """A client of this service.

        Args:
            faults: what goes wrong between the two, see `gemini_realtime.testing.faulty`.
            entry: of its configuration, as for `llm_config`.
        """
        dial: Dial = faulty(self.dial, faults) if faults else self.dial
        return GeminiRealtimeClient(llm_config=self.llm_config(**entry), dial=dial)

    async def receive(self, path: str, *, timeout_s: float = 30.0) -> Any:
        """The next message of the client that has this, on whichever connection; others before it are passed over.

        Args:
            path: a kind of message, or something in it: `setup`, `clientContent`, `toolResponse`,
                `realtimeInput.text`, `setup.sessionResumption.handle`.
            timeout_s: how long to wait.

        Returns:
            What stands there.

        Raises:
            AssertionError: no such message came in time.
            ConfigError: clients send nothing of this name.
        """
        names = path.split(".")
        if names[0] not in KINDS:
            raise ConfigError(f"clients send no {names[0]!r}", remedy=f"wait for one of {', '.join(KINDS)}")
        self._awaited = path
        try:
            async with asyncio.timeout(timeout_s) as limit:
                while True:
                    while self._seen < len(self.received):
                        message = self.received[self._seen]
                        self._seen += 1
                        if (found := _find(message, names)) is not None:
                            return found
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            if not limit.expired():
                raise
            raise AssertionError(
                f"the client sent no {path} within {timeout_s:g} s; it sent {self._summary()}"
            ) from None

    def answer(self, words: str, pcm: bytes | None = None) -> None:
        """Say a whole spoken answer; `pcm` is its sound, 24 kHz, a tone by default."""
        for message in messages.answer(words, pcm):
            self.say(message)

    async def finished(self) -> None:
        """Wait until the script of the last connection has come to its end.

        Raises:
            AssertionError: it failed, was left because the connection ended, or nobody connected.
        """
        if self._last_play is None:
            raise AssertionError("nobody connected, so the script was not played")
        await asyncio.wait([self._last_play])
        if self._failure is not None:
            raise AssertionError(f"the script failed: {self._failure!r}") from self._failure
        if self._last_play.cancelled():
            raise AssertionError(f"the script still waited for {self._awaited}; the client sent {self._summary()}")

    async def dial(self, url: str, headers: Mapping[str, str], receiver: Receiver) -> MemoryTransport:
        """Connect a client; pass this as its `dial`.

        Raises:
            GeminiRealtimeError: the script has failed on an earlier connection.
        """
        if self._failure is not None:
            # Not a HandshakeError: of those a client thinks that they will pass.
            raise GeminiRealtimeError(f"the script failed: {self._failure!r}") from self._failure
        transport = await super().dial(url, headers, receiver)
        if self._script is not None:
            self._playing = self._last_play = asyncio.create_task(self._play(self._script))
        return transport

    def end(self, code: int = 1000, reason: str = "") -> None:
        """End the connection with a close code; 1006 stands for a connection that just breaks."""
        playing, self._playing = self._playing, None
        if playing is not None and playing is not asyncio.current_task():
            # Not at once: what the client sent before it left is on its way for one turn of the loop, and the script
            # reads it in the next.
            loop = asyncio.get_running_loop()
            loop.call_soon(lambda: loop.call_soon(playing.cancel))
        super().end(code, reason)

    async def _play(self, script: Script) -> None:
        try:
            await script(self)
        except Exception as error:
            self._failure = error
            self.end(1011, "the script failed")

    def _note(self, message: dict[str, Any]) -> None:
        self.received.append(message)
        self._news.set()
        if self._script is None and "setup" in message:
            self.say(messages.setup_complete())

    def _summary(self) -> str:
        counts = Counter(".".join([kind, *body]) if kind == "realtimeInput" else kind
                         for message in self.received for kind, body in message.items())  # fmt: skip
        return ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "nothing"


def _find(message: Any, names: list[str]) -> Any:
    for name in names:
        message = message.get(name) if isinstance(message, dict) else None
    return message
