"""An engine that needs nothing, for the tests of what runs engines."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from gemini_realtime.local.speech.worker_program import UnfitError


class Echo:
    """Says again what it is told, and does what it is told."""

    def answer(self, head: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        """Answer, at once or late, refuse, print or die."""
        match head:
            case {"refuse": why}:
                raise ValueError(why)
            case {"die": status}:
                os._exit(status)
            case {"takes_s": seconds}:
                time.sleep(seconds)
            case {"print": text}:
                print(text)
        return head, body[::-1]


def load(*, dies: bool = False, unfit: str = "", loads_s: float = 0.0) -> Echo:
    """Make the engine."""
    time.sleep(loads_s)
    if dies:
        sys.exit(1)
    if unfit:
        raise UnfitError(unfit, "try another")
    return Echo()
