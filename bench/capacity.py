"""How many conversations fit on a core before audio comes late?"""

from __future__ import annotations

from bench.contestants import AG2, FLOOR, GOOGLE, OURS, OURS_DISPATCH
from bench.machine import machine, versions
from bench.race import race
from bench.report import Result, Series

QUESTION = "How many conversations fit on a core before audio comes late?"
REMARKS = """\
The same conversations, more and more of them, until in 1.2 seconds, twice in a row, more than 1 % of the audio is late
by over 10 ms, or less than 97 % of it arrives. The largest number that is in time counts, to within 8 %. The other end
has the other core, and may be too slow before the client is: how much of its own core the client took, is said too."""

LATE_MS = 10.0
FITS, BUSY = "conversations in time", "of a core they take, %"
SIDES = [FLOOR, OURS, OURS_DISPATCH, AG2, GOOGLE]
MEASURED_S = 1.2
FIRST, MOST = 40, 700


def answer(rounds: int, *, quick: bool = False) -> Result:
    """Let every side grow, in turns; more is better here."""
    series = Series("In one process", SIDES, {AG2: OURS, GOOGLE: OURS, FLOOR: OURS})
    size = {"sessions": 2, "most": 3, "measured_s": 0.2} if quick else {"sessions": FIRST, "most": MOST}
    for _ in range(rounds):
        with race(SIDES, quick=quick) as running:
            for name in running.contestants:
                how = {"measured_s": MEASURED_S, "late_ms": LATE_MS} | size
                grown = running.measure(name, "/talk", do="grow", **how)
                series.add(name, {FITS: grown["sessions"], BUSY: grown["core_percent"]})
    return Result([series], machine(), versions())
