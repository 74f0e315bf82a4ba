"""A caller whose words come from a chat model that plays a persona."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from random import Random
from typing import Final

from gemini_realtime.evaluation.asking import Unusable, ask
from gemini_realtime.evaluation.scenes import Persona
from gemini_realtime.evaluation.words import words_of
from gemini_realtime.local.responders.chat_endpoint import ChatEndpoint, NoAnswer

_PATIENCE_S: Final = 60.0
_SEEDS: Final = 2**31

_INSTRUCTIONS: Final = """\
You play a person who calls a voice agent by telephone. You are: {person}
Answer with the words that this person says next and nothing else: one or two short sentences as people speak them, in
this person's language, without quotes and stage directions. The agent's words are those of the other side: never speak
for it, and offer it no help. Give away what you know only when you are asked for it, and make up nothing else.
Never end the call in the words with which you ask for something or answer a question: hear first what the agent says.
Once the agent has said that you have what you want, say goodbye and end with {done}. When the agent cannot help, or
this person has had enough, say so and end with {enough}."""

_REMINDER: Final = "(Answer with the words that your person says next, as one speaks them.)"

DONE: Final = "[DONE]"
ENOUGH: Final = "[ENOUGH]"
_HANGS_UP: Final = re.compile(r"\[\s*(DONE|ENOUGH)\s*\]", re.IGNORECASE)
_SPEAKER: Final = re.compile(r"\A\s*\W{0,2}(?:the )?(?:caller|customer|user|me|you)\W{0,2}:\W{0,2}\s", re.IGNORECASE)
_OTHER_SIDE: Final = re.compile(
    r"^\W{0,2}(?:the )?(?:agent|assistant)\W{0,2}:.*", re.IGNORECASE | re.MULTILINE | re.DOTALL
)
_DIRECTIONS: Final = re.compile(r"\A\s*(?:\*[^*\n]+\*(?!\*)|\([^)\n]+\))")
_PICKED_UP: Final = "(The agent has picked up the telephone.)"
_SILENCE: Final = "(The agent says nothing.)"


class Speechless(Exception):
    """The persona's endpoint gives no words: the message says why."""


@dataclass(frozen=True)
class Line:
    """What a persona says next.

    Attributes:
        words: may be none, when it hangs up.
        hangs_up: whether the caller ends the call with it.
        content: whether the caller has what was wanted then.
    """

    words: str
    hangs_up: bool = False
    content: bool = False


class Improvisation:
    """A conversation as a persona sees it, who finds the next words.

    Args:
        persona: who is played.
        random: gives the seeds that the endpoint is asked with.
    """

    def __init__(self, persona: Persona, random: Random) -> None:
        self._persona = persona
        self._random = random
        instructions = _INSTRUCTIONS.format(person=persona.who, done=DONE, enough=ENOUGH)
        self._messages = [{"role": "system", "content": instructions}, {"role": "user", "content": _PICKED_UP}]

    async def next_line(self) -> Line:
        """Find the next words; in virtual time this is waited for really.

        Raises:
            Speechless: the endpoint fails, is slow, or says nothing.
        """
        if self._persona.says and len(self._messages) == 2:
            line = Line(self._persona.says)
        else:
            # In a thread with a loop of its own: virtual time does not wait for sockets.
            line = await asyncio.to_thread(asyncio.run, self._asked(self._random.randrange(_SEEDS)))
        self._messages.append({"role": "assistant", "content": line.words})
        return line

    def hear(self, answer: str) -> None:
        """Take what the agent said to it."""
        self._messages.append({"role": "user", "content": answer or _SILENCE})

    async def _asked(self, seed: int) -> Line:
        endpoint = ChatEndpoint(self._persona.model, base_url=self._persona.url)
        read = _first if len(self._messages) == 2 else _read
        try:
            return await ask(endpoint, self._messages, read, reminder=_REMINDER, patience_s=_PATIENCE_S, seed=seed)
        except Unusable as problem:
            raise Speechless(f"its chat endpoint failed: {problem}") from None
        finally:
            await endpoint.close()


def _read(answer: str) -> Line:
    """What is said, without what models write beside it.

    Raises:
        NoAnswer: there is nothing to say, and the call is not at its end.
    """
    found = _HANGS_UP.search(answer)
    words = _HANGS_UP.sub(" ", _OTHER_SIDE.sub("", _SPEAKER.sub("", answer)))
    words = " ".join(_DIRECTIONS.sub(" ", words).replace("*", "").split()).strip('"“”„ ')
    if not words_of(words):
        words = ""
    if found is None and not words:
        raise NoAnswer("its model says nothing")
    return Line(words, found is not None, found is not None and found[1].upper() == "DONE")


def _first(answer: str) -> Line:
    """The same, of somebody who has heard nothing yet, and has no reason to hang up.

    Raises:
        NoAnswer: there is nothing to say.
    """
    line = _read(answer)
    if not line.words:
        raise NoAnswer("its model says nothing")
    return Line(line.words)
