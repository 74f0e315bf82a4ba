"""A caller at the handset: goes through the steps of a scene, after a goal, or plays a persona."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final, assert_never

from gemini_realtime.evaluation.handset import Handset
from gemini_realtime.evaluation.persona import Improvisation, Speechless
from gemini_realtime.evaluation.scenes import (
    Backchannel,
    Caller,
    Coughs,
    Goal,
    HangsUp,
    Interrupts,
    Listens,
    Misbehaves,
    Persona,
    Presses,
    Says,
    Step,
    Types,
    Waits,
)
from gemini_realtime.evaluation.words import contains, misspoken
from gemini_realtime.local.speech.spelled import hum

_REACTION_S: Final = (0.2, 0.9)  # after an answer, before the caller goes on
_KEY_S: Final = 0.25
_AFTER_COUGH_S: Final = 3.0
_AFTER_GOODBYE_S: Final = 3.0  # for an answer, which need not come
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
        left_alone: the agent ended the call before the caller came to the last step, or to what was wanted.
        improvised: what the caller said whose words are a persona's.
        speechless: why a persona had no words any more.
    """

    unanswered: list[str] = field(default_factory=list)
    coughs_answered: int = 0
    not_interrupted: list[str] = field(default_factory=list)
    gave_up: bool = False
    left_alone: bool = False
    improvised: list[str] = field(default_factory=list)
    speechless: str = ""


class SimulatedCaller:
    """A caller in one call.

    Args:
        caller: who.
        handset: of the caller.
        random: decides about pauses, hesitation and slips of the tongue: the same, the same call.
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
        self.complaints.left_alone = True  # until there is nothing more to come
        match self._caller.does:
            case Goal() as goal:
                await self._pursue(goal)
            case Persona() as persona:
                await self._play(persona)
            case steps:
                await self._go_through(steps)

    async def _go_through(self, steps: Sequence[Step]) -> None:
        following = [*steps[1:], None]
        for step, then in zip(steps, following, strict=True):
            self.complaints.left_alone = then is not None
            await self._do(step, hears_out=not isinstance(then, Interrupts | Backchannel | HangsUp))

    async def _pursue(self, goal: Goal) -> None:
        words = goal.says
        for _ in range(goal.gives_up_after):
            answer = await self._ask(words)
            if goal.until and contains(answer, goal.until):
                self.complaints.left_alone = False
                await self._do(Says(_THANKS))
                return
            words = next(self._known(goal, answer), words)
        self.complaints.gave_up, self.complaints.left_alone = True, False

    async def _play(self, persona: Persona) -> None:
        part = Improvisation(persona, self._random)
        line = None
        try:
            for _ in range(persona.gives_up_after):
                line = await part.next_line()
                if line.hangs_up:
                    break
                self.complaints.improvised.append(line.words)
                part.hear(await self._ask(line.words))
        except Speechless as error:
            self.complaints.speechless = str(error)
        self.complaints.left_alone = False
        self.complaints.gave_up = not self.complaints.speechless and not (line and line.content)
        if line is not None and line.hangs_up and line.words:
            began_s = self._handset.now()
            await self._do(Says(line.words), hears_out=False)
            await self._handset.answered(began_s, _AFTER_GOODBYE_S)

    async def _ask(self, words: str) -> str:
        """Say something; returns the answer."""
        began_s = self._handset.now()
        await self._do(Says(words))
        return " ".join(answer.text for answer in self._handset.answers_since(began_s))

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
            case HangsUp(after_words):
                if after_words:
                    await self._handset.heard(after_words, self._caller.patience_s)
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
        if self._caller.corrects:
            text = misspoken(text, self._caller.corrects, self._random)
        clauses = _CLAUSE.split(text)
        hesitant = (f"uh, {clause}" if self._random.random() < self._caller.hesitates else clause for clause in clauses)
        return " ".join(hesitant)
