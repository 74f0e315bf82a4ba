"""A caller whose words come from a chat model that plays a persona."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from gemini_realtime.evaluation.scenes import Persona
from gemini_realtime.local.responders.chat_endpoint import ChatEndpoint, described

_PATIENCE_S: Final = 60.0
_SEED_MAX: Final = 2**31  # endpoints in C take a signed int

_INSTRUCTIONS: Final = """\
You play a person who calls a voice agent by telephone. You are: {person}
Answer with the words that this person says next and nothing else: one or two short sentences as people speak them, in
this person's language, without quotes and stage directions. The agent's words are those of the other side: never speak
for it, and offer it no help. Give away what you know only when you are asked for it.
When you have what you want, say goodbye and end with {done}. When the agent cannot help, or this person has had enough,
say so and end with {enough}."""

DONE: Final = "[DONE]"
ENOUGH: Final = "[ENOUGH]"
_HANGS_UP: Final = re.compile(r"\[\s*(DONE|ENOUGH)\s*\]", re.IGNORECASE)
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
            line = _read(await asyncio.to_thread(asyncio.run, self._asked(self._random.randrange(_SEED_MAX))))
        self._messages.append({"role": "assistant", "content": line.words})
        return line

    def hear(self, answer: str) -> None:
        """Take what the agent said to it."""
        self._messages.append({"role": "user", "content": answer or _SILENCE})

    async def _asked(self, seed: int) -> str:
        messages: list[dict[str, Any]] = list(self._messages)
        endpoint = ChatEndpoint(self._persona.model, base_url=self._persona.url)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await endpoint.answer(messages, seed=seed)
        except TimeoutError:
            raise Speechless(f"its chat endpoint did not answer within {_PATIENCE_S:g} s") from None
        except Exception as error:  # see `ChatEndpoint`
            raise Speechless(f"its chat endpoint failed: {described(error)}") from None
        finally:
            await endpoint.close()


def _read(answer: str) -> Line:
    found = _HANGS_UP.search(answer)
    words = " ".join(_HANGS_UP.sub(" ", answer).split()).strip('"“”')
    if found is None and not words:
        raise Speechless("its chat endpoint answered nothing")
    return Line(words, found is not None, found is not None and found[1].upper() == "DONE")
