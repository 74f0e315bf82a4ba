"""`gemini-realtime inspect`: a recording in numbers, as a page, and as a picture."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gemini_realtime.errors import MissingDependencyError

if TYPE_CHECKING:
    from gemini_realtime.inspection.page import Inspected

HELP = (
    "Show what recorded conversations were like.\n\n"
    "Prints turns, latencies, interruptions, tools, connections, tokens, cost and faults, and writes a page with a "
    "timeline to zoom and to hear, what was said, and every frame: one HTML file that needs nothing else. Of two "
    "recordings, both on one page."
)
EXAMPLES = (
    "[bold]Examples[/bold]\n\n"
    "gemini-realtime talk --record calls\n\n"
    "gemini-realtime inspect calls\n\n"
    "gemini-realtime inspect calls/20261128T101348-1 calls/20261128T102001-1\n\n"
    "gemini-realtime inspect calls --png timeline.png\n\n"
    "gemini-realtime inspect calls --json | jq .latency_ms.first_audio.p95"
)


def inspect(
    recordings: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR...", help="Recordings; of a folder of them, the newest is meant.", show_default=False
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", dir_okay=False, help="The page; by default DIR/inspection.html."
        ),
    ] = None,
    png: Annotated[
        Path | None, typer.Option(metavar="FILE", dir_okay=False, help="Draw the timeline as a picture, for a report.")
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print the numbers as JSON, a line each; no page without --output.",
        ),
    ] = False,
) -> None:
    try:
        from gemini_realtime.inspection import read_story
        from gemini_realtime.inspection.summary import summary
    except ModuleNotFoundError as error:
        raise MissingDependencyError(f"inspecting a recording ({error.name})", "agent,inspect") from error
    if as_json:
        for path in recordings:
            print(json.dumps(summary(read_story(path)), ensure_ascii=False))
        if png is None and output is None:
            return
    from gemini_realtime.inspection.page import Inspected

    inspected = [Inspected(path) for path in recordings]
    if not as_json:
        _print(inspected)
    told = sys.stderr if as_json else sys.stdout
    if not as_json or output is not None:
        print(f"page: {_write_page(inspected, output)}", file=told)
    if png is not None:
        from gemini_realtime.inspection.picture import write_picture

        write_picture(inspected, png)
        print(f"picture: {png}", file=told)


def _print(inspected: Sequence[Inspected]) -> None:
    from gemini_realtime.inspection.summary import lines

    for one in inspected:
        rows = list(lines(one.summary))
        width = max(len(label) for label, _ in rows)
        print(*(f"{label:<{width}}  {value}" for label, value in rows), "", sep="\n")


def _write_page(inspected: Sequence[Inspected], output: Path | None) -> Path:
    from gemini_realtime.inspection.page import write_page

    recording = inspected[0].story.recording.path
    page = output or (recording / "inspection.html" if recording.is_dir() else recording.with_suffix(".html"))
    write_page(inspected, page)
    return page
