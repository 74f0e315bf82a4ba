"""Files that a command writes: checked before anything is done for them."""

from __future__ import annotations

from pathlib import Path

import typer


def writable(path: Path | None) -> Path | None:
    """Refuse a file that cannot be written."""
    if path is None:
        return None
    if not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no directory {str(path.parent)!r}")
    is_new = not path.exists()
    try:
        with path.open("ab"):
            pass
    except OSError as error:
        raise typer.BadParameter(f"{str(path)!r} cannot be written: {error.strerror}") from None
    if is_new:
        path.unlink()
    return path


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
