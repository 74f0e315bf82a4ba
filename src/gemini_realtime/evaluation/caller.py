"""A caller at the handset: goes through the steps of a scene, or after a goal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final, assert_never

from gemini_realtime.evaluation.handset import Handset
from gemini_realtime.evaluation.scenes import (
    Backchannel,
    Caller,
    Coughs,
    Goal,
    Interrupts,
    Listens,
    Misbehaves,
    Presses,
    Says,
    Step,
    Types,
    Waits,
)
from gemini_realtime.evaluation.words import contains
from gemini_realtime.local.speech.spelled import hum

_REACTION_S: Final = (0.2, 0.9)  # after an answer, before the caller goes on
_KEY_S: Final = 0.25
_AFTER_COUGH_S: Final = 3.0
_CLAUSE: Final = re.compile(r"(?<=[,.;:?!])\s+")
_THANKS: Final = "Thank you, goodbye."


@dataclass
class Complaints:
    """What a caller had to put up with, by kind.

    Attributes:
        unanswered: what was said and not answered.
        coughs_answered: how many coughs were taken for questions.
        not_interrupted: what could not be said over the agent, since it was silent.
        gave_up: the goal was not reached.
        left_alone: the agent ended the call before the caller came to the last step.
    """

    unanswered: list[str] = field(default_factory=list)
    coughs_answered: int = 0
    not_interrupted: list[str] = field(default_factory=list)
    gave_up: bool = False
    left_alone: bool = False


class SimulatedCaller:
    """A caller in one call.

    Args:
        caller: who.
        handset: of the caller.
        random: decides about pauses and hesitation: the same, the same call.
        misbehave: lets a fault happen.
    """

    def __init__(self, caller: Caller, handset: Handset, random: Random, misbehave: Callable[[str], None]) -> None:
        self.complaints = Complaints()
        self._caller = caller
        self._handset = handset
        self._random = random
        self._misbehave = misbehave

    async def call(self) -> None:
        """Do everything there is to do."""
        if isinstance(self._caller.does, Goal):
            await self._pursue(self._caller.does)
            return
        following = [*self._caller.does[1:], None]
        for step, then in zip(self._caller.does, following, strict=True):
            self.complaints.left_alone = then is not None  # unless there is more to come
            await self._do(step, hears_out=not isinstance(then, Interrupts | Backchannel))

    async def _pursue(self, goal: Goal) -> None:
        words = goal.says
        for _ in range(goal.gives_up_after):
            began_s = self._handset.now()
            await self._do(Says(words))
            answer = " ".join(answer.text for answer in self._handset.answers_since(began_s))
            if goal.until and contains(answer, goal.until):
                await self._do(Says(_THANKS))
                return
            words = next(self._known(goal, answer), words)
        self.complaints.gave_up = True

    def _known(self, goal: Goal, question: str) -> Iterator[str]:
        for asked, told in goal.knows.items():
            if any(contains(question, words) for words in asked.split("|")):
                yield told

    async def _do(self, step: Step, *, hears_out: bool = True) -> None:
        match step:
            case Says(text) | Types(text):
                await self._asks(step, text, hears_out)
            case Interrupts(text, after_words):
                if not await self._handset.heard(after_words, self._caller.patience_s):
                    self.complaints.not_interrupted.append(text)
                began_s = self._handset.now()
                await self._handset.say(text)
                await self._listen(began_s, text)
            case Backchannel(text, after_words):
                if await self._handset.heard(after_words, self._caller.patience_s):
                    await self._handset.say(text)
                await self._handset.answered(0.0, self._caller.patience_s)
            case Coughs(seconds):
                await self._pause(self._random.uniform(*_REACTION_S))
                began_s = self._handset.now()
                await self._handset.sound(hum(seconds * 1000))
                self.complaints.coughs_answered += await self._handset.answered(began_s, _AFTER_COUGH_S)
            case Waits(seconds):
                await self._pause(seconds)
            case Listens():
                await self._listen(0.0, "")
            case Presses(digits):
                await self._presses(digits)
            case Misbehaves(fault):
                self._misbehave(fault)
            case _:
                assert_never(step)

    async def _asks(self, step: Says | Types, text: str, hears_out: bool) -> None:
        await self._pause(self._random.uniform(*_REACTION_S))
        await self._lets_finish()
        began_s = self._handset.now()
        if isinstance(step, Types):
            await self._handset.type(text)
        else:
            await self._handset.say(self._delivered(text))
        if hears_out:
            await self._listen(began_s, text)

    async def _lets_finish(self) -> None:
        """Hear out who speaks of their own accord, such as a greeting; not for ever."""
        until = self._handset.now() + self._caller.patience_s
        while self._handset.agent_speaks and self._handset.now() < until:
            await self._handset.moment()

    async def _presses(self, digits: str) -> None:
        await self._pause(self._random.uniform(*_REACTION_S))
        began_s = self._handset.now()
        for digit in digits:
            self._handset.press(digit)
            await self._pause(_KEY_S)
        await self._listen(began_s, digits)

    async def _listen(self, since_s: float, said: str) -> None:
        if not await self._handset.answered(since_s, self._caller.patience_s):
            self.complaints.unanswered.append(said)

    async def _pause(self, seconds: float) -> None:
        until = self._handset.now() + seconds
        while self._handset.now() < until:
            await self._handset.moment()

    def _delivered(self, text: str) -> str:
        """A text as this caller brings it out."""
        clauses = _CLAUSE.split(text)
        hesitant = (f"uh, {clause}" if self._random.random() < self._caller.hesitates else clause for clause in clauses)
        return " ".join(hesitant)
