"""A function runs once for each wish of the user, whatever goes wrong; `make reliability` holds more conversations."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from reliability.tools import FAULTS, Row, conversation, table

from gemini_realtime.agent.runs import Runs

SEEDS = (1, 2, 3)


@pytest.fixture(autouse=True)
def quiet() -> Any:
    """What goes wrong on purpose is not for the log."""
    logger = logging.getLogger("gemini_realtime")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(level)


@pytest.mark.parametrize("name", [name for name in FAULTS if not name.startswith("many")])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_function_runs_once_and_every_call_is_answered(name: str, seed: int) -> None:
    verdict = conversation(name, seed)
    assert verdict.good, verdict


@pytest.mark.parametrize("name", ["many-calls", "many-calls-cut"])
def test_two_hundred_calls_are_answered_once(name: str) -> None:
    verdict = conversation(name, 1)
    assert verdict.good, verdict
    assert verdict.calls >= 1200


def test_a_run_that_is_forgotten_is_found_out() -> None:
    def forgetful(runs: Runs, *args: object, **options: object) -> None:
        runs._runs.clear()

    with patch.object(Runs, "resumed", forgetful):
        verdicts = [conversation("cut-while", seed) for seed in range(1, 9)]
    assert sum(verdict.doubled for verdict in verdicts) > 0


def test_a_call_that_is_never_answered_is_found_out() -> None:
    never: Callable[..., Any] = lambda runs, *args: (None, False)  # noqa: E731
    with patch.object(Runs, "called", never):
        verdict = conversation("none", 1)
    assert verdict.unanswered
    assert verdict.missing


def test_the_table_names_each_fault() -> None:
    row = Row("cut-while")
    row.add(1, conversation("cut-while", 1))
    assert "| `cut-while` | it breaks while the function runs | 1 |" in table([row])
