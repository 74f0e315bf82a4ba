"""What a conversation took: time and tokens."""

from __future__ import annotations

import asyncio
from array import array
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from gemini_realtime import TurnComplete

SPEECH_SHARE: Final = 0.05
"""Of the loudest sound so far: 26 dB below it begins what is not speech but breath, room and the end of a vowel."""

SPEECH_FLOOR: Final = 300
"""-41 dBFS: nothing below is taken for speech."""

FORGETTING: Final = 0.998
"""Of the loudest sound, per 20 ms: one slammed door is half forgotten after 7 s."""


class Clock:
    """Counts ms, on the time of the event loop."""

    def __init__(self) -> None:
        self._began_s = 0.0

    def start(self) -> None:
        """Count from now on."""
        self._began_s = asyncio.get_running_loop().time()

    def now_ms(self) -> float:
        """Since the start."""
        return self.at_ms(asyncio.get_running_loop().time())

    def at_ms(self, loop_s: float) -> float:
        """The same of another moment of the event loop."""
        return (loop_s - self._began_s) * 1000

    def seconds(self, at_ms: float) -> float:
        """That moment in the event loop's time."""
        return self._began_s + at_ms / 1000


class SpeechLevel:
    """Tell speech from silence by how loud it is."""

    def __init__(self) -> None:
        self._loudest = 0.0

    def is_speech(self, pcm: bytes) -> bool:
        """Whether the next 20 ms hold speech."""
        samples = array("h", pcm)
        peak = max(max(samples), -min(samples))
        self._loudest = max(peak, self._loudest * FORGETTING)
        return peak > max(SPEECH_FLOOR, self._loudest * SPEECH_SHARE)


class Floor:
    """Whose turn it is to speak.

    Attributes:
        waiting: the user has asked something that has not been answered.
        talking: the model has begun to answer and not finished.
    """

    def __init__(self) -> None:
        self.waiting = True
        self.talking = False

    @property
    def settled(self) -> bool:
        """Everything that was asked has been answered."""
        return not self.waiting and not self.talking

    def asked(self) -> None:
        """The user says something, perhaps into an answer: only the next one can be the answer to this."""
        self.waiting = True

    def called(self) -> None:
        """The model asked for a function: what it says from now on is the answer."""
        self.waiting, self.talking = True, False

    def answering(self) -> bool:
        """A piece of an answer came; whether it is the first."""
        if self.talking:
            return False
        self.waiting, self.talking = False, True
        return True

    def interrupted(self) -> None:
        """The answer was cut off."""
        self.waiting, self.talking = True, False

    def turn_complete(self) -> None:
        """The answer is complete."""
        self.talking = False


@dataclass
class Measurements:
    """Filled while a conversation goes on; times are ms since the connection was opened.

    Attributes:
        connect_ms: how long opening the connection took.
        setup_ms: how long the service then took to confirm the session.
        asked_ms: when the user stopped asking what has not been answered; None when nothing is open.
        answer_ms: for each answer, how long it took from there to the first audio (or text).
        prompt_tokens: of all turns.
        response_tokens: of all turns.
    """

    connect_ms: float | None = None
    setup_ms: float | None = None
    asked_ms: float | None = None
    answer_ms: list[float] = field(default_factory=list)
    turns: int = 0
    prompt_tokens: int = 0
    response_tokens: int = 0

    def answered(self, at_ms: float) -> None:
        """Something of an answer arrived; the first piece counts."""
        if self.asked_ms is not None:
            self.answer_ms.append(at_ms - self.asked_ms)
            self.asked_ms = None

    def turn_complete(self, turn: TurnComplete) -> None:
        """A turn of the model is over."""
        self.turns += 1
        if turn.usage is not None:
            self.prompt_tokens += turn.usage.prompt_tokens
            self.response_tokens += turn.usage.response_tokens

    def lines(self, *, spoken: bool) -> list[tuple[str, str]]:
        """What there is to tell, as labels and values."""
        lines = []
        if self.answer_ms:
            question = "end of speech" if spoken else "question sent"
            lines.append((f"{question} → first audio", _spread(self.answer_ms)))
        if self.connect_ms is not None and self.setup_ms is not None:
            lines.append(("connection, session", f"{self.connect_ms:.0f} ms, {self.setup_ms:.0f} ms"))
        if self.turns:
            tokens = f"{self.prompt_tokens} in, {self.response_tokens} out"
            lines.append(("tokens", tokens if self.turns == 1 else f"{tokens} in {self.turns} turns"))
        return lines


def _spread(values_ms: list[float]) -> str:
    if len(values_ms) == 1:
        return f"{values_ms[0]:.0f} ms"
    return f"{median(values_ms):.0f} ms (median of {len(values_ms)}, {min(values_ms):.0f}-{max(values_ms):.0f} ms)"
