"""The log of a conversation: turns with what was said and what was heard, tools, latencies, tokens and cost.

    log = ConversationLog()
    agent = RealtimeAgent(name="host", observers=[log], ...)
    await agent.run()
    print(log.table())

All times are in milliseconds since the conversation began.
"""

from __future__ import annotations

import asyncio
import json
import re
from array import array
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from logging import Logger
from typing import TYPE_CHECKING, Any, Final, Literal

from gemini_realtime.agent.observers import RealtimeObserver
from gemini_realtime.errors import AudioFormatError, NotConnectedError
from gemini_realtime.protocol.codec import decode_base64
from gemini_realtime.protocol.events import (
    AudioDelta,
    AudioTruncated,
    FunctionCall,
    FunctionCallCancelled,
    FunctionResult,
    InputAudioBufferDelta,
    InputTranscript,
    Interrupted,
    OutputTranscript,
    PlaybackStopped,
    RealtimeEvent,
    SessionResumed,
    TextDelta,
    TextSent,
    TurnComplete,
    Usage,
)

if TYPE_CHECKING:
    from gemini_realtime.client import GeminiRealtimeClient

LOUD_FROM: Final = 700
"""Largest sample from which a piece of the user's audio counts as speech, -33 dBFS: rooms are quieter."""

_FAR_BELOW: Final = bytes(byte for byte in range(256) if byte >= 0x80 or (byte + 1) << 8 <= LOUD_FROM)
"""The high bytes of samples that are not as large: to look at them alone takes a tenth of the time."""

LATE_TRANSCRIPT_MS: Final = 2000.0
"""So long after an answer what is heard still belongs to its question."""

Prices = Mapping[str, float]
"""US dollars per million tokens, by `input_text`, `input_audio`, `output_text`, `output_audio`, ..., in lower case."""

PRICES: Final[Mapping[str, Prices]] = {
    "gemini-2.5-flash-native-audio": {
        "input_text": 0.5, "input_audio": 3.0, "input_image": 3.0, "input_video": 3.0,
        "output_text": 2.0, "output_audio": 12.0,
    },
}  # fmt: skip
"""By how model names begin. Source: https://ai.google.dev/gemini-api/docs/pricing, paid tier, October 2025."""


@dataclass
class ToolUse:
    """One call of a function.

    Attributes:
        name: of the function.
        arguments: as the model sent them.
        call_id: as in `FunctionCall.call_id`.
        begin_ms: when the model called.
        duration_ms: until the result was there; None while it is not.
        result: what went to the model.
        cancelled: nobody wanted the result any more.
    """

    name: str
    arguments: dict[str, Any]
    call_id: str
    begin_ms: float
    duration_ms: float | None = None
    result: dict[str, Any] | None = None
    cancelled: bool = False


@dataclass
class Turn:
    """What one side said.

    Attributes:
        role: `user` or `assistant`.
        said: the words, by transcript or in text.
        agent: who answered, of agents that hand over to each other.
        begin_ms: of the first sign of it.
        end_ms: of the last.
        complete_ms: of an answer, when the service called it complete: when it has been heard, as far as that knows.
        heard: of an interrupted answer, the words that were heard; None where all of it was, or nobody knows.
        heard_ms: how much of its audio was heard.
        interrupted: whether it was cut off.
        first_audio_ms: of an answer, from the end of the user's speech to its first audio.
        first_word_ms: the same to the first word of its transcript.
        transcribed_ms: of the user's speech, from its end to the first word of its transcript; negative when it came
            while the user spoke.
        tools: functions that were called in it.
        input_tokens: that it cost; each generation reads the whole conversation again.
        output_tokens: likewise.
        cost_usd: likewise; None where no price is known.
    """

    role: Literal["user", "assistant"]
    said: str = ""
    agent: str = ""
    begin_ms: float = 0.0
    end_ms: float = 0.0
    complete_ms: float | None = None
    heard: str | None = None
    heard_ms: float | None = None
    interrupted: bool = False
    first_audio_ms: float | None = None
    first_word_ms: float | None = None
    transcribed_ms: float | None = None
    tools: list[ToolUse] = field(default_factory=list)
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None


