"""`--record` and what goes with it: what commands that hold conversations keep of them."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gemini_realtime.errors import ConfigError

if TYPE_CHECKING:
    from gemini_realtime.recordings import RecordingOptions

_PANEL = "Recording"


class Without(Enum):
    """What can be left out."""

    AUDIO = "audio"
    TEXT = "text"


RecordTo = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        rich_help_panel=_PANEL,
        help="Record each conversation in a folder of its own in there: see gemini-realtime inspect and replay.",
    ),
]
RecordWithout = Annotated[
    list[Without] | None,
    typer.Option(rich_help_panel=_PANEL, help="Leave out sound, or words. May be given twice."),
]
RecordLast = Annotated[
    float | None,
    typer.Option(
        metavar="MIN",
        min=0.1,
        rich_help_panel=_PANEL,
        help="Keep the last minutes in memory, and write them only when something goes wrong.",
    ),
]


def recording_options(
    folder: Path | None, without: list[Without] | None, last_min: float | None
) -> RecordingOptions | None:
    """What was asked for; None for no recording.

    Raises:
        ConfigError: the folder cannot be made, or is missing.
    """
    from gemini_realtime.recordings import RecordingOptions

    left_out = set(without or ())
    if folder is None:
        if left_out or last_min is not None:
            raise ConfigError("--record-without or --record-last was given without --record", remedy="add --record DIR")
        return None
    return RecordingOptions(
        folder,
        audio=Without.AUDIO not in left_out,
        text=Without.TEXT not in left_out,
        last_s=None if last_min is None else last_min * 60,
    )
