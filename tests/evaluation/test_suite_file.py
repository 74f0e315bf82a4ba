from __future__ import annotations

from pathlib import Path

import pytest

from gemini_realtime.errors import ConfigError
from gemini_realtime.evaluation.expectations import (
    Answers,
    AnswersWithin,
    Calls,
    CallsOnly,
    Expectation,
    NeverSays,
    Resumes,
    SaysWords,
)
from gemini_realtime.evaluation.scenes import (
    Backchannel,
    Caller,
    Coughs,
    Goal,
    Interrupts,
    Listens,
    Misbehaves,
    Says,
    Scene,
    Step,
    Types,
    Waits,
)
from gemini_realtime.evaluation.suite_file import read_suite

EVERYTHING = """
name: bookings
agent: restaurant:agent
model: script:host.yaml
seed: 7
scenes:
  - name: steps
    faults: ["late-setup"]
    model: echo
    caller:
      - listens
      - says: A table.
      - types: For two.
      - interrupts: Stop.
        after words: 2
      - backchannel: mm-hm
      - coughs
      - coughs: 0.5
      - waits: 2
      - fault: cut
    expect:
      - calls: book
        with: {guests: 2}
        times: 2
      - calls only: [book, book]
      - calls nothing
      - says: booked
        times: 1
      - never says: dollars
      - answers within: 1.5
        percentile: 50
      - answers: 1
        at most: 3
      - resumes: 1
  - name: goal
    caller:
      goal:
        says: A table, please.
        knows: {how many: four, when: 8}
        until: booked
      speed: 1.5
      hesitates: 0.2
      patience: 9
      voice: kore
      noise: 12
      line: telephone
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "suite.yaml"
    path.write_text(text, "utf-8")
    return path


def test_everything_that_can_be_written_is_read(tmp_path: Path) -> None:
    suite = read_suite(written(tmp_path, EVERYTHING))
    assert (suite.name, suite.agent, suite.model, suite.seed) == ("bookings", "restaurant:agent", "script:host.yaml", 7)
    assert suite.folder == tmp_path
    steps: list[Step] = [
        Listens(),
        Says("A table."),
        Types("For two."),
        Interrupts("Stop.", 2),
        Backchannel("mm-hm"),
        Coughs(),
        Coughs(0.5),
        Waits(2),
        Misbehaves("cut"),
    ]
    expect: list[Expectation] = [
        Calls("book", {"guests": 2}, 2),
        CallsOnly(["book", "book"]),
        CallsOnly([]),
        SaysWords("booked", 1),
        NeverSays("dollars"),
        AnswersWithin(1.5, 50),
        Answers(1, 3),
        Resumes(1),
    ]
    goal = Goal("A table, please.", {"how many": "four", "when": "8"}, "booked")
    caller = Caller(goal, 1.5, 0.2, 9, "kore", 12, telephone=True)
    assert suite.scenes == [
        Scene("steps", Caller(steps), expect, ["late-setup"], "echo"),
        Scene("goal", caller, [], []),
    ]


def test_a_suite_is_called_after_its_file_unless_it_has_a_name(tmp_path: Path) -> None:
    assert read_suite(written(tmp_path, "scenes: [{name: a, caller: [listens]}]")).name == "suite"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("scenes: []", "the list is empty"),
        ("scenes: [{name: a}]", "'caller' is missing"),
        ("scenes: [{name: a, caller: [shouts: x]}]", "there is no 'shouts'"),
        ("scenes: [{name: a, caller: [{says: x, types: y}]}]", "says and types cannot be one"),
        ("scenes: [{name: a, caller: [{says: x, after words: 2}]}]", "'says' has no 'after words'"),
        ("scenes: [{name: a, caller: [fault: kut]}]", "kut"),
        ("scenes: [{name: a, caller: [listens], expect: [{answers: 1.5}]}]", "no whole number"),
        ("scenes: [{name: a, caller: {does: [listens], line: radio}}]", "one kind of line"),
        ("scenes: [{name: a, caller: {speed: 1}}]", "steps, or after a goal"),
        ("scenes: [{name: a, caller: [listens]}, {name: a, caller: [listens]}]", "two scenes are called 'a'"),
    ],
)
def test_what_cannot_be_names_line_and_column(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as error:
        read_suite(written(tmp_path, text))
    assert f"{tmp_path}/suite.yaml:1:" in str(error.value)
