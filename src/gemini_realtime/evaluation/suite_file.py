"""Suites in YAML.

agent: restaurant:agent
scenes:
  - name: a table for two
    caller:
      - says: A table for two guests at eight, please.
    expect:
      - calls: book_table
        with: {guests: 2, hour: 8}
      - says: booked
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any, Final

from gemini_realtime.checking import spelling_remedy
from gemini_realtime.evaluation.calls import GEMINI, beside
from gemini_realtime.evaluation.expectations import (
    Answers,
    AnswersWithin,
    Calls,
    CallsOnly,
    Costs,
    Expectation,
    LetsFinish,
    NeverSays,
    Resumes,
    SaysWords,
    Speaks,
    StopsWithin,
    Understands,
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
    Suite,
    Types,
    Waits,
    check_asked,
    check_voice,
)
from gemini_realtime.evaluation.words import check_words
from gemini_realtime.local.choices import responder_named
from gemini_realtime.local.faults.table import parse_fault
from gemini_realtime.local.responders.yaml_file import Value, read_yaml

Fields = dict[str, Value]
Kinds = Mapping[str, tuple[tuple[str, ...], Callable[[Fields], Any]]]
"""By what something is known: what else may be said of it, and how it is made."""


def read_suite(path: Path) -> Suite:
    """Read a suite.

    Raises:
        ConfigError: the file cannot be read, or is no suite; the message names line and column.
        MissingDependencyError: the extra `[evaluate]` is not installed.
    """
    whole = read_yaml(path, "suite", "evaluate")
    fields = whole.fields(["name", "agent", "model", "seed", "judge", "scenes"], required=["scenes"])
    with whole.placing_errors():
        return Suite(
            name=_text(fields, "name", path.stem),
            scenes=_scenes(fields["scenes"], path.absolute().parent),
            agent=_text(fields, "agent", ""),
            model=_model(fields, "rules", path.absolute().parent),
            seed=_whole(fields, "seed", 0),
            judge=_judge(fields["judge"]) if "judge" in fields else Judge(),
            folder=path.absolute().parent,
        )


def steps_of(record: CallRecord) -> str:
    """What a persona said in a call, as the steps of a caller who says the same again without any endpoint."""
    says = (f"- says: {json.dumps(words, ensure_ascii=False)}" for words in record.improvised)  # JSON is YAML
    return "\n".join(["caller:", *(f"  {line}" for line in says)])


def _scenes(value: Value, folder: Path) -> list[Scene]:
    scenes: dict[str, Scene] = {}
    for item in value.items():
        scene = _scene(item, folder)
        if scene.name in scenes:
            raise item.error(f"a scene before this one is called {scene.name!r} too", "give each a name of its own")
        scenes[scene.name] = scene
    return [*scenes.values()]


def _model(fields: Fields, default: str, folder: Path) -> str:
    model = _text(fields, "model", default)
    if "model" in fields:
        with fields["model"].placing_errors():
            if model != GEMINI and not model.startswith("chat"):  # an endpoint is looked for when it is to be asked
                responder_named(beside(model, folder))
    return model


def _scene(value: Value, folder: Path) -> Scene:
    fields = value.fields(["name", "caller", "expect", "faults", "model", "rubric"], required=["name", "caller"])
    return Scene(
        name=fields["name"].text(),
        caller=_caller(fields["caller"]),
        expect=[_expectation(item) for item in fields["expect"].items()] if "expect" in fields else [],
        faults=[_fault(item) for item in fields["faults"].items()] if "faults" in fields else [],
        model=_model(fields, "", folder),
        rubric=_rubric(fields),
    )


def _judge(value: Value) -> Judge:
    fields = value.fields(["rubric", "model", "url", "repeats", "decides"])
    return Judge(
        _rubric(fields),
        _text(fields, "model", ""),
        _url(fields),
        _whole(fields, "repeats", 3, 1, 100),
        decides="decides" in fields and fields["decides"].truth(),
    )


def _rubric(fields: Fields) -> list[str]:
    return [item.text() for item in fields["rubric"].items()] if "rubric" in fields else []


def _words(value: Value) -> str:
    """What somebody says."""
    with value.placing_errors():
        check_words(value.text())
    return value.text()


def _url(fields: Fields) -> str:
    url = _text(fields, "url", "")
    if url and not url.startswith(("http://", "https://")):
        raise fields["url"].error("this is no address of an endpoint", "write it as http://127.0.0.1:11434/v1")
    return url


def _caller(value: Value) -> Caller:
    if not value.is_object:
        return Caller(_steps(value))
    if value.has_any(_STEPS):
        raise value.error("the steps of a caller are a list", "begin each of them with a dash")
    fields = value.fields(
        [
            *_KINDS_OF_CALLERS,
            "speed",
            "hesitates",
            "corrects",
            "patience",
            "voice",
            "noise",
            "echo",
            "background",
            "line",
        ]
    )
    named = [name for name in _KINDS_OF_CALLERS if name in fields]
    if len(named) != 1:
        problem = "a caller goes through steps, after a goal, or plays a persona"
        raise value.error(problem, f"give one of {', '.join(_KINDS_OF_CALLERS)}")
    return Caller(
        _KINDS_OF_CALLERS[named[0]](fields[named[0]]),
        speed=_number(fields, "speed", 1.0, 0.25, 4),
        hesitates=_number(fields, "hesitates", 0.0, 0, 1),
        corrects=_number(fields, "corrects", 0.0, 0, 1),
        patience_s=_number(fields, "patience", 15.0, 0.1, 3600),
        voice=_voice(fields, "charon"),
        noise_db=_number(fields, "noise", 0.0, 0.0) if "noise" in fields else None,
        echo=_echo(fields["echo"]) if "echo" in fields else None,
        background=_background(fields["background"]) if "background" in fields else None,
        telephone=_is_telephone(fields),
    )


def _voice(fields: Fields, default: str) -> str:
    if "voice" in fields:
        with fields["voice"].placing_errors():
            check_voice(fields["voice"].text())
    return _text(fields, "voice", default)


def _echo(value: Value) -> Echo:
    if not value.is_object:
        return Echo(value.number(0))
    fields = value.fields(["below", "after"], required=["below"])
    with fields.get("after", value).placing_errors():
        return Echo(fields["below"].number(0), _number(fields, "after", 0.1, 0))


def _background(value: Value) -> Background:
    fields = value.fields(["says", "voice", "below"], required=["says", "below"])
    return Background(_words(fields["says"]), fields["below"].number(0), _voice(fields, "kore"))


def _is_telephone(fields: Fields) -> bool:
    if "line" not in fields:
        return False
    if not fields["line"].is_text("telephone"):
        raise fields["line"].error("there is one kind of line", "write telephone, or leave it out")
    return True


def _goal(value: Value) -> Goal:
    fields = value.fields(["says", "knows", "until", "gives up after"], required=["says", "until"])
    knows = fields["knows"].object() if "knows" in fields else {}
    for asked in fields["knows"].names() if "knows" in fields else []:
        with asked.placing_errors():
            check_asked(asked.text())
    return Goal(
        _words(fields["says"]),
        {asked: str(told) for asked, told in knows.items()},
        _words(fields["until"]),
        _whole(fields, "gives up after", 8, 1),
    )


def _persona(value: Value) -> Persona:
    if not value.is_object:
        return Persona(value.text())
    fields = value.fields(["is", "says", "gives up after", "model", "url"], required=["is"])
    return Persona(
        fields["is"].text(),
        _text(fields, "says", ""),
        _whole(fields, "gives up after", 12, 1),
        _text(fields, "model", ""),
        _url(fields),
    )


def _steps(value: Value) -> list[Step]:
    items = value.items()
    steps = [_step(item) for item in items]
    for item, step in zip(items[:-1], steps, strict=False):
        if isinstance(step, HangsUp):
            raise item.error("the caller hangs up before the last step", "let it be the last")
    return steps


def _step(value: Value) -> Step:
    step: Step = _one_of(value, _STEPS, _BARE_STEPS, "a step")
    return step


def _expectation(value: Value) -> Expectation:
    expectation: Expectation = _one_of(value, _EXPECTATIONS, _BARE_EXPECTATIONS, "an expectation")
    return expectation


def _one_of(value: Value, kinds: Kinds, bare: Mapping[str, Callable[[], Any]], what: str) -> Any:
    """What a mapping with one of these names stands for, or a bare name; others may stand beside the name."""
    word = value.bare_word()
    if word is not None and word in bare:
        return bare[word]()
    choice = f"give one of {', '.join(dict.fromkeys([*kinds, *bare]))}"
    if not value.is_object:
        raise value.error(f"this is not {what}", choice if word is None else spelling_remedy(word, bare, choice=choice))
    beside = {name: kind for kind, (also, _) in kinds.items() for name in also}
    fields = value.fields([*dict.fromkeys([*kinds, *bare, *beside])])
    named = [name for name in kinds if name in fields]
    if not named and (lost := next((name for name in fields if name in beside), None)):
        raise value.error(f"{lost!r} stands alone", f"write it below {beside[lost]!r}, without a dash of its own")
    if len(named) != 1:
        problem = f"{' and '.join(named)} cannot be one" if named else f"this is not {what}"
        raise value.error(problem, "give each a dash of its own" if named else choice)
    also, make = kinds[named[0]]
    for name, field in fields.items():
        if name not in (named[0], *also):
            raise field.error(f"{named[0]!r} has no {name!r}", f"allowed beside it: {', '.join(also) or 'nothing'}")
    with value.placing_errors():
        return make(fields)


def _fault(value: Value) -> str:
    with value.placing_errors():
        parse_fault(value.text())
    return value.text()


def _text(fields: Fields, name: str, default: str) -> str:
    return fields[name].text() if name in fields else default


def _number(fields: Fields, name: str, default: float, minimum: float, maximum: float = inf) -> float:
    return fields[name].number(minimum, maximum) if name in fields else default


def _whole(fields: Fields, name: str, default: int, minimum: int = 0, maximum: float = inf) -> int:
    number = _number(fields, name, default, minimum, maximum)
    if not float(number).is_integer():
        raise fields[name].error(f"{number:g} is no whole number", "give one")
    return int(number)


_KINDS_OF_CALLERS: Final[Mapping[str, Callable[[Value], Sequence[Step] | Goal | Persona]]] = {
    "does": _steps,
    "goal": _goal,
    "persona": _persona,
}
_BARE_STEPS: Final[Mapping[str, Callable[[], Step]]] = {"coughs": Coughs, "listens": Listens, "hangs up": HangsUp}
_BARE_EXPECTATIONS: Final[Mapping[str, Callable[[], Expectation]]] = {
    "calls nothing": lambda: CallsOnly([]),
    "lets finish": LetsFinish,
}
_STEPS: Final[Kinds] = {
    "says": ((), lambda fields: Says(_words(fields["says"]))),
    "types": ((), lambda fields: Types(fields["types"].text())),
    "interrupts": (
        ("after words",),
        lambda fields: Interrupts(_words(fields["interrupts"]), _whole(fields, "after words", 3)),
    ),
    "backchannel": (
        ("after words",),
        lambda fields: Backchannel(_words(fields["backchannel"]), _whole(fields, "after words", 3)),
    ),
    "coughs": ((), lambda fields: Coughs(fields["coughs"].number(0.05))),
    "waits": ((), lambda fields: Waits(fields["waits"].number(0))),
    "presses": ((), lambda fields: Presses(fields["presses"].text())),
    "hangs up after words": ((), lambda fields: HangsUp(_whole(fields, "hangs up after words", 0, 1))),
    "fault": ((), lambda fields: Misbehaves(_fault(fields["fault"]))),
}
_EXPECTATIONS: Final[Kinds] = {
    "calls": (
        ("with", "times"),
        lambda fields: Calls(
            fields["calls"].text(), fields["with"].object() if "with" in fields else {}, _whole(fields, "times", 1)
        ),
    ),
    "calls only": ((), lambda fields: CallsOnly([item.text() for item in fields["calls only"].items()])),
    "says": (
        ("times",),
        lambda fields: SaysWords(_words(fields["says"]), _whole(fields, "times", 1) if "times" in fields else None),
    ),
    "never says": ((), lambda fields: NeverSays(_words(fields["never says"]))),
    "hears": ((), lambda fields: Understands(_words(fields["hears"]))),
    "language": ((), lambda fields: Speaks(fields["language"].text())),
    "answers within": (
        ("percentile",),
        lambda fields: AnswersWithin(fields["answers within"].number(0), _whole(fields, "percentile", 95, 1, 100)),
    ),
    "stops within": ((), lambda fields: StopsWithin(fields["stops within"].number(0))),
    "answers": (
        ("at most",),
        lambda fields: Answers(
            _whole(fields, "answers", 0), _whole(fields, "at most", 0) if "at most" in fields else None
        ),
    ),
    "resumes": ((), lambda fields: Resumes(_whole(fields, "resumes", 1))),
    "costs at most": ((), lambda fields: Costs(fields["costs at most"].number(0))),
}