class ConversationLog(RealtimeObserver):
    """Keeps what was said and done.

    Attributes:
        turns: in the order in which they began.
        resumed: how often the conversation went on over a new connection.
        gap_ms: how long there was no connection, in all.
        over: set when the conversation is.
    """

    def __init__(
        self, *, prices: Prices | None = None, logger: Logger | None = None, clock: Callable[[], float] | None = None
    ) -> None:
        """Prepare a log.

        Args:
            prices: of the model, in place of those in `PRICES`.
            logger: for this observer.
            clock: seconds, from which time is counted now; that of the event loop, from the first event, by default.
        """
        super().__init__(logger=logger)
        self._clock = clock
        self.turns: list[Turn] = []
        self.resumed = 0
        self.gap_ms = 0.0
        self._prices = prices
        self._began_s: float | None = None if clock is None else clock()
        self._user: Turn | None = None
        self._answered = False  # an answer to what the user said last has begun
        self._answered_ms = 0.0  # when the last answer was over
        self._answer: Turn | None = None
        self._audio_ms = 0.0  # of the answer, received so far
        self._words: list[tuple[float, str]] = []  # pieces of its transcript, and where in its audio they came
        self._truncation: Turn | None = (
            None  # an answer that was truncated, of which no adapter has told what it played
        )
        self._speech_ended_ms: float | None = None
        self._calls: dict[str, ToolUse] = {}
        self._answers: asyncio.Queue[Turn | None] = asyncio.Queue()
        self.over = asyncio.Event()

    async def initialize_session(self) -> None:
        """Begin to count time."""
        self._began_s = asyncio.get_running_loop().time()

    async def run_loop(self) -> None:
        """Nothing to do beside the events."""

    async def follow(self, client: GeminiRealtimeClient) -> AsyncIterator[RealtimeEvent]:
        """The events of a client without an agent, as `read_events()` gives them; takes note of each."""
        async with aclosing(client.read_events()) as events:
            async for event in events:
                await self.on_event(event)
                yield event
        await self.on_close()

    async def on_event(self, event: RealtimeEvent) -> None:
        """Take note."""
        self.note(event)

    def note(self, event: RealtimeEvent) -> None:
        """Take note of an event, at this moment."""
        note = _NOTES.get(type(event))
        if note is not None:
            note(self, event, self._now_ms())

    async def on_close(self) -> None:
        """Whoever waits for an answer waits in vain."""
        if not self.over.is_set():
            self._answers.put_nowait(None)
            self.over.set()

    def _now_ms(self) -> float:
        now_s = asyncio.get_running_loop().time() if self._clock is None else self._clock()
        if self._began_s is None:
            self._began_s = now_s
        return (now_s - self._began_s) * 1000

    def note_typed(self, words: str, *, lasting_s: float = 0.0) -> None:
        """Take note of what is sent with `send_text()` of the client, of which no event tells; `lasting_s` for what is
        spoken."""
        now_ms = self._now_ms()
        self._user, self._speech_ended_ms = None, now_ms + 1000 * lasting_s
        turn = self._user_turn(now_ms)
        turn.said, turn.end_ms = words, self._speech_ended_ms

    # --- the user

    def _sent_text(self, event: TextSent, now_ms: float) -> None:
        if event.role == "user":
            self.note_typed(event.text)

    def _spoke(self, event: InputAudioBufferDelta, now_ms: float) -> None:
        if not _is_loud(event.delta):
            return
        if event.sent_at is not None and self._began_s is not None:  # the echo comes later than that
            now_ms = (event.sent_at - self._began_s) * 1000
        if self._answered:
            self._user = None  # spoken into an answer, or after it: a new utterance
        self._speech_ended_ms = now_ms
        self._user_turn(now_ms).end_ms = now_ms

    def _heard_user(self, event: InputTranscript, now_ms: float) -> None:
        if not event.text:
            return
        if self._answered and self._answer is None and now_ms > self._answered_ms + LATE_TRANSCRIPT_MS:
            self._user = None
        turn = self._user_turn(now_ms)
        if not turn.said and self._speech_ended_ms is not None:
            turn.transcribed_ms = now_ms - self._speech_ended_ms
        turn.said += _spaced(turn.said, event.text)

    def _user_turn(self, now_ms: float) -> Turn:
        if self._user is None:
            self._user = Turn("user", begin_ms=now_ms, end_ms=now_ms)
            self._answered = False
            answer, spoke_ms = self._answer, self._speech_ended_ms
            if answer is None or answer.interrupted or (spoke_ms is not None and spoke_ms > answer.begin_ms):
                self.turns.append(self._user)
            else:  # the transcript of a question may come after the answer has begun
                self.turns.insert(self.turns.index(answer), self._user)
        return self._user

    # --- the model

    def _audio(self, event: AudioDelta, now_ms: float) -> None:
        if event.stale:
            return  # of an answer that was interrupted: nobody hears it
        turn = self._answer_turn(now_ms)
        if not self._audio_ms and self._speech_ended_ms is not None:
            turn.first_audio_ms = now_ms - self._speech_ended_ms
        self._audio_ms += len(event.delta) * 3 / 4 / 2 / event.rate_hz * 1000

    def _said(self, event: OutputTranscript | TextDelta, now_ms: float) -> None:
        if not event.text:
            return
        turn = self._answer_turn(now_ms)
        if not turn.said and self._speech_ended_ms is not None:
            turn.first_word_ms = now_ms - self._speech_ended_ms
        turn.said += event.text
        self._words.append((self._audio_ms, event.text))

    def _answer_turn(self, now_ms: float) -> Turn:
        if self._answer is None:
            agent = self._agent.active.name if self._agent is not None else ""
            self._answer = Turn("assistant", agent=agent, begin_ms=now_ms, end_ms=now_ms)
            self.turns.append(self._answer)
            self._answered, self._audio_ms, self._words = True, 0.0, []
        self._answer.end_ms = now_ms
        return self._answer

    def _interrupted(self, event: Interrupted, now_ms: float) -> None:
        if self._answer is not None:
            self._answer.interrupted, self._answer.end_ms = True, now_ms

    def _truncated(self, event: AudioTruncated, now_ms: float) -> None:
        cut = next((turn for turn in reversed(self.turns) if turn.role == "assistant"), None)
        if cut is not None and cut.heard_ms is None:
            cut.interrupted, self._truncation = True, cut
            self._heard_until(cut, event.audio_end_ms)

    def _stopped(self, event: PlaybackStopped, now_ms: float) -> None:
        cut = next((turn for turn in reversed(self.turns) if turn.interrupted), None)
        if cut is None:
            return
        if cut.heard_ms is None:
            self._heard_until(cut, event.played_ms)
        elif cut is self._truncation:  # the application may know of less than was played, not of more
            self._heard_until(cut, min(cut.heard_ms, event.played_ms))
        self._truncation = None

    def _heard_until(self, cut: Turn, heard_ms: float) -> None:
        cut.heard_ms = float(heard_ms)
        cut.heard = heard_words(self._words, self._audio_ms, heard_ms)

    def _usage(self, event: Usage, now_ms: float) -> None:
        turn = self._answer_turn(now_ms)
        turn.input_tokens += event.prompt_tokens
        turn.output_tokens += event.response_tokens
        cost = cost_usd(event, self._prices or self._prices_of_model())
        turn.cost_usd = turn.cost_usd if cost is None else (turn.cost_usd or 0.0) + cost

    def _turn_complete(self, event: TurnComplete, now_ms: float) -> None:
        answer = self._answer
        if answer is not None:
            answer.interrupted = answer.interrupted or event.interrupted
            if answer.tools and not (answer.said or self._audio_ms or answer.interrupted):
                return  # some models end the turn that calls, and speak of the result in the next
            answer.complete_ms = now_ms
            if answer.said or self._audio_ms:
                self._answers.put_nowait(answer)
        if answer is None or not self._interrupts(answer):
            self._speech_ended_ms = None
        self._answer, self._answered_ms = None, now_ms

    def _interrupts(self, answer: Turn) -> bool:
        """Whether what the user said last interrupted this answer, and so waits for the next."""
        return answer.interrupted and self._speech_ended_ms is not None and self._speech_ended_ms > answer.begin_ms

    # --- tools and connections

    def _called(self, event: FunctionCall, now_ms: float) -> None:
        use = ToolUse(event.name, event.arguments, event.call_id, now_ms)
        self._calls[event.call_id] = use
        self._answer_turn(now_ms).tools.append(use)

    def _result(self, event: FunctionResult, now_ms: float) -> None:
        if (use := self._calls.pop(event.call_id, None)) is not None:
            use.result, use.duration_ms = event.result, now_ms - use.begin_ms

    def _cancelled(self, event: FunctionCallCancelled, now_ms: float) -> None:
        for call_id in event.call_ids:
            if (use := self._calls.pop(call_id, None)) is not None:
                use.cancelled, use.duration_ms = True, now_ms - use.begin_ms

    def _resumed(self, event: SessionResumed, now_ms: float) -> None:
        self.resumed += 1
        self.gap_ms += event.gap_ms

    def _prices_of_model(self) -> Prices:
        model = self.agent.model.rpartition("/")[2] if self._agent is not None else ""
        return next((prices for name, prices in PRICES.items() if model.startswith(name)), {})

    # --- to be read

    async def next_answer(self) -> Turn:
        """The next answer of the model that has not been taken yet; waits until it is whole. A turn that only calls
        functions is none.

        Raises:
            NotConnectedError: the conversation is over, and there was none.
        """
        answer = await self._answers.get()
        if answer is None:
            self._answers.put_nowait(None)
            raise NotConnectedError("the conversation is over, and there was no further answer")
        return answer

    @property
    def cost_usd(self) -> float | None:
        """What the conversation cost; None where no price is known."""
        costs = [turn.cost_usd for turn in self.turns if turn.cost_usd is not None]
        return sum(costs) if costs else None

    def json_lines(self) -> Iterator[str]:
        """One line of JSON for each turn."""
        for turn in self.turns:
            yield json.dumps(asdict(turn), ensure_ascii=False)

    def table(self) -> str:
        """The conversation as text: when, who, what; below each turn its tools and latencies."""
        lines = []
        for turn in self.turns:
            lines.append(f"{turn.begin_ms / 1000:8.2f} s  {turn.role:<9}  {_shown(turn)}")
            lines += [f"{'':10}  {'':9}  {_shown_tool(use)}" for use in turn.tools]
            if turn.first_audio_ms is not None:
                lines.append(f"{'':10}  {'':9}  first audio after {turn.first_audio_ms:.0f} ms")
        return "\n".join(lines)


