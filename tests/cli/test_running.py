from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Iterator

import pytest

from gemini_realtime.cli.running import run


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Leave the package's logger as it was."""
    logger = logging.getLogger("gemini_realtime")
    before = list(logger.handlers)
    yield
    logger.handlers[:] = before


async def _answer() -> int:
    return 42


def test_the_result_of_a_command_is_returned() -> None:
    assert run(_answer()) == 42


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_being_asked_to_stop_is_a_normal_end_and_lets_the_command_clean_up(stop: signal.Signals) -> None:
    cleaned_up: list[bool] = []

    async def command() -> None:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), stop)
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned_up.append(True)

    assert run(command()) is None
    assert cleaned_up == [True]


def test_warnings_are_one_line_even_those_of_exceptions(capsys: pytest.CaptureFixture[str]) -> None:
    async def command() -> None:
        logger = logging.getLogger("gemini_realtime.somewhere")
        logger.info("nobody needs to know")
        logger.warning("a key travels over an open line")
        try:
            raise TypeError("a bug")
        except TypeError:
            logger.exception("a session failed")

    run(command())
    assert capsys.readouterr().err.splitlines() == [
        "a key travels over an open line",
        "a session failed: TypeError('a bug')",
    ]
