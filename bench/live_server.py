"""The embedded Live server in a process of its own, so that its CPU time is known.

    python -m bench.live_server        prints its port; then, for each line it is sent, the CPU seconds used so far

A script answers, always the same. Speech is found as ever, and its words are known: the recogniser is a process of its
own, takes utterances one at a time, and is not what is measured.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from gemini_realtime import LiveServer
from gemini_realtime.local.responders.script import Script
from gemini_realtime.local.speech.defaults import DefaultHearing

SCRIPT = """\
replies:
  - when: any
    then:
      - say: It is sunny in London, with a light breeze from the west.
"""


class KnownWords(DefaultHearing):
    """Detects speech and recognises nothing."""

    async def start(self) -> None:
        """There is no process to start."""

    async def transcribe_for(
        self, session: object, pcm16k: bytes, *, phrases: str | None, vocabulary: Sequence[str]
    ) -> str:
        """What is always said."""
        return "what is the weather in london"


def script() -> Script:
    """The mind of the server."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "script.yaml")
        path.write_text(SCRIPT, "utf-8")
        return Script(path)


async def main() -> NoReturn:
    async with LiveServer(responder=script(), hearing=KnownWords()) as server:
        print(urlsplit(server.url).port, flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            print(time.process_time(), flush=True)
    raise SystemExit


if __name__ == "__main__":
    asyncio.run(main())
