"""Whether the machine has time for a test whose sound goes on in real time."""

from __future__ import annotations

import os

import pytest


def skip_where_busy() -> None:
    """Skip a test that cannot wait for the machine: somebody speaks, and breaks in after so many seconds."""
    if os.getloadavg()[0] > 3 * (os.cpu_count() or 1):
        pytest.skip("it hears and speaks in real time, and this machine is busy")
