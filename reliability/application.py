"""An application as there are many: it asks, listens and talks at the same time, and calls functions."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from gemini_realtime import (
    AudioDelta,
    AudioDropped,
    ConnectionLost,
    FunctionCall,
    FunctionCallCancelled,
    GeminiRealtimeClient,
    GeminiRealtimeError,
    GenerationComplete,
    OutputTranscript,
    RealtimeEvent,
    SessionResumed,
    TurnComplete,
    VoiceHealth,
)
from reliability.evidence import PIECE, Record, Sent
from reliability.sound import Chunk, sound_of

ANSWER_WITHIN_S = 30.0
"""Patience with one question before the next is asked."""

SETTLE_WITHIN_S = 300
"""How long the end of the conversation may take."""

PAUSE_S = 3.0
"""Silence after the last words, without which nobody knows that they were the last."""

TRAILING_S = 6.0
"""Time for the last words to arrive."""

LATE_WORDS_S = 2.0
"""So long after an answer was cut off words may still be of it."""


@dataclass(frozen=True)
class Habits:
    """What kind of conversation it is.

    Attributes:
        duration_s: of asking and talking; what follows is silence until all is answered.
        chunk_ms: of the microphone's audio.
        notes: whether it adds to the history without asking.
        contexts: whether it changes its instructions.
        calls: whether some of its questions lead to calls.
        obedient: whether it drops the work for a call that is cancelled.
        microphone: whether there is one.
        haste: how many times faster it is than people are.
    """

    duration_s: float = 60.0
    chunk_ms: int = 20
    notes: bool = True
    contexts: bool = True
    calls: bool = True
    obedient: bool = True
    microphone: bool = True
    haste: float = 1.0


class Application:
    """One conversation.

    Args:
        client: to be connected.
        habits: how it behaves.
        random: for its moments.
        record: what it does and is told is written here.
        settled: whether everything is answered, as an outsider knows.
        note: takes a line for the timeline.
        observe: gets each event as it is read.
    """

    def __init__(
        self,
        client: GeminiRealtimeClient,
        habits: Habits,
        random: Random,
        record: Record,
        *,
        settled: Callable[[], bool],
        note: Callable[[str], None],
        observe: Callable[[RealtimeEvent], None] = lambda event: None,
    ) -> None:
        self.record = record
        self._client = client
        self._habits = habits
        self._random = random
        self._settled = settled
        self._note = note
        self._observe = observe
        self._turn_over = asyncio.Event()
        self._turn_open = False
        self._cut_off_at = -math.inf
        self._quiet = False
        self._silent_since_s = 0.0
        self._called: set[str] = set()
        self._work: dict[str, asyncio.Task[None]] = {}
        self._count = 0

    async def hold(self, conclude: Callable[[], None]) -> None:
        """Talk until all is said and answered, or the conversation has ended with an error.

        Args:
            conclude: called when all is over, before the connection is left.
        """
        try:
            async with self._client.connect():
                await self._talk()
                conclude()
        except GeminiRealtimeError as error:
            self.record.over, self.record.error = True, error
            conclude()

    async def _talk(self) -> None:
        loop = asyncio.get_running_loop()
        reader = loop.create_task(self._read())
        others = [
            loop.create_task(self._ask()),
            *([loop.create_task(self._speak())] if self._habits.microphone else []),
        ]
        try:
            _, asking = await asyncio.wait([reader, others[0]], return_when=asyncio.FIRST_COMPLETED)
            if reader in asking:
                await self._settle()
                self._quiet = True
                await asyncio.wait([reader], timeout=TRAILING_S / self._habits.haste)
                await self._settle()  # the connection may be changed at any time
        finally:
            working = [reader, *others, *self._work.values()]
            for task in working:
                task.cancel()
            done = await asyncio.gather(*working, return_exceptions=True)
        for error in done:
            if isinstance(error, Exception):
                raise error

    async def _settle(self) -> None:
        for _ in range(SETTLE_WITHIN_S):
            silent_s = asyncio.get_running_loop().time() - self._silent_since_s
            if self.record.over or (silent_s > PAUSE_S and self._settled()):
                return
            await self._wait(1.0)

    async def _wait(self, duration_s: float) -> None:
        await asyncio.sleep(duration_s / self._habits.haste)

    # --- reading

    async def _read(self) -> None:
        try:
            async for event in self._client.read_events():
                self._observe(event)
                self._handle(event)
        except GeminiRealtimeError as error:
            self.record.error = error
            self._note(f"ends with {type(error).__name__}: {error}")
        else:
            self._note("reading ends")
        self.record.over = True

    def _handle(self, event: RealtimeEvent) -> None:
        record = self.record
        if isinstance(event, OutputTranscript):
            # Words that come soon after the end of a turn that was cut off may be of that one: nobody can tell.
            if asyncio.get_running_loop().time() > self._cut_off_at + LATE_WORDS_S:
                self._turn_open = True
            for answer, piece in PIECE.findall(event.text):
                record.pieces[int(answer), int(piece)] += 1
        elif isinstance(event, AudioDelta):
            self._turn_open = self._turn_open or not event.stale
        elif isinstance(event, TurnComplete):
            self._turn_completed(event)
        elif isinstance(event, GenerationComplete):
            asyncio.get_running_loop().call_later(5.0, self._turn_over.set)  # some turns are never completed
        elif isinstance(event, FunctionCall):
            self._work_on(event)
        elif isinstance(event, FunctionCallCancelled):
            self._calls_cancelled(event.call_ids)
        else:
            self._state_changed(event)

    def _work_on(self, call: FunctionCall) -> None:
        if call.call_id not in self._called:
            self._called.add(_copy(call.call_id))
            task = asyncio.get_running_loop().create_task(self._answer_call(call.call_id, call.arguments["ask"]))
            self._work[call.call_id] = task
            task.add_done_callback(lambda _: self._work.pop(call.call_id, None))

    def _turn_completed(self, event: TurnComplete) -> None:
        if self._turn_open and event.reason is not None:
            self._note(f"turn over: {event.reason}")
        self._turn_open = False
        if event.interrupted:
            self._cut_off_at = asyncio.get_running_loop().time()
        if event.reason is None and not event.interrupted:
            self._turn_over.set()

    def _calls_cancelled(self, call_ids: list[str]) -> None:
        self._note(f"calls cancelled: {call_ids}")
        self.record.cancelled.update(map(_copy, call_ids))
        for call_id in call_ids:
            if self._habits.obedient and call_id in self._work:
                self._work[call_id].cancel()

    def _state_changed(self, event: RealtimeEvent) -> None:
        record = self.record
        if isinstance(event, ConnectionLost):
            record.lost += 1
            self._note(f"{event}")
        elif isinstance(event, SessionResumed):
            record.resumed += 1
            record.new_sessions += event.new_session
            record.open_turns += self._turn_open
            self._note(f"{event}")
            for item in event.items:
                if item.uncertain:
                    record.uncertain.count += 1
                    if item.kind == "audio":
                        record.uncertain.audio_ms.append((item.start_ms, item.start_ms + item.duration_ms))
                    else:
                        record.uncertain.keys.add(item.text)
        elif isinstance(event, AudioDropped):
            record.dropped_ms += event.duration_ms
            self._note(f"{event}")
        elif isinstance(event, VoiceHealth):
            record.findings[event.finding] += 1
            self._note(f"{event}")
            if event.finding == "orphaned_result":
                record.orphaned.append(event.detail)
            if event.finding == "message_rejected":
                record.rejected.append(event.detail)

    # --- talking

    async def _ask(self) -> None:
        loop, random = asyncio.get_running_loop(), self._random
        end = loop.time() + self._habits.duration_s
        while loop.time() < end and not self.record.over:
            await self._wait(random.uniform(0.5, 6.0))
            chance = random.random()
            if chance < 0.12 and self._habits.notes:
                await self._send_text("note")
            elif chance < 0.22 and self._habits.contexts:
                await self._send_context()
            if chance > 0.88:  # two, without waiting
                await self._send_text("ask")
                await self._wait(random.uniform(0.0, 1.5))
            await self._question(calls=self._habits.calls and 0.4 < chance < 0.65)
        await self._question(calls=False)  # whatever was left unanswered on purpose is before the model now

    async def _question(self, *, calls: bool) -> None:
        self._turn_over.clear()
        await self._send_text("ask", " call" if calls else "")
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                await self._turn_over.wait()
        except TimeoutError:
            self._note("asks on, after waiting in vain")

    async def _send_text(self, kind: str, more: str = "") -> None:
        self._count += 1
        sent = self._sending(kind, f"{kind} {self._count}{more}")
        await self._accepted(sent, self._client.send_text(role="user", text=sent.key, turn_complete=kind == "ask"))

    async def _send_context(self) -> None:
        self._count += 1
        sent = self._sending("context", f"context {self._count}")
        await self._accepted(sent, self._client.send_context_update(instructions=sent.key))

    async def _answer_call(self, call_id: str, ask: str) -> None:
        await self._wait(self._random.uniform(0.1, 4.0))
        sent = self._sending("result", _copy(call_id))
        await self._accepted(sent, self._client.send_function_result(call_id, {"found": ask}))

    def _sending(self, kind: str, key: str) -> Sent:
        sent = Sent(kind, key)
        self.record.sent.append(sent)
        self._note(f"sends {key}")
        return sent

    async def _accepted(self, sent: Sent, sending: Any) -> None:
        try:
            await sending
            sent.accepted = True
        except GeminiRealtimeError as error:
            sent.error = type(error).__name__
            self._note(f"{sent.key} is not taken: {error}")

    async def _speak(self) -> None:
        """A microphone: chunks at the pace of the sound, some of them with words in them."""
        loop, random, chunk_ms = asyncio.get_running_loop(), self._random, self._habits.chunk_ms
        begun, utterance, until, number = loop.time(), 0, random.uniform(1.0, 8.0), 0
        saying = 0
        while not self._quiet and not self.record.over:
            at = number * chunk_ms / 1000
            if at >= until:
                talks = saying == 0 and at < self._habits.duration_s
                utterance += talks
                saying = utterance if talks else 0
                until = at + (random.uniform(0.5, 2.0) if talks else random.uniform(4.0, 16.0))
            await asyncio.sleep(max(0.0, begun + at + chunk_ms / 1000 - loop.time()))
            self.record.utterances.append(saying)
            if saying:
                self._silent_since_s = loop.time()
            try:
                await self._client.send_audio(sound_of(Chunk(number, saying), chunk_ms))
            except GeminiRealtimeError:
                self.record.refused_chunks.add(number)
            number += 1


def _copy(call_id: str) -> str:
    """So that what is kept here for good does not count as memory of the client, which has read it from a frame."""
    return call_id.encode().decode()
