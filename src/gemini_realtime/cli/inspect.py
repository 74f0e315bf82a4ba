"""`gemini-realtime inspect`: a recording in numbers, as a page, and as a picture."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gemini_realtime.cli import printable
from gemini_realtime.cli.options.files import writing
from gemini_realtime.cli.options.inspect import InspectOptions
from gemini_realtime.errors import MissingDependencyError

if TYPE_CHECKING:
    from gemini_realtime.inspection.page import Inspected


def inspect(options: InspectOptions) -> None:
    """Print what recordings were like, and write what was asked for."""
    try:
        from gemini_realtime.inspection import read_story
        from gemini_realtime.inspection.summary import summary
    except ModuleNotFoundError as error:
        raise MissingDependencyError(f"inspecting a recording ({error.name})", "agent,inspect") from error
    if options.as_json:
        for path in options.recordings:
            print(json.dumps(summary(read_story(path)), ensure_ascii=False))
        if options.png is None and options.output is None:
            return
    from gemini_realtime.inspection.page import Inspected

    inspected = [Inspected(path) for path in options.recordings]
    if not options.as_json:
        _print(inspected)
    told = sys.stderr if options.as_json else sys.stdout
    if not options.as_json or options.output is not None:
        print(f"page: {_write_page(inspected, options.output)}", file=told)
    if options.png is not None:
        from gemini_realtime.inspection.picture import write_picture

        with writing(options.png):
            write_picture(inspected, options.png)
        print(f"picture: {options.png}", file=told)


def _print(inspected: Sequence[Inspected]) -> None:
    from gemini_realtime.inspection.summary import lines

    for one in inspected:
        rows = list(lines(one.summary))
        width = max(len(label) for label, _ in rows)
        print(*(printable(f"{label:<{width}}  {value}") for label, value in rows), "", sep="\n")


def _write_page(inspected: Sequence[Inspected], output: Path | None) -> Path:
    from gemini_realtime.inspection.page import write_page

    recording = inspected[0].story.recording.path
    page = output or (recording / "inspection.html" if recording.is_dir() else recording.with_suffix(".html"))
    with writing(page):
        write_page(inspected, page)
    return page
