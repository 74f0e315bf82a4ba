"""One conversation from "connecting" to the last word heard: an observer that shows it, and ends it when it is over."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterator
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
    RealtimeAgent,
    RealtimeEvent,
    RealtimeObserver,
    SessionCreated,
    SessionResumed,
    SpeechStarted,
    TextDelta,
    ThoughtDelta,
    TurnComplete,
)
from gemini_realtime.adapters.files import Recording
from gemini_realtime.cli import demo
from gemini_realtime.cli.measuring import Clock, Floor, Measurements
from gemini_realtime.cli.screen import YOU, Screen
from gemini_realtime.cli.sounding import LiveVoice, Loudspeaker, TalkAudio, Tape

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


class Conversation(RealtimeObserver):
    """Asks what is asked in writing, shows what both sides say, and ends the conversation when all has been heard.

    Attributes:
        measurements: filled meanwhile.
    """

    def __init__(self, question: Question, *, loudspeaker: Loudspeaker, tape: Tape | None, screen: Screen) -> None:
        super().__init__()
        self.measurements = Measurements()
        self._question = question
        self._screen = screen
        self._clock = Clock()
        self._audio = TalkAudio(question, loudspeaker=loudspeaker, tape=tape, clock=self._clock)
        self._floor = Floor()
        self._created = asyncio.Event()
        self._last_words = ""
        self._heard = False  # the service understood something
        self._over = isinstance(question, str)  # the user has nothing more to say
        self._last_ms = 0.0  # when the question or its answer last went on
        self._spoken_ms = 0.0  # when either side last said something
        self._end: asyncio.TimerHandle | None = None
        self._failure: Exception | None = None

    async def hold(self, client: GeminiRealtimeClient, *, system: str | None = None) -> None:
        """Let an agent that knows the weather talk until everything has been said, answered and heard.

        Args:
            client: its own, not connected yet.
            system: its instructions.

        Raises:
            GeminiRealtimeError: the connection failed, or no answer came.
            OSError: what happens cannot be shown any more.
        """
        agent = RealtimeAgent(
            name="talk",
            client=client,
            system_message=system or "You are a helpful AI Assistant.",
            audio_adapter=self._audio,
            observers=[self],
        )
        agent.register_realtime_function()(demo.get_weather)
        self._clock.start()
        self._screen.waiting("Connecting")
        try:
            await agent.run()
        finally:
            if self._end is not None:
                self._end.cancel()
        if self._failure is not None:
            raise self._failure
        if self._floor.waiting:
            raise self._unanswered()

    def _unanswered(self) -> GeminiRealtimeError:
        if isinstance(self._question, Recording) and not self._heard:
            return GeminiRealtimeError(
                "nothing was heard in the recording", remedy="record somebody who speaks, louder; or ask with --say"
            )
        return GeminiRealtimeError("Gemini did not answer", remedy="ask again, or in writing with --say")

    def now_ms(self) -> float:
        """Since the connection was opened."""
        return self._clock.now_ms()

    # --- as the agent's observer

    async def initialize_session(self) -> None:
        """The connection is there: from now on time counts."""
        self.measurements.connect_ms = self.now_ms()
        self._clock.start()
        self._screen.waiting("Waiting for the session")

    async def run_loop(self) -> None:
        """Ask what is asked in writing."""
        await self._created.wait()
        if isinstance(self._question, str):
            self._screen.said(YOU, self._question)
            self._asked(self.now_ms())
            with self._over_when_it_fails(), contextlib.suppress(ConnectionClosed, NotConnectedError):
                await self.agent.send_text(self._question)  # and of these, whoever runs the agent is told why

    @contextlib.contextmanager
    def _over_when_it_fails(self) -> Iterator[None]:
        """End the conversation by an error that the agent would log, and go on: nobody could follow the rest."""
        try:
            yield
        except Exception as error:
            self._failure = self._failure or error
            self.agent.stop()

    async def on_event(self, event: RealtimeEvent) -> None:
        """Show what happens, and find out what comes next."""
        if self._failure is None:
            with self._over_when_it_fails():
                self._take_in(event)

    def _take_in(self, event: RealtimeEvent) -> None:
        now_ms = self.now_ms()
        self._screen.show(event, now_ms)
        match event:
            case InputAudioBufferDelta():
                self._spoke(event, now_ms)
            case SessionCreated():
                self.measurements.setup_ms = now_ms
                self._created.set()
            case InputTranscript():
                self._heard = self._heard or bool(event.text.strip())
                self._listen_for_goodbye(event.text)
            case AudioDelta(stale=False) | TextDelta():
                self._answering(now_ms)
            case Interrupted():
                self._floor.interrupted()
            case FunctionCall():
                self._floor.called()
            case TurnComplete():
                self._floor.turn_complete()
                self.measurements.turn_complete(event)
        if isinstance(event, _GOING_ON):
            self._last_ms = now_ms
        if self._everything_said and not self._over:
            self._over = True
            self._last_ms = self._spoken_ms = now_ms
        self._expect(now_ms)

    # --- what the user says

    def _spoke(self, piece: InputAudioBufferDelta, now_ms: float) -> None:
        if self._audio.is_speech(piece):  # which is told a little later than it is sent
            self._asked(now_ms if piece.sent_at is None else self._clock.at_ms(piece.sent_at))

    def _asked(self, at_ms: float) -> None:
        self._floor.asked()
        self.measurements.asked_ms = self._last_ms = self._spoken_ms = at_ms

    @property
    def _everything_said(self) -> bool:
        return isinstance(self._question, str) or self._question.over

    def _listen_for_goodbye(self, words: str) -> None:
        self._last_words = (self._last_words + words)[-40:]  # transcripts come in pieces, cut anywhere
        if isinstance(self._question, LiveVoice) and _GOODBYE.search(self._last_words):
            self._question.over = True

    # --- what comes next

    def _answering(self, now_ms: float) -> None:
        self._spoken_ms = now_ms
        if self._floor.answering():
            self.measurements.answered(now_ms)

    def _expect(self, now_ms: float) -> None:
        """Say what is being waited for, and end the conversation when nothing is."""
        heard_ms = self._audio.silent_at_ms
        if self._floor.talking or now_ms < heard_ms:
            self._screen.waiting("Gemini is speaking")
        elif self._floor.waiting and now_ms > self._last_ms + PAUSE_MS:
            self._screen.waiting("Gemini is thinking")
        else:
            self._screen.waiting("Listening")
        if self._everything_said:
            end_ms = heard_ms
            if not self._floor.settled:
                end_ms = max(self._last_ms, heard_ms) + PATIENCE_MS
            if self._floor.waiting:
                end_ms = min(end_ms, max(self._spoken_ms, heard_ms) + LONGEST_WAIT_MS)
            self._end_at(end_ms)

    def _end_at(self, at_ms: float) -> None:
        if self._end is not None:
            self._end.cancel()
        self._end = asyncio.get_running_loop().call_at(self._clock.seconds(at_ms), self.agent.stop)
