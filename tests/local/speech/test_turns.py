"""Whose turn it is."""

from __future__ import annotations

import asyncio

from gemini_realtime.local.speech.turns import Turns
from tests.loop import settle


async def served(turns: Turns, callers: str) -> str:
    """The order in which these are served, who all ask at once while somebody else has the turn."""
    order: list[str] = []

    async def ask(caller: str) -> None:
        await turns.take(caller)
        order.append(caller)
        turns.pass_on()

    await turns.take("first")
    asked = [asyncio.create_task(ask(caller)) for caller in callers]
    await settle()
    assert order == []
    turns.pass_on()
    await asyncio.gather(*asked)
    return "".join(order)


async def test_who_asks_for_much_keeps_nobody_waiting() -> None:
    assert await served(Turns(), "aaaabc") == "abcaaa"


async def test_callers_take_turns() -> None:
    assert await served(Turns(), "aabbcc") == "abcabc"


async def test_a_free_turn_is_given_at_once() -> None:
    turns = Turns()
    await turns.take("a")
    turns.pass_on()
    await turns.take("b")
    assert turns.waiting == 0


async def test_who_is_cancelled_leaves() -> None:
    turns = Turns()
    await turns.take("a")
    given_up, wanted = asyncio.create_task(turns.take("b")), asyncio.create_task(turns.take("c"))
    await settle()
    given_up.cancel()
    await settle()
    assert turns.waiting == 1
    turns.pass_on()
    await wanted


async def test_a_turn_that_comes_as_it_is_given_up_goes_to_the_next() -> None:
    turns = Turns()
    await turns.take("a")
    given_up, wanted = asyncio.create_task(turns.take("b")), asyncio.create_task(turns.take("c"))
    await settle()
    turns.pass_on()
    given_up.cancel()
    await wanted
    assert given_up.cancelled()
