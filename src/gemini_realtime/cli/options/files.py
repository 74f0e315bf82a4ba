"""Files that a command writes: checked before anything is done for them, and named when writing them fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer


def writable(path: Path | None) -> Path | None:
    """Refuse a file that cannot be written."""
    if path is None:
        return None
    if not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no directory {str(path.parent)!r}")
    try:
        with writing(path):
            try_to_write(path)
    except OSError as error:
        raise typer.BadParameter(str(error)) from None
    return path


def try_to_write(path: Path) -> None:
    """Find out whether a file can be written, and leave everything as it is; OSError when not."""
    is_new = not path.exists()
    with path.open("ab"):
        pass
    if is_new:
        path.unlink()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say which file cannot be written: the error of a disk that is full does not."""
    try:
        yield
    except OSError as error:
        raise OSError(f"{str(path)!r} cannot be written: {error.strerror or error}") from error


def folder(path: Path | None) -> Path | None:
    """Refuse a folder that cannot be made, or is something else."""
    if path is None or path.is_dir():
        return path
    if path.exists():
        raise typer.BadParameter(f"{str(path)!r} is a file; name a folder")
    if not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no directory {str(path.parent)!r}")
    return path


def refuse_to_overwrite(path: Path | None, option: str) -> None:
    """Refuse a file that exists."""
    if path is not None and path.is_file():
        raise typer.BadParameter(f"{str(path)!r} exists; add --force to overwrite it", param_hint=option)
