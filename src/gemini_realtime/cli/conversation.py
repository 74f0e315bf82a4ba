"""One conversation from "connecting" to the last word heard: `gemini_realtime` as an application uses it."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import Final

from gemini_realtime import (
    AudioDelta,
    ConnectionClosed,
    ConnectionLost,
    FunctionCall,
    GeminiRealtimeClient,
    GeminiRealtimeError,
    GenerationComplete,
    InputAudioBufferDelta,
    InputTranscript,
    Interrupted,
    NotConnectedError,
    OutputTranscript,
    RealtimeEvent,
    SessionCreated,
    SessionResumed,
    SpeechStarted,
    TextDelta,
    ThoughtDelta,
    TurnComplete,
)
from gemini_realtime.adapters.files import Recording
from gemini_realtime.cli import demo
from gemini_realtime.cli.measuring import Floor, Measurements, SpeechLevel
from gemini_realtime.cli.screen import YOU, Screen
from gemini_realtime.cli.sounding import LiveVoice, Loudspeaker, Tape

PATIENCE_MS: Final = 20_000
"""How long nothing may happen while an answer is waited for."""

LONGEST_WAIT_MS: Final = 180_000
"""How long an answer is waited for altogether, whatever happens instead of it: lost connections, call after call."""

PAUSE_MS: Final = 500
"""Silence after which a question is taken for finished, about as the service does."""

_GOODBYE: Final = re.compile(r"\b(good ?bye|bye[ -]bye)\b", re.IGNORECASE)


_GOING_ON: Final = (
    SessionCreated, SpeechStarted, InputTranscript, OutputTranscript, AudioDelta, TextDelta, ThoughtDelta, FunctionCall,
    Interrupted, GenerationComplete, TurnComplete, ConnectionLost, SessionResumed,
)  # fmt: skip
"""A question that is being heard, an answer that is being given, or a connection that is being replaced; what the
service says besides, such as a handle every five seconds, is no reason to wait any longer."""

Question = str | Recording | LiveVoice
"""What the user asks: in writing, with a recording, or by speaking."""


class Conversation:
    """What the user says goes to Gemini; what Gemini says is heard and shown; what it calls is answered.

    Attributes:
        measurements: filled meanwhile.
    """

    def __init__(
        self,
        client: GeminiRealtimeClient,
        question: Question,
        *,
        loudspeaker: Loudspeaker,
        tape: Tape | None,
        screen: Screen,
    ) -> None:
        self.measurements = Measurements()
        self._client = client
        self._question = question
        self._loudspeaker = loudspeaker
        self._tape = tape
        self._screen = screen
        self._floor = Floor()
        self._asking: asyncio.Task[None] | None = None
        self._last_words = ""
        self._heard = False  # the service understood something
        self._begin_s = 0.0
        self._last_ms = 0.0  # when the question or its answer last went on
        self._spoken_ms = 0.0  # when either side last said something

    async def hold(self) -> None:
        """Talk until everything has been said, answered and heard.

        Raises:
            GeminiRealtimeError: the connection failed, or no answer came.
        """
        self._begin_s = asyncio.get_running_loop().time()
        self._screen.waiting("Connecting")
        async with self._client.connect():
            self.measurements.connect_ms = self.now_ms()
            self._begin_s = asyncio.get_running_loop().time()
            self._screen.waiting("Waiting for the session")
            try:
                async with asyncio.timeout(None) as self._end:
                    async for event in self._client.read_events():
                        self._screen.show(event, self.now_ms())
                        await self._react(event)
            except TimeoutError:
                if not self._end.expired():
                    raise
            finally:
                await self._fall_silent()
        if self._floor.waiting:
            raise self._unanswered()

    def _unanswered(self) -> GeminiRealtimeError:
        if isinstance(self._question, Recording) and not self._heard:
            return GeminiRealtimeError(
                "nothing was heard in the recording", remedy="record somebody who speaks, louder; or ask with --say"
            )
        return GeminiRealtimeError("Gemini did not answer", remedy="ask again, or in writing with --say")

    async def _react(self, event: RealtimeEvent) -> None:
        now_ms = self.now_ms()
        match event:
            case InputAudioBufferDelta():
                return  # what we sent ourselves
            case SessionCreated():
                self.measurements.setup_ms = now_ms
                self._asking = asyncio.create_task(self._ask())
                self._asking.add_done_callback(self._asked_everything)
            case InputTranscript():
                self._heard = self._heard or bool(event.text.strip())
                self._listen_for_goodbye(event.text)
            case AudioDelta(stale=False):
                self._answering()
                self._loudspeaker.play(event.audio, now_ms)
            case TextDelta():
                self._answering()
            case Interrupted():
                self._floor.interrupted()
                self._loudspeaker.flush(now_ms)
            case FunctionCall():
                result = demo.call(event.name, event.arguments)
                self._screen.called(event, result)
                self._floor.called()
                await self._client.send_function_result(event.call_id, result)
            case TurnComplete():
                self._floor.turn_complete()
                self.measurements.turn_complete(event)
        if isinstance(event, _GOING_ON):
            self._last_ms = now_ms
        self._expect()

    # --- what the user says

    async def _ask(self) -> None:
        with contextlib.suppress(ConnectionClosed, NotConnectedError):  # whoever reads the events is told why
            if isinstance(self._question, str):
                self._screen.said(YOU, self._question)
                self._asked()
                await self._client.send_text(role="user", text=self._question)
            else:
                await self._speak(self._question)

    async def _speak(self, voice: Recording | LiveVoice) -> None:
        level, over = SpeechLevel(), False
        async for chunk in voice:
            if level.is_speech(chunk):
                self._asked()
            if self._tape is not None:
                self._tape.user(chunk, self.now_ms())
            await self._client.send_audio(chunk)
            if voice.over and not over:
                over = True
                self._last_ms = self._spoken_ms = self.now_ms()
            self._expect()

    def _asked(self) -> None:
        self._floor.asked()
        self.measurements.asked_ms = self._last_ms = self._spoken_ms = self.now_ms()

    def _listen_for_goodbye(self, words: str) -> None:
        self._last_words = (self._last_words + words)[-40:]  # transcripts come in pieces, cut anywhere
        if isinstance(self._question, LiveVoice) and _GOODBYE.search(self._last_words):
            self._question.over = True

    def _asked_everything(self, asking: asyncio.Task[None]) -> None:
        if not asking.cancelled() and asking.exception() is not None:
            self._end_at(self.now_ms())

    async def _fall_silent(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])
            if not self._asking.cancelled():
                self._asking.result()

    # --- what comes next

    def _answering(self) -> None:
        self._spoken_ms = self.now_ms()
        if self._floor.answering():
            self.measurements.answered(self.now_ms())

    def _expect(self) -> None:
        """Say what is being waited for, and end the conversation when nothing is."""
        now_ms, heard_ms = self.now_ms(), self._loudspeaker.silent_at_ms
        if self._floor.talking or now_ms < heard_ms:
            self._screen.waiting("Gemini is speaking")
        elif self._floor.waiting and now_ms > self._last_ms + PAUSE_MS:
            self._screen.waiting("Gemini is thinking")
        else:
            self._screen.waiting("Listening")
        if isinstance(self._question, str) or self._question.over:
            end_ms = heard_ms
            if not self._floor.settled:
                end_ms = max(self._last_ms, heard_ms) + PATIENCE_MS
            if self._floor.waiting:
                end_ms = min(end_ms, max(self._spoken_ms, heard_ms) + LONGEST_WAIT_MS)
            self._end_at(end_ms)

    def _end_at(self, at_ms: float) -> None:
        if not self._end.expired():
            self._end.reschedule(self._begin_s + at_ms / 1000)

    def now_ms(self) -> float:
        """Since the connection was opened."""
        return (asyncio.get_running_loop().time() - self._begin_s) * 1000
