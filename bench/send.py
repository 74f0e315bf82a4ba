"""What does a chunk of microphone audio cost, from the application to the socket?"""

from __future__ import annotations

from bench.contestants import AG2, FLOOR, GOOGLE, LEAST, OURS, OURS_BASE64, SLEEP
from bench.machine import machine, versions
from bench.race import beyond, race
from bench.report import Result, Series

QUESTION = "What does sending 20 ms of microphone audio cost?"
REMARKS = """\
CPU time of the client's process per chunk (640 bytes of PCM), while a reader of its events is waiting, as in an
application: ours and google-genai are given bytes (the `Blob` around them is counted: it is needed each time), AG2 and
ours once more base64 text. Every chunk is sent in a frame of its own and was counted by the other end."""

CONTESTANTS = [OURS, OURS_BASE64, GOOGLE, AG2, LEAST, FLOOR]
BURST = "One after the other"
RIVALS = {GOOGLE: OURS, AG2: OURS_BASE64}
PAUSE_S = 0.002


def answer(rounds: int, *, quick: bool = False) -> Result:
    """Measure chunks sent one after the other, and chunks sent one at a time."""
    burst = Series(BURST, CONTESTANTS, RIVALS)
    title = "One chunk every 2 ms, the sleep between them included"
    paced = Series(title, [*CONTESTANTS, SLEEP], RIVALS, uncompared=[beyond(SLEEP)])
    for _ in range(rounds):
        with race([*CONTESTANTS, SLEEP], quick=quick) as running:
            size = (
                {"warmup": 20, "messages": 50, "cpu_s": 0} if quick else {"warmup": 500, "messages": 1000, "cpu_s": 0.1}
            )
            running.round(burst, "/sink", FLOOR, sampled=True, do="send", pause_s=None, **size)
            size = {"warmup": 1, "messages": 10, "cpu_s": 0} if quick else {"warmup": 50, "messages": 150, "cpu_s": 0}
            running.round(paced, "/sink", SLEEP, sampled=False, do="send", pause_s=PAUSE_S, **size)
    return Result([burst, paced], machine(), versions())
