from __future__ import annotations

import asyncio

import pytest

from gemini_realtime.testing import VirtualTimeLoop, in_virtual_time, run_in_virtual_time


def now() -> float:
    return asyncio.get_running_loop().time()


@in_virtual_time
async def test_an_hour_passes_at_once_and_in_order() -> None:
    woken: list[float] = []

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds)
        woken.append(now())

    await asyncio.gather(sleep(3000), sleep(10), sleep(0.5))
    assert woken == pytest.approx([0.5, 10, 3000])


@in_virtual_time
async def test_timeouts_expire_on_the_clock_of_the_loop() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(20):
            await asyncio.Event().wait()
    assert now() == pytest.approx(20)


@pytest.mark.parametrize("number", [1, 2])
@in_virtual_time
async def test_a_decorated_test_takes_parameters(number: int) -> None:
    assert number in (1, 2)


def test_the_result_is_returned() -> None:
    async def answer() -> int:
        return 42

    assert run_in_virtual_time(answer()) == 42


def test_a_wait_for_what_cannot_happen_fails_instead_of_hanging() -> None:
    with pytest.raises(AssertionError, match="waits for something that will not happen"):
        run_in_virtual_time(asyncio.Event().wait())


def test_what_takes_too_long_fails() -> None:
    with pytest.raises(AssertionError, match="not over after 60 s"):
        run_in_virtual_time(asyncio.sleep(61), limit_s=60)


def test_a_busy_loop_fails_instead_of_hanging() -> None:
    async def spin() -> None:
        def again() -> None:
            asyncio.get_running_loop().call_soon(again)

        again()
        await asyncio.sleep(1)

    with pytest.raises(AssertionError, match="busy loop"):
        run_in_virtual_time(spin())


def test_a_leap_makes_timers_late_as_a_held_up_process_does() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        loop.call_later(1, loop.leap, 60)
        await asyncio.sleep(2)
        return loop.time()

    assert run_in_virtual_time(main()) == pytest.approx(61)