def heard_words(words: list[tuple[float, str]], audio_ms: float, heard_ms: float) -> str:
    """What was heard of an answer.

    Args:
        words: pieces of its transcript, and where in its audio each came.
        audio_ms: how much audio there was.
        heard_ms: how much of it was heard.
    """
    heard = ""
    for index, (start_ms, text) in enumerate(words):
        end_ms = words[index + 1][0] if index + 1 < len(words) else audio_ms
        if heard_ms >= end_ms:
            heard += text
            continue
        share = 0.0 if heard_ms <= start_ms else (heard_ms - start_ms) / (end_ms - start_ms)
        # A word counts when half of it was heard; letters take equally long, as far as anybody knows.
        words_heard = [word[0] for word in re.finditer(r"\S+", text) if sum(word.span()) / 2 <= share * len(text)]
        return heard + " ".join(words_heard)
    return heard


def cost_usd(usage: Usage, prices: Prices) -> float | None:
    """What these tokens cost; None where the price of one of them is not known."""
    total = 0.0
    for direction, counts in (("input", usage.prompt_by_modality), ("output", usage.response_by_modality)):
        for modality, count in counts.items():
            price = prices.get(f"{direction}_{modality.lower()}")
            if price is None and count:
                return None
            total += count * (price or 0.0) / 1_000_000
    return total if prices else None


