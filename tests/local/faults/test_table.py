"""Faults by name, and what can be said about each."""

from __future__ import annotations

from typing import Any

import pytest

from gemini_realtime.errors import ConfigError
from gemini_realtime.local.faults import FAULTS, Fault, help_lines, parse_fault
from gemini_realtime.local.faults.connection import STAGES


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_can_be_written_as_its_help_writes_it(name: str) -> None:
    kind = FAULTS[name]
    given = ",".join(f"{p.name}={p.default}" for p in kind.parameters if p.default is not None)
    fault = parse_fault(f"{name}:{given}")
    assert {p.name: fault[p.name] for p in kind.parameters} == {p.name: p.default for p in kind.parameters}
    assert parse_fault(name)["times"] is None


def test_the_help_tells_each_fault_and_each_argument() -> None:
    told = "\n".join(help_lines())
    for kind in FAULTS.values():
        _, _, after = told.partition(f": {kind.meaning}\n")
        own = after.partition("\n\n")[0]
        assert all(f" {p.usage} " in own and p.meaning in own for p in kind.own_parameters)
    assert told.count(" times ") == told.count(" after_frames=1 ") == 1
    assert "\ncut (once): " in told


def test_every_fault_is_done_somewhere() -> None:
    assert set(STAGES) == {name for name, kind in FAULTS.items() if not kind.at_handshake}


def test_a_fault_is_the_same_written_and_made() -> None:
    written, made = parse_fault("cut:after_frames=10, times=1"), Fault("cut", times=1, after_frames=10)
    assert written == made
    assert hash(written) == hash(made)
    assert written not in (Fault("cut"), Fault("silence", times=1, after_frames=10), "cut")
    assert repr(written) == "Fault('cut', after_frames=10, times=1)"


@pytest.mark.parametrize(
    ("text", "problem", "remedy"),
    [
        ("cutt", "there is no fault 'cutt'", "cut, silence"),
        ("", "there is no fault ''", "cut, silence"),
        ("cut:frames=1", "'cut' has no argument 'frames'", "cut:after_frames=1,after_s,times,connection"),
        ("cut:3", "'cut' has no argument '3'", "after_frames"),
        ("cut:after_frames=-1", "'-1', not a whole number from 0", "after_frames"),
        ("cut:after_frames=1.5", "'1.5', not a whole number", "after_frames"),
        ("cut:after_frames", "'', not a whole number", "after_frames"),
        ("cut:after_s=soon", "'soon', not a number from 0", "after_s"),
        ("cut:after_s=nan", "'nan', not a number", "after_s"),
        ("cut:times=0", "'0', not a whole number from 1", "times"),
        ("reject:status=418", "'418', not one of 401, 403, 429, 500, 503", "status=503"),
        ("duplicate:probability=2", "'2', not a number from 0 to 1", "probability=0.1"),
        ("close:code=999", "'999', not a whole number from 1000 to 4999", "code=1011"),
    ],
)
def test_a_mistake_names_the_fault_and_what_may_be_written(text: str, problem: str, remedy: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_fault(text)
    assert problem in caught.value.problem
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("value", [True, 1.5, float("inf"), 10**400, None, [1]])
def test_a_value_that_cannot_be_is_a_mistake(value: Any) -> None:
    with pytest.raises(ConfigError, match="after_frames of the fault 'cut' is"):
        Fault("cut", after_frames=value)
