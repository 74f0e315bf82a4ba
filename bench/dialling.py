"""How long does it take to connect, to resume, and to fall silent?"""

from __future__ import annotations

from bench.contestants import AG2, GOOGLE, OURS
from bench.machine import machine, versions
from bench.race import race
from bench.report import Result, Series

QUESTION = "How long does it take to connect, to resume, and to fall silent?"
REMARKS = """\
On one machine, so without the time that a network takes. From making the client until the session is confirmed; from a
lost connection until the session goes on, which AG2 and google-genai leave to the application; from the message that
interrupts the model until the agent's audio adapter tells the loudspeaker to stop."""

SIDES = [OURS, GOOGLE, AG2]


def answer(rounds: int, *, quick: bool = False) -> Result:
    """Dial, and dial again; lose connections; interrupt."""
    times = 2 if quick else 50
    series = Series(f"Medians of {times}", SIDES, {GOOGLE: OURS, AG2: OURS})
    for _ in range(rounds):
        with race(SIDES, quick=quick) as running:
            for name in running.contestants:
                columns = {}
                for scheme in ("ws", "wss") if running.has_tls else ("ws",):
                    dialled = running.measure(name, "/silent", do="dial", times=times, scheme=scheme)
                    over = "" if scheme == "ws" else " over TLS"
                    columns[f"session confirmed{over}, ms"] = dialled["ms"]
                    columns[f"CPU of that{over}, ms"] = dialled["cpu_ms"]
                if name == OURS:
                    cut = running.measure(name, "/cut", do="cut", times=max(1, times // 5))
                    silent = running.measure(name, "/interrupt", do="interrupt", times=max(1, times // 5))
                    columns |= {"resumed after a loss, ms": cut["ms"], "told to be silent, ms": silent["ms"]}
                series.add(name, columns)
    return Result([series], machine(), versions())
