from __future__ import annotations

import re
from pathlib import Path
from textwrap import indent

import pytest

from gemini_realtime.errors import ConfigError
from gemini_realtime.evaluation.expectations import (
    Answers,
    AnswersWithin,
    Calls,
    CallsOnly,
    Expectation,
    LetsFinish,
    NeverSays,
    Resumes,
    SaysWords,
    Speaks,
)
from gemini_realtime.evaluation.record import CallRecord
from gemini_realtime.evaluation.scenes import (
    Backchannel,
    Background,
    Caller,
    Coughs,
    Echo,
    Goal,
    HangsUp,
    Interrupts,
    Judge,
    Listens,
    Misbehaves,
    Persona,
    Presses,
    Says,
    Scene,
    Step,
    Types,
    Waits,
)
from gemini_realtime.evaluation.suite_file import read_suite, steps_of

EVERYTHING = """
name: bookings
agent: restaurant:agent
model: script:host.yaml
seed: 7
judge:
  rubric: [The agent is polite.]
  model: qwen3
  url: http://127.0.0.1:11434/v1
  repeats: 5
  decides: true
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
      - presses: "12#"
      - fault: cut
      - hangs up
    rubric: [It says who it is.]
    expect:
      - calls: book
        with: {guests: 2}
        times: 2
      - calls only: [book, book]
      - calls nothing
      - says: booked
        times: 1
      - never says: dollars
      - language: de
      - answers within: 1.5
        percentile: 50
      - answers: 1
        at most: 3
      - resumes: 1
      - lets finish
  - name: goal
    caller:
      goal:
        says: A table, please.
        knows: {how many: four, when: 8}
        until: booked
      speed: 1.5
      hesitates: 0.2
      corrects: 0.1
      patience: 9
      voice: kore
      noise: 12
      echo: {below: 40, after: 0.2}
      background: {says: Feed the cat., below: 20, voice: puck}
      line: telephone
  - name: persona
    caller:
      persona:
        is: An impatient regular.
        says: Hello?
        gives up after: 3
        model: qwen3
        url: https://example.com/v1
  - name: short persona
    caller: {persona: A shy guest.}
  - name: hangs up in the middle
    caller: [says: A table., hangs up after words: 2]
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "suite.yaml"
    path.write_text(text, "utf-8")
    return path


def test_everything_that_can_be_written_is_read(tmp_path: Path) -> None:
    (tmp_path / "host.yaml").write_text("replies: [{when: any, then: [say: Hello.]}]", "utf-8")
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
        Presses("12#"),
        Misbehaves("cut"),
        HangsUp(),
    ]
    expect: list[Expectation] = [
        Calls("book", {"guests": 2}, 2),
        CallsOnly(["book", "book"]),
        CallsOnly([]),
        SaysWords("booked", 1),
        NeverSays("dollars"),
        Speaks("de"),
        AnswersWithin(1.5, 50),
        Answers(1, 3),
        Resumes(1),
        LetsFinish(),
    ]
    goal = Goal("A table, please.", {"how many": "four", "when": "8"}, "booked")
    others = {"echo": Echo(40, 0.2), "background": Background("Feed the cat.", 20, "puck")}
    caller = Caller(goal, 1.5, 0.2, 9, "kore", 12, telephone=True, corrects=0.1, **others)  # type: ignore[arg-type]
    assert suite.scenes == [
        Scene("steps", Caller(steps), expect, ["late-setup"], "echo", ["It says who it is."]),
        Scene("goal", caller, [], [], rubric=[]),
        Scene(
            "persona",
            Caller(Persona("An impatient regular.", "Hello?", 3, "qwen3", "https://example.com/v1")),
            [],
            [],
            rubric=[],
        ),
        Scene("short persona", Caller(Persona("A shy guest.")), [], [], rubric=[]),
        Scene("hangs up in the middle", Caller([Says("A table."), HangsUp(2)]), [], [], rubric=[]),
    ]
    assert suite.judge == Judge(["The agent is polite."], "qwen3", "http://127.0.0.1:11434/v1", 5, decides=True)


def test_what_a_persona_said_can_be_put_into_a_suite(tmp_path: Path) -> None:
    said = ["For two: at eight.", '"Ada", please.', "#1 = ☕?"]
    steps = indent(steps_of(CallRecord(improvised=said)), "    ")
    suite = read_suite(written(tmp_path, f"scenes:\n  - name: again\n{steps}"))
    assert suite.scenes[0].caller.does == [Says(words) for words in said]


def test_a_suite_is_called_after_its_file_unless_it_has_a_name(tmp_path: Path) -> None:
    assert read_suite(written(tmp_path, "scenes: [{name: a, caller: [listens]}]")).name == "suite"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{caller: [listens], name: a}", "4:7: a scene before this one is called 'a' too"),
        ("name: b\n      caller:\n      - says:\n      expect: []", "6:9: nothing is no text"),
        (
            "name: b\n      caller:\n        goal:\n          knows:\n            a: b\n            '!|c': d\n"
            "          says: x\n          until: y",
            "9:13: there are no words in '!'",
        ),
        (
            "name: b\n      caller:\n      - says: a: b",
            "6:16: this is not YAML: mapping values are not allowed here → put a",
        ),
        ("<<: *a", "4:7: a scene before this one is called 'a' too"),
    ],
)
def test_the_line_is_that_of_the_mistake(tmp_path: Path, text: str, told: str) -> None:
    before = "scenes:\n    - &a {name: a,\n       caller: [listens]}\n"
    with pytest.raises(ConfigError, match=re.escape(f"suite.yaml:{told}")):
        read_suite(written(tmp_path, f"{before}    - {text}"))


def test_a_bare_step_may_have_a_colon(tmp_path: Path) -> None:
    suite = read_suite(written(tmp_path, "scenes:\n- name: a\n  caller:\n  - listens:\n  - coughs:\n  - hangs up:"))
    assert suite.scenes[0].caller.does == [Listens(), Coughs(), HangsUp()]


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
        ("scenes: [{name: a, caller: {speed: 1}}]", "steps, after a goal, or plays a persona"),
        ("scenes: [{name: a, caller: {persona: x, goal: {says: x, until: y}}}]", "give one of does, goal, persona"),
        ("scenes: [{name: a, caller: {persona: {is: x, url: localhost}}}]", "1:51: this is no address"),
        ("scenes: [{name: a, caller: [hangs up, listens]}]", "1:29: the caller hangs up before the last step"),
        (
            "scenes: [{name: a, caller: {does: [listens], corrects: 2}}]",
            "1:56: 2 is out of range → give one from 0 to 1",
        ),
        ("scenes: [{name: a, caller: [listens], expect: [language: klingon]}]", "there is no language 'klingon'"),
        (
            "{judge: {decides: maybe}, scenes: [{name: a, caller: [listens]}]}",
            "1:19: 'maybe' is neither true nor false",
        ),
        ("{judge: {repeats: 0}, scenes: [{name: a, caller: [listens]}]}", "1:19: 0 is out of range"),
        ("{judge: {repeats: 999}, scenes: [{name: a, caller: [listens]}]}", "1:19: 999 is out of range"),
        ("scenes: [{name: a, caller: [Hello there.]}]", "1:29: this is not a step → give one of says"),
        ("scenes: [{name: a, caller: [sais: x]}]", "did you mean 'says'"),
        (
            "scenes: [{name: a, caller: {does: [listens], voice: kroe}}]",
            "1:53: there is no voice 'kroe' → did you mean",
        ),
        (
            "scenes: [{name: a, caller: {does: [listens], speed: 9}}]",
            "1:53: 9 is out of range → give one from 0.25 to 4",
        ),
        ("scenes: [{name: a, caller: {does: [listens], echo: {below: 9, after: 9}}}]", "`after_s` is 9"),
        ("scenes: [{name: a, caller: {does: [listens], echo: -3}}]", "1:52: -3 is out of range"),
        ("scenes: [{name: a, caller: {does: [listens], background: {says: x, below: 9, voice: kroe}}}]", "'kroe'"),
        ("scenes: [{name: a, caller: {does: [listens], background: {says: x}}}]", "'below' is missing"),
        ("scenes: [{name: a, caller: [presses: x]}]", "1:29: 'x' is not on the keys of a telephone"),
        ("scenes: [{name: a, caller: {goal: {says: x, until: '!'}}}]", "1:52: there are no words in '!'"),
        ("scenes: [{name: a, caller: {goal: {says: x, knows: {a|: y}, until: z}}}]", "there are no words in ''"),
        ("scenes: [{name: a, caller: [listens], expect: [says: '...']}]", "1:54: there are no words in '...'"),
        ("scenes: [{name: a, caller: [listens], expect: [never says: '?']}]", "there are no words in"),
        ("scenes: [{name: a, caller: [listens], expect: [hears: '?']}]", "there are no words in"),
        (
            "scenes: [{name: a, caller: [listens], expect: [{answers within: 1, percentile: 950}]}]",
            "950 is out of range",
        ),
        (
            "scenes: [{name: a, caller: [listens], expect: [{answers: 3, at most: 1}]}]",
            "1:48: at least 3 and at most 1",
        ),
        ("scenes: [{name: a, caller: {says: x}}]", "1:28: the steps of a caller are a list"),
        ("scenes: [{name: a, caller: [says: '...']}]", "1:35: there are no words in '...'"),
        ("scenes: [{name: a, caller: [waits: 5s]}]", "1:36: '5s' is no number → give one of 0 or more"),
        ("scenes: [{name: a, caller: [listen]}]", "did you mean 'listens'"),
        ("{agent: a: b, scenes: [{name: a, caller: [listens]}]}", "1:10: this is not YAML"),
        ("scenes: [{name: a, name: b}]", '1:20: this is not YAML: found duplicate key "name" → leave one'),
        ("scenes: [{name: a, caller: [listens], expect: [with: {guests: 2}]}]", "'with' stands alone → write it below"),
        ("{model: rulez, scenes: [{name: a, caller: [listens]}]}", "1:9: there is no responder 'rulez' → did you mean"),
        ("scenes: [{name: a, model: 'script:no.yaml', caller: [listens]}]", "1:27: "),
    ],
)
def test_what_cannot_be_names_line_and_column(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)) as error:
        read_suite(written(tmp_path, text))
    assert f"{tmp_path}/suite.yaml:1:" in str(error.value)
