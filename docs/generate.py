"""Write the generated parts of docs/: diagrams and tables that the code itself knows best.

    python docs/generate.py           rewrite them
    python docs/generate.py --check   exit code 1 when one of them is out of date

A generated part stands between `<!-- generated: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import argparse
import inspect
import re
import runpy
import sys
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path

import gemini_realtime
from gemini_realtime import GeminiRealtimeError, RealtimeEvent
from gemini_realtime.local.faults.table import EVERY_FAULT, FAULTS, ONCE, Parameter
from gemini_realtime.local.server import access, tokens
from gemini_realtime.local.wire import fields, profiles, refusals
from gemini_realtime.protocol import families
from gemini_realtime.protocol.families import NOT_LIVE
from gemini_realtime.protocol.messages import GenerationConfig, Setup
from gemini_realtime.protocol.models import PROFILES, ModelProfile
from gemini_realtime.protocol.proto_json import fields_of
from gemini_realtime.protocol.session import TRANSITIONS, State
from gemini_realtime.protocol.turns import TURN_TRANSITIONS, TurnState

DOCS = Path(__file__).parent
MARKED = re.compile(r"(<!-- generated: (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def diagram(transitions: dict[tuple[Enum, Enum], Enum], first: Enum) -> str:
    """A transition table as a Mermaid diagram, which GitHub draws."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (state, cause), after in transitions.items():
        arrows.setdefault((state.name, after.name), []).append(str(cause.value))
    lines = [f"    {a} --> {b} : {', '.join(causes)}" for (a, b), causes in arrows.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", f"    [*] --> {first.name}", *lines, "```"])


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def first_sentence(thing: object) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def events() -> str:
    """Every event: class, type, fields, meaning."""
    rows = []
    for name in gemini_realtime.__all__:
        thing = getattr(gemini_realtime, name)
        if isinstance(thing, type) and issubclass(thing, RealtimeEvent):
            fields = [field for field in thing.__struct_fields__ if field not in ("raw_message", "type")]
            default = dict(zip(reversed(thing.__struct_fields__), reversed(thing.__struct_defaults__), strict=False))
            rows.append(
                [f"`{name}`", f"`{default['type']}`", ", ".join(f"`{f}`" for f in fields), first_sentence(thing)]
            )
    return table(["class", "type", "fields", "meaning"], rows)


def errors() -> str:
    """Every error: class, builtin base, meaning."""
    rows = []
    for name in gemini_realtime.__all__:
        thing = getattr(gemini_realtime, name)
        if isinstance(thing, type) and issubclass(thing, GeminiRealtimeError):
            bases = [base.__name__ for base in thing.__bases__]
            rows.append([f"`{name}`", ", ".join(f"`{base}`" for base in bases), first_sentence(thing)])
    return table(["error", "is a", "meaning"], rows)


def models() -> str:
    """What each family of models accepts."""
    rows = [
        [
            profile.title,
            "<br>".join(f"`{name}…`" for name in profile.names),
            ", ".join(profile.modalities),
            _text_travels_as(profile),
            profile.thinking.replace("_", " "),
            _functions(profile),
        ]
        for profile in PROFILES.values()
        if profile.names
    ]
    return table(["family", "names", "answers with", "text travels as", "thinking by", "functions"], rows)


def _text_travels_as(profile: ModelProfile) -> str:
    if not profile.text_input:
        return "takes none"
    return "`realtimeInput.text`" if profile.text_in_realtime_input else "`clientContent`"


def _functions(profile: ModelProfile) -> str:
    if not profile.instructions:
        return "takes none"
    return ", ".join(profile.behaviors) + (" (blocks all the same)" if profile.always_blocks else "")


def options() -> str:
    """Every field of the setup, and every field of the generation config that the Live API takes, as an option."""
    rows = []
    for place, struct in (("`setup`", Setup), ("`setup.generationConfig`", GenerationConfig)):
        names = [
            field.snake_name
            for field in map(fields_of(struct).__getitem__, struct.__struct_fields__)
            if field.snake_name not in ("model", "tools") and field.wire_name not in NOT_LIVE
        ]
        rows.append([place, ", ".join(f"`{name}`" for name in names)])
    return table(["in", "options"], rows)


def server_rules() -> str:
    """What the embedded server refuses."""
    rows = [
        [rule.fault, str(rule.code), f"`{rule.reason}`", rule.source, f"`tests/local/{test.format(name=name)}`"]
        for module, test in (
            (refusals, "wire/test_refusals.py::test_rule[{name}]"),
            (access, "server/test_access.py"),
            (tokens, "server/test_tokens.py"),
        )
        for name, rule in vars(module).items()
        if isinstance(rule, refusals.Rule)
    ]
    return table(["fault", "code", "reason", "source", "test"], rows)


def service_profiles() -> str:
    """The families of models that the embedded server plays."""
    rows = [
        [
            f"`{profile.name}`",
            ", ".join(f"`{name}…`" for name in profile.models or profile.family.names) or "any other",
            ", ".join(profile.family.modalities),
            profile.family.thinking.replace("_", " "),
            " or ".join(f"`{behavior}`" for behavior in profile.family.behaviors),
        ]
        for profile in profiles.PROFILES
    ]
    return table(["profile", "models", "answers in", "thinking", "functions, the default first"], rows)


def service_facts() -> str:
    """What is known of each family, and what Vertex AI does otherwise."""
    behaviour = dict(attributes_of(profiles.ServiceProfile))
    taken = dict(attributes_of(families.Family))
    head = ["fact", "value", "source", "date", "others saw", "meaning"]
    pages = []
    for profile in profiles.PROFILES:
        documented = families.EVIDENCE.get(profile.family.name, {})
        rows = [
            *([f"`{name}`", _shown(getattr(profile.family, name)), *known, "", taken[name]]
              for name, known in documented.items()),
            *([f"`{name}`", _shown(getattr(profile, name)), *known, behaviour[name]]
              for name, known in profile.evidence.items()),
        ]  # fmt: skip
        if rows:
            pages.append(f"### {profile.name}\n\n{table(head, rows)}\n")
    rows = [
        [f"`{name}`", _values_on_vertex(name), *known, behaviour[name]] for name, known in profiles.ON_VERTEX.items()
    ]
    pages.append(f"### On Vertex AI\n\n{table(head, rows)}")
    return "\n".join(pages)


def _values_on_vertex(name: str) -> str:
    """What a fact is where it is another on Vertex AI, with the families if they are not all."""
    known = [profile for profile in profiles.PROFILES if profile is not profiles.UNKNOWN]
    pairs = [(profile, profiles.on_vertex(profile)) for profile in known]
    changed: dict[str, list[str]] = {}
    for profile, there in pairs:
        if getattr(there, name) != getattr(profile, name):
            changed.setdefault(_shown(getattr(there, name)), []).append(profile.name)
    return "; ".join(
        value if len(names) == len(pairs) else f"{value}: {', '.join(names)}" for value, names in changed.items()
    )


def attributes_of(thing: type) -> Iterable[tuple[str, str]]:
    """What a docstring says of each attribute."""
    _, _, listed = (inspect.getdoc(thing) or "").partition("Attributes:\n")
    for name, meaning in re.findall(r"^ {4}(\w+): (.*?)(?=\n {4}\w|\Z)", listed, re.MULTILINE | re.DOTALL):
        yield name, " ".join(meaning.split()).rstrip(".")


def _shown(value: object) -> str:
    if isinstance(value, profiles.Oddity):
        return f"every {value.every} turns"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value) or "none"


def newer_fields() -> str:
    """Fields that the official types do not know."""
    return table(["message", "fields"], [[f"`{name}`", f"`{line}`"] for name, line in fields.NEWER.items()])


def recorded_differences() -> str:
    """Where recorded sessions differ from the embedded server's."""
    found = runpy.run_path(str(DOCS.parent / "tests" / "local" / "differences.py"))
    everywhere = [["all", f"`{name}`", reason] for name, reason in found["DIFFERENCES"].items()]
    somewhere = [[f"`{recording}`", f"`{name}`", reason] for (recording, name), reason in found["EXCEPTIONS"].items()]
    return table(["recording", "value", "why"], everywhere + somewhere)


def fault_arguments() -> str:
    """What can be said about many faults."""
    shared = ((EVERY_FAULT, "every fault"), (ONCE, "those that happen once on a connection"))
    rows = [[*_argument(parameter), which] for parameters, which in shared for parameter in parameters]
    return table(["argument", "meaning", "of"], rows)


def faults() -> str:
    """What can go wrong."""
    rows = [
        [
            f"`{kind.name}`",
            kind.meaning + (" (once)" if kind.once else ""),
            "<br>".join(": ".join(_argument(parameter)) for parameter in kind.own_parameters),
        ]
        for kind in FAULTS.values()
    ]
    return table(["fault", "what happens", "arguments"], rows)


def _argument(parameter: Parameter) -> tuple[str, str]:
    return f"`{parameter.usage}`", parameter.meaning


PARTS: dict[str, Callable[[], str]] = {
    "session-states": lambda: diagram(TRANSITIONS, State.NEW),  # type: ignore[arg-type]
    "turn-states": lambda: diagram(TURN_TRANSITIONS, TurnState.IDLE),  # type: ignore[arg-type]
    "events": events,
    "errors": errors,
    "models": models,
    "options": options,
    "server-rules": server_rules,
    "service-profiles": service_profiles,
    "service-facts": service_facts,
    "newer-fields": newer_fields,
    "recorded-differences": recorded_differences,
    "fault-arguments": fault_arguments,
    "faults": faults,
}


def generated(text: str) -> str:
    """The page with its generated parts made anew."""
    return MARKED.sub(lambda part: f"{part[1]}{PARTS[part['name']]()}\n{part[3]}", text)


def main() -> int:
    """Rewrite or check every page."""
    parser = argparse.ArgumentParser(description="Write the generated parts of docs/.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when a part is out of date")
    check = parser.parse_args().check
    stale = [page for page in DOCS.glob("*.md") if generated(page.read_text("utf-8")) != page.read_text("utf-8")]
    for page in stale:
        if not check:
            page.write_text(generated(page.read_text("utf-8")), "utf-8")
        print(f"{page.name} {'is out of date: run `make docs`' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