def _is_loud(audio_base64: str) -> bool:
    try:
        pcm = decode_base64(audio_base64)
    except AudioFormatError:
        return False
    if not pcm[1::2].translate(None, _FAR_BELOW):
        return False
    samples = array("h", pcm[: len(pcm) // 2 * 2])
    return max(samples, default=0) >= LOUD_FROM


def _shown(turn: Turn) -> str:
    if turn.heard is not None:
        return f"{turn.heard} — (interrupted; not heard: {turn.said[len(turn.heard) :].strip()})"
    return f"{turn.said} —" if turn.interrupted else turn.said


def _shown_tool(use: ToolUse) -> str:
    took = "still running" if use.duration_ms is None else f"{use.duration_ms:.0f} ms"
    outcome = "cancelled" if use.cancelled else json.dumps(use.result, ensure_ascii=False)
    return f"{use.name}({json.dumps(use.arguments, ensure_ascii=False)}) -> {outcome} ({took})"


def _spaced(before: str, piece: str) -> str:
    """A piece of transcript, apart from the sentence before: 3.x models send each utterance whole, without a space."""
    begins = before[-1:] in (".", "?", "!") and piece[:1].isalpha()
    return f" {piece}" if begins else piece


_NOTES: dict[type, Any] = {
    InputAudioBufferDelta: ConversationLog._spoke,
    InputTranscript: ConversationLog._heard_user,
    TextSent: ConversationLog._sent_text,
    AudioDelta: ConversationLog._audio,
    OutputTranscript: ConversationLog._said,
    TextDelta: ConversationLog._said,
    Interrupted: ConversationLog._interrupted,
    AudioTruncated: ConversationLog._truncated,
    PlaybackStopped: ConversationLog._stopped,
    Usage: ConversationLog._usage,
    TurnComplete: ConversationLog._turn_complete,
    FunctionCall: ConversationLog._called,
    FunctionResult: ConversationLog._result,
    FunctionCallCancelled: ConversationLog._cancelled,
    SessionResumed: ConversationLog._resumed,
}
"""What an event means to the log."""
