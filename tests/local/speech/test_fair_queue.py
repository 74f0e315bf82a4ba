"""In which order what waits is served."""

from __future__ import annotations

from gemini_realtime.local.speech.fair_queue import FairQueue


def queued(owners: str) -> FairQueue[str]:
    """Items that are named after their owners, and numbered."""
    queue: FairQueue[str] = FairQueue()
    for at, owner in enumerate(owners):
        queue.put(owner, f"{owner}{owners[:at].count(owner)}")
    return queue


def test_who_asks_for_much_keeps_nobody_waiting() -> None:
    assert queued("aaaabc").take(6) == ["a0", "b0", "c0", "a1", "a2", "a3"]


def test_owners_take_turns_from_one_take_to_the_next() -> None:
    queue = queued("aabbcc")
    assert [queue.take(2) for _ in range(4)] == [["a0", "b0"], ["c0", "a1"], ["b1", "c1"], []]


def test_what_is_discarded_is_not_served() -> None:
    queue = queued("aab")
    for owner, item in (("a", "a0"), ("b", "b0"), ("b", "b0"), ("c", "c0")):
        queue.discard(owner, item)
    assert len(queue) == 1
    assert queue.take(3) == ["a1"]
