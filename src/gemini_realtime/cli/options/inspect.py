"""What can be typed after `gemini-realtime inspect`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

HELP: Final = (
    "Show what happened in recorded conversations.\n\n"
    "Prints turns, latencies, interruptions, tools, connections, tokens, cost and faults, and writes a page with a "
    "timeline to zoom and play, what was said, and every frame: one self-contained HTML file. Two recordings share one "
    "page."
)
EXAMPLES: Final = (
    "[bold]Examples[/bold]\n\n"
    "gemini-realtime talk --record calls\n\n"
    "gemini-realtime inspect calls\n\n"
    "gemini-realtime inspect calls/20261128T101348-1 calls/20261128T102001-1\n\n"
    "gemini-realtime inspect calls --png timeline.png\n\n"
    "gemini-realtime inspect calls --json | jq .latency_ms.first_audio.p95"
)


@dataclass(frozen=True, kw_only=True)
class InspectOptions:
    """What was typed."""

    recordings: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR...", help="Recordings; for a folder of recordings, the newest.", show_default=False
        ),
    ]
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", dir_okay=False, help="The page; by default DIR/inspection.html."
        ),
    ] = None
    png: Annotated[
        Path | None, typer.Option(metavar="FILE", dir_okay=False, help="Draw the timeline as a picture, for a report.")
    ] = None
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print the numbers as JSON, a line each; no page without --output.",
        ),
    ] = False
