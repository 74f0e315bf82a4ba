"""A call to a program: the server that it talks to plays the caller."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gemini_realtime.adapters.files import read_audio
from gemini_realtime.audio.format import INPUT_FORMAT
from gemini_realtime.testing.call import Call, Listening
from gemini_realtime.testing.line import Line
from gemini_realtime.testing.program import Program

if TYPE_CHECKING:
    from gemini_realtime import LiveServer
    from gemini_realtime.local.server.kept_sessions import KeptSession

CONNECT_TIMEOUT_S: Final = 60.0
"""How long a program may take to open its session: large frameworks import for a while."""

_NOTICED_AFTER_S: Final = 0.05
"""Until then a connection that breaks is known to have broken, and what is said is not said into it."""


class ProgramCall(Call):
    """A conversation with any program that talks to the server, whatever it is made of.

    The server acts as if it had heard the caller, so the program needs no microphone. What is said and called is seen
    from the server's side: `latencies_ms` are those of the server, with the functions of the program in them.
    """

    def __init__(self, line: Line, log: Listening, server: LiveServer, program: Program | None) -> None:
        super().__init__(log, server)
        self._line = line
        self._live = server
        self._program = program
        self._disturbed = False

    async def says(self, speech: str | bytes | Path, *, rate_hz: int = 16000) -> None:
        """Be heard: words are understood to the letter, sound by the server's hearing."""
        await self.connected()
        if isinstance(speech, str):
            self._line.caller_says(speech)
            self._live.hear(speech)
            return
        pcm, rate_hz = read_audio(speech) if isinstance(speech, Path) else (speech, rate_hz)
        if rate_hz != INPUT_FORMAT.rate_hz:
            from gemini_realtime.audio.resample import resample

            pcm = resample(pcm, rate_hz, INPUT_FORMAT.rate_hz)
        self._line.caller_says("")  # its words come with the transcript, where the program wants one
        self._live.hear(pcm, lasting_s=0)

    def fault(self, name: str) -> None:
        """Let something go wrong now; what is said next waits until the program has a session again."""
        super().fault(name)
        self._disturbed = True

    async def types(self, words: str) -> None:
        """The same as `says`: the program has no keyboard that is known here."""
        await self.says(words)

    async def hangs_up(self) -> None:
        """End the program, and what it has started."""
        if self._program is not None:
            await self._program.end()
        await self.log.on_close()

    def story(self) -> str:
        """The conversation, and the last of what the program wrote."""
        told = [super().story()] + ([self._program.tail()] if self._program is not None else [])
        return "\n".join(filter(None, told))

    @property
    def setup(self) -> dict[str, Any]:
        """What the program asked the service for, in its last session: model, instructions, tools."""
        return next((session.setup for session in reversed(self._live.sessions) if session.setup), {})

    @property
    def sessions(self) -> list[KeptSession]:
        """The connections that the program opened: each with `received`, `sent`, `setup` and how it `closed`."""
        return self._live.sessions

    @property
    def received(self) -> list[dict[str, Any]]:
        """What the program sent, of all sessions, in order, without sound and pictures."""
        return [message for session in self._live.sessions for message in session.received]

    @property
    def output(self) -> list[str]:
        """The last lines that the program wrote."""
        return [] if self._program is None else list(self._program.output)

    @property
    def exit_code(self) -> int | None:
        """With what the program ended; None while it runs."""
        return None if self._program is None else self._program.exit_code

    async def connected(self, timeout_s: float = CONNECT_TIMEOUT_S) -> None:
        """Wait until the program has a session that can hear.

        Args:
            timeout_s: how long.

        Raises:
            AssertionError: it had none in time, or the call is over.
        """
        if self._disturbed:
            self._disturbed = False
            await asyncio.sleep(_NOTICED_AFTER_S)
        over = asyncio.create_task(self.log.over.wait())
        try:
            async with asyncio.timeout(timeout_s):
                while not (self._line.ready.is_set() or over.done()):
                    ready = asyncio.create_task(self._line.ready.wait())
                    await asyncio.wait([ready, over], return_when=asyncio.FIRST_COMPLETED)
                    ready.cancel()
        except TimeoutError:
            raise AssertionError(f"the program had no session within {timeout_s:g} s\n{self.story()}") from None
        finally:
            over.cancel()
        if self.log.over.is_set():
            what = "the call is over" if self.exit_code is None or self._program is None else self._program.ending
            raise AssertionError(f"{what}\n{self.story()}")
