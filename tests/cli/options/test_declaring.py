"""Options as the fields of a dataclass."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import typer
from typer.testing import CliRunner

from gemini_realtime.cli.options.declaring import takes


@dataclass(frozen=True, kw_only=True)
class Shared:
    place: str = field(default="here", init=False)
    times: Annotated[int, typer.Option(min=1, help="How often.")] = 1


@dataclass(frozen=True, kw_only=True)
class Chosen(Shared):
    place: Annotated[str, typer.Option(help="Where.")] = "there"
    what: Annotated[list[str], typer.Argument()]

    def __post_init__(self) -> None:
        if "nonsense" in self.what:
            raise typer.BadParameter("it makes no sense")


def ran(*arguments: str) -> str:
    seen: list[Chosen] = []
    app = typer.Typer()
    app.command()(takes(Chosen)(seen.append))
    result = CliRunner().invoke(app, arguments)
    return repr(seen[0]) if seen else result.output


def test_a_command_gets_what_was_typed_as_one_object() -> None:
    assert ran("a", "b", "--times", "2") == repr(Chosen(what=["a", "b"], times=2))
    assert ran("a", "--place", "elsewhere") == repr(Chosen(what=["a"], place="elsewhere"))


def test_options_are_checked_and_listed_in_the_order_of_the_fields() -> None:
    assert "it makes no sense" in ran("nonsense")
    assert "--times" in ran("a", "--times", "0")
    help = ran("--help")
    assert help.index("Where.") < help.index("How often.")
