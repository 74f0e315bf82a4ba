"""Asking a chat model for something of a certain form, which it may miss once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from gemini_realtime.local.responders.chat_endpoint import ChatEndpoint, NoAnswer, described

_SEED_MAX: Final = 2**31  # endpoints in C take a signed int

_Read = TypeVar("_Read")


class Unusable(Exception):
    """An endpoint gives no answer that is of use: the message says why."""


async def ask(
    endpoint: ChatEndpoint,
    messages: Sequence[Mapping[str, Any]],
    read: Callable[[str], _Read],
    *,
    reminder: str,
    patience_s: float,
    seed: int,
    **wishes: Any,
) -> _Read:
    """Ask, and once more with a reminder, when the answer is of no use.

    Args:
        endpoint: of the model.
        messages: of the conversation, of which the last one is the question.
        read: what the answer means; raises `NoAnswer` when that cannot be told.
        reminder: of what is asked for.
        patience_s: for everything.
        seed: of the question; that of the second one follows.
        wishes: as of `ChatEndpoint.answer`.

    Raises:
        Unusable: the endpoint fails, is slow, or answers nothing of use twice.
    """
    *before, question = messages
    reminded = [*before, {**question, "content": f"{question['content']}\n\n{reminder}"}]
    try:
        async with asyncio.timeout(patience_s):
            try:
                return read(await endpoint.answer(messages, seed=seed % _SEED_MAX, **wishes))
            except NoAnswer:
                return read(await endpoint.answer(reminded, seed=(seed + 1) % _SEED_MAX, **wishes))
    except TimeoutError:
        raise Unusable(f"it did not answer within {patience_s:g} s") from None
    except Exception as error:  # see `ChatEndpoint`
        raise Unusable(described(error)) from None
