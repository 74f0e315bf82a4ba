"""What can be typed after `gemini-realtime evaluate`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from gemini_realtime.cli.options.files import folder, writable

HELP: Final = (
    "Call an agent many times, and report the results.\n\n"
    "A suite is a YAML file of scenes: what a caller does (says, interrupts, coughs), and what is expected of the "
    "agent. Without --sound time is virtual, and a call of five minutes takes a second. Exit code 1: an expectation "
    "was not met."
)
EXAMPLES: Final = (
    "[bold]Examples[/bold]\n\n"
    "gemini-realtime evaluate suite.yaml --agent restaurant:agent\n\n"
    "gemini-realtime evaluate suite.yaml --repeat 100 --flaky --html report.html\n\n"
    "gemini-realtime evaluate suite.yaml -- python my_google_genai_bot.py\n\n"
    "gemini-realtime evaluate suite.yaml --json after.jsonl && "
    "gemini-realtime evaluate --compare before.jsonl after.jsonl"
)


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """What was typed."""

    suite: Annotated[Path | None, typer.Argument(metavar="SUITE", help="The suite.", show_default=False)] = None
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- COMMAND", help="A program to call instead of an agent.", show_default=False),
    ] = None
    agent: Annotated[
        str, typer.Option(metavar="MODULE:FUNCTION", help="The function that makes the agent of an llm_config.")
    ] = ""
    url: Annotated[
        str,
        typer.Option(help="Call the agent that answers there: ws:// for binary PCM, twilio+ws:// for Media Streams."),
    ] = ""
    scene: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this one; may be repeated.")] = None
    model: Annotated[
        str, typer.Option(metavar="NAME", help="What plays Gemini: rules, script:FILE, chat:MODEL, or gemini itself.")
    ] = ""
    repeat: Annotated[int, typer.Option(metavar="N", help="Calls of each scene, with consecutive seeds.")] = 1
    flaky: Annotated[
        bool,
        typer.Option("--flaky", help="Repeat failed calls with the same seed, to tell faults from coin tosses."),
    ] = False
    seed: Annotated[int | None, typer.Option(metavar="N", help="The seed of the first call.", show_default=False)] = (
        None
    )
    sound: Annotated[bool, typer.Option("--sound", help="With real speech and in real time.")] = False
    workers: Annotated[int, typer.Option(metavar="N", help="Processes; 0 for one per core.")] = 0
    record: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Record calls that fail in there, each with a page to inspect.")
    ] = None
    ray: Annotated[str, typer.Option(metavar="ADDRESS", help="Run the calls on this Ray cluster; auto finds one.")] = ""
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="A line of JSON for each call.", callback=writable)
    ] = None
    resume: Annotated[
        bool, typer.Option("--resume", help="Hold only the calls that --json or --parquet do not have yet.")
    ] = False
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="JUnit XML, for CI.", callback=writable)] = None
    parquet: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A table, in files that are written while it runs.", callback=folder),
    ] = None
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="The report as one page.", callback=writable)] = None
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="BEFORE AFTER", help="Compare two files of --json instead: what became better or worse."),
    ] = None

    def __post_init__(self) -> None:
        """Refuse what lacks its other half."""
        if self.compare is None and self.suite is None:
            raise typer.BadParameter("name a suite, or two files to --compare", param_hint="SUITE")
        if self.resume and self.json is None and self.parquet is None:
            raise typer.BadParameter("name what to go on with, by --json or --parquet", param_hint="--resume")
