from __future__ import annotations

import asyncio

import pytest

from gemini_realtime.local.server import newcomers as module
from gemini_realtime.local.server.newcomers import GRACE_S, Newcomers
from gemini_realtime.testing import in_virtual_time


class Door:
    """Connections that come and do nothing."""

    def __init__(self, per_address: int) -> None:
        self.newcomers = Newcomers(per_address)
        self.dropped: list[str] = []

    async def comes(self, name: str, address: str = "a") -> float:
        """How long it had to wait."""
        began = asyncio.get_running_loop().time()
        await self.newcomers.room(address)
        self.newcomers.enter(address, lambda: self.dropped.append(name))
        return asyncio.get_running_loop().time() - began


@in_virtual_time
async def test_who_has_taken_long_makes_room_for_the_next_of_its_address() -> None:
    door = Door(2)
    await door.comes("1")
    await asyncio.sleep(GRACE_S)
    await door.comes("2")
    assert await door.comes("3") == 0
    assert door.dropped == ["1"]


@in_virtual_time
async def test_who_has_just_come_is_waited_for() -> None:
    door = Door(1)
    await door.comes("1")
    assert await door.comes("2") == GRACE_S
    assert door.dropped == ["1"]


@in_virtual_time
async def test_who_comes_in_or_leaves_makes_room_at_once() -> None:
    newcomers = Newcomers(1)
    newcomer = newcomers.enter("a", lambda: None)
    asyncio.get_running_loop().call_later(GRACE_S / 2, newcomers.leave, newcomer)
    await newcomers.room("a")
    assert asyncio.get_running_loop().time() < GRACE_S


@in_virtual_time
async def test_another_address_has_room_of_its_own() -> None:
    door = Door(1)
    await door.comes("1", "a")
    assert await door.comes("2", "b") == 0
    door.newcomers.drop_oldest()
    door.newcomers.drop_oldest()
    door.newcomers.drop_oldest()
    assert door.dropped == ["1", "2"]


@in_virtual_time
async def test_more_than_can_wait_are_told_so_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 1)
    newcomers = Newcomers(1)
    newcomer = newcomers.enter("a", lambda: None)
    waits = asyncio.create_task(newcomers.room("a"))
    await asyncio.sleep(0)
    assert not await newcomers.room("a")
    newcomers.leave(newcomer)
    assert await waits
    assert await newcomers.room("a")
