"""How much memory does a session take?"""

from __future__ import annotations

from bench.contestants import AG2, GOOGLE, OURS
from bench.machine import machine, versions
from bench.race import race
from bench.report import Result, Series

QUESTION = "How much memory does a session take?"
REMARKS = """\
Resident memory of the client's process: with its package imported and one session open, and what each further session
adds to it. The sessions are set up and idle; memory of the kernel is not counted."""


CONTESTANTS = [OURS, GOOGLE, AG2]


def answer(rounds: int, *, quick: bool = False) -> Result:
    """Open idle sessions, a new process for each round: a process does not give memory back."""
    series = Series("Idle sessions in one process", CONTESTANTS, {GOOGLE: OURS, AG2: OURS})
    sessions = 3 if quick else 50
    for _ in range(rounds):
        with race(CONTESTANTS) as running:
            for name in running.contestants:
                held = running.measure(name, "/sink", do="hold", sessions=sessions)
                series.add(
                    name,
                    {
                        "process with one session, MB": held["process_bytes"] / 1e6,
                        f"each further one (of {sessions}), kB": held["session_bytes"] / 1e3,
                    },
                )
    return Result(QUESTION, [series], machine(), versions(), REMARKS)
