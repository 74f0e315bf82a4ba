"""Write the generated parts of docs/: diagrams and tables that the code itself knows best.

    python docs/generate.py           rewrite them
    python docs/generate.py --check   exit code 1 when one of them is out of date

A generated part stands between `<!-- generated: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path

import gemini_realtime
from gemini_realtime import GeminiRealtimeError, RealtimeEvent
from gemini_realtime.protocol.messages import GenerationConfig, Setup
from gemini_realtime.protocol.models import PROFILES
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
            profile.family,
            "<br>".join(f"`{name}…`" for name in profile.names),
            ", ".join(profile.response_modalities),
            "`realtimeInput.text`" if profile.text_via_realtime_input else "`clientContent`",
            profile.thinking.replace("_", " "),
            profile.tool_behavior.replace("_", " "),
        ]
        for profile in PROFILES
    ]
    return table(["family", "names", "answers with", "text travels as", "thinking by", "functions"], rows)


def options() -> str:
    """Every field of the setup, and every field of the generation config, as an option."""
    rows = []
    for place, struct in (("`setup`", Setup), ("`setup.generationConfig`", GenerationConfig)):
        names = [name for name in struct.__struct_fields__ if name not in ("model", "tools")]
        rows.append([place, ", ".join(f"`{name}`" for name in names)])
    return table(["in", "options"], rows)


PARTS: dict[str, Callable[[], str]] = {
    "session-states": lambda: diagram(TRANSITIONS, State.NEW),  # type: ignore[arg-type]
    "turn-states": lambda: diagram(TURN_TRANSITIONS, TurnState.IDLE),  # type: ignore[arg-type]
    "events": events,
    "errors": errors,
    "models": models,
    "options": options,
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
