"""The caller's handset: what the caller says goes in, what the agent says is heard at the pace of speech.

`AgentHandset` is that of an agent in this process, `ProgramHandset` that of any program, whose caller the server plays;
`socket_handset.py` has that of an agent that is reached over a WebSocket.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import inf
from typing import Final, cast

from gemini_realtime.agent.log import ConversationLog, heard_words
from gemini_realtime.agent.observers import RealtimeObserver
from gemini_realtime.audio.format import INPUT_FORMAT, OUTPUT_FORMAT
from gemini_realtime.audio.levels import first_audible_ms, last_audible_ms
from gemini_realtime.audio.playback import Playback
from gemini_realtime.client import GeminiRealtimeClient
from gemini_realtime.errors import ConfigError
from gemini_realtime.evaluation.microphone import Microphone
from gemini_realtime.local.serve import LiveServer
from gemini_realtime.local.speech.spelled import spell
from gemini_realtime.protocol.events import (
    AudioDelta,
    DigitPressed,
    FunctionCall,
    FunctionCallCancelled,
    FunctionResult,
    InputTranscript,
    Interrupted,
    OutputTranscript,
    PlaybackStopped,
    RealtimeEvent,
    TurnComplete,
)
from gemini_realtime.testing.call import Listening
from gemini_realtime.testing.line import Line
from gemini_realtime.testing.program import Program
from gemini_realtime.testing.program_call import ProgramCall

_PIECE_MS: Final = 40  # of sound at a time
_QUIET_PIECE_MS: Final = 200  # when nothing has happened for a while: fewer pieces cost less
_LIVELY_S: Final = 2.0
_END_OF_SPEECH_S: Final = 0.4  # of silence, by which the service knows that somebody has finished
_SETTLED_S: Final = 0.6
"""So long after an answer a caller speaks again, as people do: Stivers et al., 2009, has 0.2 s at the quickest."""
_ANSWER_MAX_S: Final = 600.0

Voice = Callable[[str], Awaitable[bytes]]
"""Words as sound, 16 kHz mono s16le."""


@dataclass
class Answer:
    """What the agent said in one turn, as the caller heard it.

    Attributes:
        text: the words that were heard.
        begin_s: of the first sign of it, on the clock of the event loop.
        interrupted: whether it was cut off.
        after_s: from when the caller was last audible until the agent first is, see `CallRecord`; None where the
            caller had not spoken since the answer before.
    """

    text: str = ""
    begin_s: float = 0.0
    interrupted: bool = False
    after_s: float | None = None


class Handset(ABC):
    """Speaks to somebody, and hears them.

    Attributes:
        answers: of the other side, in order.
        stopped_s: of each time the caller spoke over the other side, how long that went on.
        cut_short: how many answers broke off although the caller had said nothing since they began.
        answered_others: how many were to words that the caller had not said.
        talked_over: how many began while the caller was speaking, in a pause perhaps.
        late_s: by how much this machine was behind real time at most, where the other side is not in this process.
    """

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Answer] = []
        self.stopped_s: list[float] = []
        self.cut_short = self.answered_others = self.talked_over = 0
        self._other_side_heard = False  # words, since the last answer began
        self.late_s = 0.0
        self._playback = Playback(OUTPUT_FORMAT)
        self._answer: Answer | None = None
        self._words: list[tuple[float, str]] = []
        self._audio_ms = 0.0
        self._audible = False  # whether the answer under way has a sound yet
        self._open_calls: set[str] = set()
        self._spoke_at: float | None = None  # the caller's last sound, until it is answered
        self._last_spoke_at = -inf  # the same, answered or not
        self._answer_heard_at: float | None = None  # first, since the caller began to speak, until that goes on
        self._over_since: float | None = None  # the caller speaks over the other side since then
        self._quiet_since = self.now()
        self._moment = asyncio.Event()

    # --- what the caller does

    @abstractmethod
    async def say(self, words: str) -> None:
        """Say words; returns when they are said."""

    @abstractmethod
    async def sound(self, pcm16k: bytes) -> None:
        """Make a sound; returns when it is over."""

    @abstractmethod
    async def type(self, words: str) -> None:
        """Write to the other side, or say it where nothing can be written."""

    @abstractmethod
    def press(self, digit: str) -> None:
        """Press a key of the telephone.

        Raises:
            ConfigError: the other side has none.
        """

    async def heard(self, words: int, patience_s: float) -> bool:
        """Wait until so many words of an answer under way were heard; False when there is none, or it ends before."""
        until = self.now() + patience_s
        while not self.agent_speaks and self.now() < until:
            await self.moment()
        while self._under_way and self.words_heard < words and self.now() - self._quiet_since <= patience_s:
            await self.moment()
        return self._under_way

    async def answered(self, since_s: float, patience_s: float) -> bool:
        """Wait until the other side has answered and has nothing more to say; False without an answer.

        Args:
            since_s: what began before is no answer to this.
            patience_s: how long it may be silent, and do nothing that the caller waits for.

        Raises:
            AssertionError: it does not come to an end.
        """
        until_s = self.now() + _ANSWER_MAX_S
        while self.now() < until_s:
            quiet_s = self.now() - self._quiet_since
            busy = self.agent_speaks or self._open_calls or self._answer is not None
            if not busy and quiet_s >= _SETTLED_S and self.answers_since(since_s):
                return True
            if quiet_s > patience_s and not self.agent_speaks:
                return False
            await self.moment()
        raise AssertionError(f"the agent has spoken for {_ANSWER_MAX_S:g} s without a pause")

    def answers_since(self, since_s: float) -> list[Answer]:
        """The answers that began then or later."""
        return [answer for answer in self.answers if answer.begin_s >= since_s]

    async def moment(self) -> None:
        """Wait for the next piece of sound."""
        self._moment.clear()
        await self._moment.wait()

    @property
    def _under_way(self) -> bool:
        """Whether an answer is; a gap in its sound, on a slow machine say, does not end it."""
        return self.agent_speaks or self._answer is not None

    @property
    def agent_speaks(self) -> bool:
        """Whether the other side is audible now."""
        return not self._playback.idle

    @property
    def hearing(self) -> str:
        """What was heard of the answer under way."""
        return heard_words(self._words, self._audio_ms, self._playback.played_ms)

    @property
    def words_heard(self) -> int:
        """How many that are."""
        return len(self.hearing.split())

    def now(self) -> float:
        """Seconds, on the clock of the event loop."""
        return asyncio.get_running_loop().time()

    # --- what the other side does

    def hear(self, event: RealtimeEvent) -> None:
        """Take what happens on the other side, at this moment."""
        match event:
            case AudioDelta(stale=False):
                audio = event.audio
                self._sounds(self._begin(), audio)
                self._audio_ms += len(audio) / 2 / event.rate_hz * 1000
            case InputTranscript() if event.text:
                self._other_side_heard = True
            case OutputTranscript() if event.text:
                self._begin()
                self._words.append((self._audio_ms, event.text))
            case Interrupted():
                self._stop()
            case TurnComplete():
                self._complete(event.interrupted)
            case FunctionCall():
                self._open_calls.add(event.call_id)
                self._quiet_since = self.now()
            case FunctionResult():
                self._open_calls.discard(event.call_id)
                self._quiet_since = self.now()
            case FunctionCallCancelled():
                self._open_calls.difference_update(event.call_ids)

    def play(self, piece_ms: float) -> bytes:
        """Let so much of what was received sound; returns it, or silence."""
        spoke = self.agent_speaks
        played = self._playback.take(OUTPUT_FORMAT.bytes_for_ms(piece_ms))
        if spoke:
            self._quiet_since = self.now()
            if not self.agent_speaks:
                self._silent()
        self._moment.set()
        return played

    def keep_time(self, due_s: float) -> None:
        """Something that was due then is done now."""
        self.late_s = max(self.late_s, self.now() - due_s)

    @abstractmethod
    def tell_stopped(self, event: PlaybackStopped) -> None:
        """An interruption has cut off what was played."""

    def begins(self, at_s: float) -> None:
        """The caller becomes audible then, perhaps over the other side."""
        self._answer_heard_at = None
        if self.agent_speaks:
            self._over_since = at_s

    def spoke(self, at_s: float) -> None:
        """The caller is heard until then."""
        if self._answer_heard_at is not None and self._answer_heard_at < at_s:
            self.talked_over += 1
            self._answer_heard_at = None
        self._spoke_at = self._last_spoke_at = self._quiet_since = at_s

    def said(self, microphone: Microphone, at_s: float, piece_ms: float) -> bytes:
        """The next piece of what the caller says, from then on."""
        if (audible := microphone.audible(piece_ms)) is not None:
            begin_ms, end_ms = audible
            if begin_ms >= 0:
                self.begins(at_s + begin_ms / 1000)
            self.spoke(at_s + end_ms / 1000)
        return microphone.take(piece_ms)

    def _sounds(self, answer: Answer, audio: bytes) -> None:
        """Sound of an answer has come, which is played when all that came before it has been."""
        begin_ms = None if self._audible else first_audible_ms(audio, OUTPUT_FORMAT)
        if begin_ms is not None:
            self._audible = True
            self._first_heard(answer, self.now() + (self._playback.queued_ms + begin_ms) / 1000)
        self._playback.push(audio)

    def _first_heard(self, answer: Answer, at_s: float) -> None:
        """An answer becomes audible then."""
        if self._spoke_at is not None:
            answer.after_s, self._spoke_at = at_s - self._spoke_at, None
        if at_s < self._last_spoke_at:
            self.talked_over += 1
        else:
            self._answer_heard_at = at_s

    def _begin(self) -> Answer:
        if self._answer is None:
            silent_since_s = self.answers[-1].begin_s if self.answers else 0.0
            self.answered_others += self._other_side_heard and self._last_spoke_at < silent_since_s
            self._other_side_heard = False
            self._answer = Answer(begin_s=self.now())
            self._words, self._audio_ms, self._audible = [], 0.0, False
        return self._answer

    def _stop(self) -> None:
        heard, played_ms = self.hearing, self._playback.played_ms
        unplayed_ms = self._playback.flush()
        self._silent()
        if self._answer is not None:
            self._answer.text, self._answer.interrupted = heard, True
            self.cut_short += self._last_spoke_at < self._answer.begin_s
            self.tell_stopped(PlaybackStopped(played_ms=round(played_ms), unplayed_ms=round(unplayed_ms)))
            self._end()

    def _silent(self) -> None:
        if self._over_since is not None:
            self.stopped_s.append(max(0.0, self.now() - self._over_since))
            self._over_since = None

    def _complete(self, interrupted: bool) -> None:
        self._playback.end_turn()
        if self._answer is not None:
            self._answer.text = "".join(text for _, text in self._words).strip()
            self._answer.interrupted = interrupted
            self._end()

    def _end(self) -> None:
        assert self._answer is not None
        self.answers.append(self._answer)
        self._answer = None
        self._quiet_since = self.now()


class AgentHandset(Handset, RealtimeObserver):
    """Speaks into an agent in this process, as a microphone does.

    Args:
        voice: gives words as sound.
        log: of the call, which is told what is typed.
        microphone: that the caller speaks into.
    """

    def __init__(self, voice: Voice, log: ConversationLog, microphone: Microphone) -> None:
        super().__init__()
        self._voice = voice
        self._log = log
        self._microphone = microphone

    async def say(self, words: str) -> None:
        """See `Handset`, as for the other methods."""
        await self.sound(await self._voice(words))

    async def sound(self, pcm16k: bytes) -> None:
        self._microphone.speak(pcm16k)
        while self._microphone.speaks:
            await self.moment()

    async def type(self, words: str) -> None:
        self.spoke(self.now())
        self._log.note_typed(words)
        await self.realtime_client.send_text(role="user", text=words)

    def press(self, digit: str) -> None:
        self.spoke(self.now())
        self.agent.add_event(DigitPressed(digit=digit))

    def tell_stopped(self, event: PlaybackStopped) -> None:
        self.agent.add_event(event)

    async def initialize_session(self) -> None:
        """Nothing to prepare."""

    async def run_loop(self) -> None:
        """Carry sound both ways, at the pace of sound."""
        client = cast("GeminiRealtimeClient", self.realtime_client)
        at = self._quiet_since = self.now()
        microphone = self._microphone
        while True:
            lively = not microphone.quiet or self.agent_speaks or self.now() - self._quiet_since < _LIVELY_S
            piece_ms = _PIECE_MS if lively else _QUIET_PIECE_MS
            piece = self.said(microphone, at, piece_ms)
            at += piece_ms / 1000
            await asyncio.sleep(max(0.0, at - self.now()))
            await client.send_audio(microphone.heard(piece, self.play(piece_ms)))

    async def on_event(self, event: RealtimeEvent) -> None:
        """Hear what the agent says."""
        self.hear(event)


class ProgramHandset(Handset):
    """Is the caller of a program, which the server has heard: no microphone is needed.

    Args:
        server: that the program talks to; hears spelled speech.
        program: not running yet.
        speed: of the caller's speech.

    Attributes:
        log: of the call.
        call: to the program.
    """

    def __init__(self, server: LiveServer, program: Program, *, speed: float = 1.0) -> None:
        super().__init__()
        self.log = _HeardLog(self.hear)
        self._line = Line(self.log)
        self.call = ProgramCall(self._line, self.log, server, program)
        self._server = server
        self._speed = speed

    async def say(self, words: str) -> None:
        """See `Handset`, as for the other methods."""
        await self.call.connected()
        lasting_s = (last_audible_ms(spell(words, speed=self._speed), INPUT_FORMAT) or 0.0) / 1000
        self.begins(self.now())
        self._line.caller_says(words, lasting_s=lasting_s)
        self._server.hear(words, lasting_s=lasting_s + _END_OF_SPEECH_S)
        await self._spoken(lasting_s)

    async def sound(self, pcm16k: bytes) -> None:
        await self.call.connected()
        self.begins(self.now())
        self._server.hear(pcm16k)
        await self._spoken(INPUT_FORMAT.duration_ms(len(pcm16k)) / 1000)

    async def type(self, words: str) -> None:
        await self.say(words)

    def press(self, digit: str) -> None:
        raise ConfigError("a program that the server calls has no keys", remedy="call it over its WebSocket: --url")

    def tell_stopped(self, event: PlaybackStopped) -> None:
        self.log.note(event)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Hear at the pace of sound, for the duration of the context."""
        self._server.observe(self._line.observer)
        await self.log.initialize_session()
        playing = asyncio.create_task(self._play())
        try:
            yield
        finally:
            playing.cancel()

    async def _spoken(self, lasting_s: float) -> None:
        until_s = self.now() + lasting_s
        self.spoke(until_s)
        while self.now() < until_s:
            await self.moment()

    async def _play(self) -> None:
        at = self.now()
        while True:
            at += _PIECE_MS / 1000
            await asyncio.sleep(max(0.0, at - self.now()))
            if self._line.ready.is_set():  # while it starts, a program takes all of the machine that it gets
                self.keep_time(at)
            self.play(_PIECE_MS)


class _HeardLog(Listening):
    """A log, of which somebody else hears too."""

    def __init__(self, hear: Callable[[RealtimeEvent], None]) -> None:
        super().__init__()
        self._hear = hear

    def note(self, event: RealtimeEvent) -> None:
        super().note(event)
        self._hear(event)
