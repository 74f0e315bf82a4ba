from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from asyncio import SelectorEventLoop
from collections.abc import Coroutine
from typing import Any
from unittest.mock import Mock

import pytest

from gemini_realtime.cli.running import run


async def _answer() -> int:
    return 42


def test_the_result_of_a_command_is_returned() -> None:
    assert run(_answer()) == 42


def stopped_by(stop: signal.Signals, cleaned_up: list[bool]) -> Coroutine[Any, Any, None]:
    """A command that is stopped, and cleans up."""

    async def command() -> None:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), stop)
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned_up.append(True)

    return command()


@pytest.mark.parametrize(("stop", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_command_that_is_stopped_cleans_up_and_ends_with_the_exit_code_of_shells(
    stop: signal.Signals, code: int
) -> None:
    cleaned_up: list[bool] = []
    with pytest.raises(SystemExit) as exit:
        run(stopped_by(stop, cleaned_up))
    assert (exit.value.code, cleaned_up) == (code, [True])


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_for_a_command_that_runs_until_it_is_stopped_that_is_a_normal_end(stop: signal.Signals) -> None:
    cleaned_up: list[bool] = []
    run(stopped_by(stop, cleaned_up), until_stopped=True)
    assert cleaned_up == [True]


@pytest.mark.parametrize("loop_has_signals", [True, False])
def test_a_command_that_saves_something_when_it_is_stopped_was_stopped_all_the_same(
    loop_has_signals: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not loop_has_signals:  # as on Windows
        monkeypatch.setattr("gemini_realtime.cli.running._loop_factory", lambda: SelectorEventLoop)
        monkeypatch.setattr(SelectorEventLoop, "add_signal_handler", Mock(side_effect=NotImplementedError))
        signal.signal(signal.SIGINT, signal.default_int_handler)  # as a program begins with it: the runner asks

    async def command() -> int:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGINT)
        with contextlib.suppress(asyncio.CancelledError):
            async with asyncio.timeout(60):
                await asyncio.Event().wait()
        return 42

    with pytest.raises(SystemExit) as exit:
        run(command())
    assert exit.value.code == 130


def test_warnings_are_one_line_even_those_of_exceptions(capsys: pytest.CaptureFixture[str]) -> None:
    async def command() -> None:
        logger = logging.getLogger("gemini_realtime.somewhere")
        logger.info("nobody needs to know")
        logger.warning("a key travels over an open line")
        try:
            raise TypeError("a bug")
        except TypeError:
            logger.exception("a session failed")

    for _ in range(2):  # nothing is left behind that would say it once more
        run(command())
        assert capsys.readouterr().err.splitlines() == [
            "a key travels over an open line",
            "a session failed: TypeError('a bug')",
        ]
