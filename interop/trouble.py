"""Trouble that a program asks the server for, which is the parent of its process."""

from __future__ import annotations

import os
import signal


def cut() -> None:
    """Let the server cut every connection, without a close frame."""
    os.kill(os.getppid(), signal.SIGUSR1)


def go_away() -> None:
    """Let the server announce that every connection ends."""
    os.kill(os.getppid(), signal.SIGUSR2)
