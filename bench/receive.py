"""What does a message of model audio cost, from the socket until the application has it?"""

from __future__ import annotations

from bench.contestants import AG2, FLOOR, GOOGLE, LEAST, OURS, OURS_BASE64
from bench.machine import machine, versions
from bench.race import beyond, race
from bench.report import Result, Series

QUESTION = "What does receiving 40 ms of model audio cost?"
REMARKS = """\
CPU time of the client's process per message (1,920 bytes of PCM in the service's indented JSON, in binary frames over
loopback), from the socket until the application holds the audio: as bytes (our `event.audio`, google-genai's
`part.inline_data.data`), or as base64 text (`event.delta` of AG2 and, for comparison, ours)."""

CONTESTANTS = [OURS, OURS_BASE64, GOOGLE, AG2, LEAST, FLOOR]
BURST = "As fast as the client reads"
RIVALS = {GOOGLE: OURS, AG2: OURS_BASE64}
SIZES = [640, 3_840, 11_520]
"""Bytes of audio: as telephone services chunk it, and 80 and 240 ms of the model's."""


def answer(rounds: int, *, quick: bool = False) -> Result:
    """Measure messages that come as fast as they are read, and messages that come one at a time."""
    burst = Series(BURST, CONTESTANTS, RIVALS)
    sizes = Series("The same by how much audio a message holds, CPU time in µs", CONTESTANTS, RIVALS)
    paced = Series(
        "One message about every 2 ms, each waking an idle process", CONTESTANTS, RIVALS, uncompared=[beyond(FLOOR)]
    )
    for _ in range(rounds):
        with race(CONTESTANTS, quick=quick) as running:
            size = (
                {"warmup": 20, "messages": 50, "cpu_s": 0} if quick else {"warmup": 500, "messages": 1000, "cpu_s": 0.1}
            )
            running.round(burst, "/burst", FLOOR, sampled=True, do="receive", **size)
            for name in running.contestants:
                taken = {
                    audio_bytes: running.measure(name, f"/burst-{audio_bytes}", do="receive", **size)
                    for audio_bytes in SIZES
                }
                columns = {f"{size:,} bytes": each["cpu_s"] / each["messages"] * 1e6 for size, each in taken.items()}
                sizes.add(name, columns)
            size = {"warmup": 1, "messages": 10, "cpu_s": 0} if quick else {"warmup": 50, "messages": 150, "cpu_s": 0}
            running.round(paced, "/paced", FLOOR, sampled=False, do="receive", **size)
    return Result([burst, sizes, paced], machine(), versions())
