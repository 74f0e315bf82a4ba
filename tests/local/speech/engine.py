"""An engine that needs nothing, for the tests of what runs engines."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from gemini_realtime.local.speech.worker_program import Message, UnfitError


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
            case {"variable": name}:
                return {"value": os.environ.get(name)}, body
        return head, body[::-1]


class Together:
    """Does the same for several at once, begins with the last, and says how many there were."""

    def answer_all(self, requests: Sequence[Message]) -> Iterator[tuple[int, Message]]:
        for place in reversed(range(len(requests))):
            head, body = Echo().answer(*requests[place])
            yield place, Message({**head, "of": len(requests)}, body)


def load(
    *, dies: bool = False, unfit: str = "", damaged: str = "", loads_s: float = 0.0, together: bool = False
) -> Echo | Together:
    """Make the engine."""
    time.sleep(loads_s)
    if dies:
        sys.exit(1)
    if damaged:
        raise OSError(damaged)
    if unfit:
        raise UnfitError(unfit, "try another")
    return Together() if together else Echo()
