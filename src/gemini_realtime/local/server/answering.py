"""From what is asked to what is said and called: responder and speech of one connection."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Protocol, assert_never, runtime_checkable

from gemini_realtime.local.faults import Fault
from gemini_realtime.local.session.peer import Peer
from gemini_realtime.local.speech.hearing import Hearing
from gemini_realtime.local.speech.speaking import Speaking
from gemini_realtime.local.thinking import Call, Frame, Item, Request, Responder, Say, Wait

_THOUGHTS_AHEAD: Final = 32  # items that are thought of before they are spoken

FILLER: Final = "Let me see."
"""Said before a call by a model that speaks while functions run, when the responder says nothing itself; made up."""

_Thoughts = asyncio.Queue[Item | Exception | None]


@runtime_checkable
class Closeable(Protocol):
    """A backend that holds something, such as a process or connections."""

    async def close(self) -> None:
        """Free it."""
        ...


@dataclass(frozen=True)
class Backends:
    """What a server hears, thinks and speaks with; shared by its connections.

    Attributes:
        unfinished_wait_s: how much longer than for silence to wait where what was heard plainly goes on.
    """

    hearing: Hearing
    responder: Responder
    speaking: Speaking
    unfinished_wait_s: float = 0.0

    async def close(self) -> None:
        """Free what they hold."""
        for backend in (self.hearing, self.responder, self.speaking):
            if isinstance(backend, Closeable):
                await backend.close()


class Answerer:
    """Think of replies and speak them.

    Args:
        peer: is told what there is to send.
        act: carries out what the peer then asks for.
        room: set while the client can take more.
        misbehave: lets a fault happen.
        backends: responder and speech.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        peer: Peer,
        act: Callable[[], None],
        room: asyncio.Event,
        misbehave: Callable[[Fault], None],
        backends: Backends,
        clock: Callable[[], float],
    ) -> None:
        self._peer = peer
        self._act = act
        self._room = room
        self._misbehave = misbehave
        self._backends = backends
        self._clock = clock
        self._unsaid: deque[Say | Wait | Frame | Fault] = deque()
        self._spoke_in = 0  # the reply that the last sentence belongs to

    async def answer(self, reply_id: int, request: Request) -> None:
        """Say and call what the responder comes up with, while it thinks on; to be cancelled when it is not wanted."""
        thoughts: _Thoughts = asyncio.Queue(_THOUGHTS_AHEAD)
        thinking = asyncio.create_task(self._think(request, thoughts))
        try:
            await self._utter(reply_id, thoughts)
        finally:
            thinking.cancel()
            await asyncio.wait([thinking])
        self._peer.reply_ended(reply_id, self._clock())
        self._act()

    def forget(self) -> None:
        """What is still to say is not wanted any more."""
        self._unsaid.clear()

    async def _think(self, request: Request, thoughts: _Thoughts) -> None:
        translates = self._peer.options.family.task == "translate"
        reply = _said_again(request) if translates else self._backends.responder.respond(request)
        try:
            async for item in reply:
                await thoughts.put(item)
            await thoughts.put(None)
        except Exception as error:
            await thoughts.put(error)
        finally:
            if isinstance(reply, AsyncGenerator):
                await reply.aclose()

    async def _utter(self, reply_id: int, thoughts: _Thoughts) -> None:
        blocked = False
        while (item := await thoughts.get()) is not None:
            match item:
                case Call(name, args):
                    if self._peer.options.profile.calls_after_turn and self._spoke_in != reply_id:
                        await self._say(reply_id, FILLER)
                    self._peer.wants_call(reply_id, name, args)
                    blocked = blocked or self._peer.options.blocks(name)
                case Exception():
                    raise item
                case _ if blocked:
                    self._unsaid.append(item)  # for when the result is in, after what is to say about it
                case _:
                    await self._do(reply_id, item)
        while self._unsaid and not blocked:
            await self._do(reply_id, self._unsaid.popleft())

    async def _do(self, reply_id: int, item: Say | Wait | Frame | Fault) -> None:
        match item:
            case Say(text):
                await self._say(reply_id, text)
            case Wait(seconds):
                await asyncio.sleep(seconds)
            case Frame(message):
                await self._may_send()
                self._peer.sends(reply_id, message)
                self._act()
            case Fault():
                self._misbehave(item)
            case _:
                assert_never(item)

    async def _say(self, reply_id: int, text: str) -> None:
        gap, self._spoke_in = " " if self._spoke_in == reply_id else "", reply_id
        if self._peer.options.modality == "TEXT":
            await self._may_send()
            self._peer.wrote(reply_id, gap + text, self._clock())
            self._act()
            return
        voice, language = self._peer.options.voice, self._peer.options.language
        async with aclosing(self._backends.speaking.speak(text, voice=voice, language=language)) as chunks:
            async for chunk in chunks:
                await self._may_send()
                words, gap = (gap + chunk.text, "") if chunk.text else ("", gap)
                self._peer.spoke(reply_id, chunk.audio, words, self._clock())
                self._act()

    async def _may_send(self) -> None:
        """Wait until the client has room, and let it get a word in anyway."""
        await self._room.wait()
        await asyncio.sleep(self._peer.hold_s(self._clock()))


async def _said_again(request: Request) -> AsyncGenerator[Item, None]:
    """The user's words, for a voice that speaks the other language: nobody here can translate them."""
    yield Say(request.heard)
