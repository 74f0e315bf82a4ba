"""Reads recordings, also those that were cut short by whatever ended their process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from gemini_realtime.errors import ConfigError
from gemini_realtime.recordings.folder import AUDIO, FRAMES, MANIFEST
from gemini_realtime.recordings.lines import Line, read_line

_REMEDY: Final = "give the folder of a recording, one with recordings in it, or a file of frames (.jsonl)"


class ConversationRecording:
    """A recording on the disk.

    Attributes:
        path: its folder; or the file of frames that stands alone.
        frames_path: the file of frames.
        audio_path: the file with both sides, whether it is there or not.
        manifest: what `recording.json` says; empty where there is none.

    Raises:
        ConfigError: there is no recording at `path`.
    """

    def __init__(self, path: str | Path) -> None:
        """Find a recording.

        Args:
            path: its folder; a folder with recordings in it, of which the newest is meant; or a file of frames.
        """
        self.path = _found(Path(path))
        alone = self.path.is_file()
        self.frames_path = self.path if alone else self.path / FRAMES
        self.audio_path = self.path.with_name(AUDIO) if alone else self.path / AUDIO
        self.manifest = {} if alone else _manifest(self.path / MANIFEST)

    def lines(self) -> Iterator[tuple[int, Line]]:
        """The lines with their numbers, from 1, read as they are asked for.

        A last line that was not written to its end is left out.

        Raises:
            ConfigError: a line is none of a recording, or the file cannot be read; the message names file and line.
        """
        try:
            with self.frames_path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    try:
                        yield number, read_line(line)
                    except ValueError as error:
                        if not line.endswith(b"\n"):
                            return
                        raise ConfigError(
                            f"{self.frames_path}:{number} is not a line of a recording",
                            remedy='each line is like {"from": "client" or "server", "frame": {...}}',
                        ) from error
        except OSError as error:
            raise ConfigError(f"{self.frames_path} cannot be read: {error.strerror}", remedy=_REMEDY) from error


def _found(path: Path) -> Path:
    if not path.is_dir() or (path / FRAMES).is_file():
        if not path.exists():
            raise ConfigError(f"{path} cannot be read: No such file or directory", remedy=_REMEDY)
        return path
    recordings = list(path.glob(f"*/{FRAMES}"))
    if not recordings:
        raise ConfigError(f"{path} holds no recording", remedy=_REMEDY)
    # By the frames: an inspection that is put beside them makes a recording no newer.
    return max(recordings, key=lambda file: (file.stat().st_mtime_ns, file.parent.name)).parent


def _manifest(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_bytes())
    except (OSError, ValueError):  # cut short, or an older one: frames are what counts
        return {}
    return read if isinstance(read, dict) else {}
