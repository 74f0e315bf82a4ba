from __future__ import annotations

import struct
from itertools import accumulate

import pytest

from gemini_realtime.protocol.audio_ring import STRETCH_MS, AudioRing, is_quiet

PCM = struct.pack("<320h", *range(320))


def spoken(pieces: int, *, ring_s: float = 15.0, start: float = 0.0) -> AudioRing:
    """A ring of pieces of 20 ms, that far apart, numbered from 1."""
    ring = AudioRing(ring_s)
    ring.session_ready(0.0)
    for place in range(pieces):
        ring.sent(place + 1, place + 1, PCM, 16000, 20.0, start + place * 0.02)
    return ring


def test_what_is_sent_again_is_what_was_sent() -> None:
    ring = spoken(100)
    last = ring.resend(None, new_session=True)
    pieces = ring.waiting(last)
    assert [piece.number for piece in pieces] == list(range(1, 101))
    assert {piece.pcm for piece in pieces} == {PCM}
    assert [piece.start_ms for piece in pieces] == pytest.approx([20.0 * place for place in range(100)])


def test_pieces_of_one_kind_cost_little_more_than_their_samples() -> None:
    ring = spoken(500)
    assert len(ring._sent) == pytest.approx(500 * 20.0 / STRETCH_MS)
    assert all(len(stretch.pcm) == 1 for stretch in list(ring._sent)[:-1])


@pytest.mark.parametrize("ring_s", [15.0, 2.0])
def test_pieces_of_any_size_cost_as_little_and_come_back_as_they_were(ring_s: float) -> None:
    given = [bytes([place % 256]) * 2 * (300 + place % 40) for place in range(500)]  # as resamplers give them
    starts_ms = [0.0, *accumulate(len(pcm) / 32 for pcm in given)]
    ring = AudioRing(ring_s)
    ring.session_ready(0.0)
    for place, pcm in enumerate(given):
        ring.sent(place + 1, place + 1, pcm, 16000, len(pcm) / 32, place * 0.02)
    kept_ms = min(ring_s * 1000, starts_ms[-1])
    assert len(ring._sent) <= kept_ms / STRETCH_MS * 1.1 + 2
    pieces = ring.waiting(ring.resend(None, new_session=True))
    kept = len(pieces)
    assert [piece.pcm for piece in pieces] == given[-kept:]
    assert [piece.start_ms for piece in pieces] == pytest.approx(starts_ms[500 - kept : 500])
    dropped = [ms for ms, _ in iter(ring.take_dropped, None)]
    assert sum(dropped) == pytest.approx(starts_ms[500 - kept], abs=2)
    assert sum(piece.duration_ms for piece in pieces) >= kept_ms - 30


@pytest.mark.parametrize("change", ["rate", "between"])
def test_pieces_of_another_kind_are_kept_apart(change: str) -> None:
    ring = spoken(3)
    if change == "between":
        ring.interrupt()
    rate_hz = 8000 if change == "rate" else 16000
    ring.sent(4, 5 if change == "between" else 4, PCM, rate_hz, len(PCM) * 500 / rate_hz, 1.0)
    pieces = ring.waiting(ring.resend(None, new_session=True))
    assert [piece.number for piece in pieces] == [1, 2, 3, 4]
    assert (pieces[3].pcm, pieces[3].rate_hz) == (PCM, rate_hz)


def test_the_oldest_is_forgotten_and_missed_only_after_a_loss() -> None:
    ring = spoken(500, ring_s=2.0)
    assert ring.take_dropped() is None
    ring.resend(None, new_session=True)
    assert ring.take_dropped() is not None


def test_a_handle_and_an_answer_take_what_they_hold_out_of_the_middle_too() -> None:
    ring = spoken(100)
    ring.saved(ring.last_sent_by(0.19))
    ring.answered(30, ring.last_sent_by(0.99))
    pieces = ring.waiting(ring.resend(None, new_session=False))
    assert [piece.number for piece in pieces] == [*range(11, 31), *range(51, 101)]


def test_what_may_have_been_heard_is_in_doubt() -> None:
    ring = spoken(10)
    ring.doubt(0.03, 0.09)
    pieces = ring.waiting(ring.resend(0.0, new_session=False))
    assert [piece.number for piece in pieces if piece.uncertain] == [1, 3, 4, 5]


def test_pieces_are_found_by_time_and_by_the_count_of_messages() -> None:
    ring = spoken(10)
    assert (ring.first_sent_after(0.05), ring.last_sent_by(0.05), ring.last_with_index(7)) == (4, 3, 7)
    assert (ring.first_sent_after(9.0), ring.last_sent_by(-1.0), ring.last_with_index(0)) == (None, 0, 0)


@pytest.mark.parametrize("cause", ["not begun", "no connection", "stalled"])
def test_audio_is_dropped_for_the_reason_it_waits_for(cause: str) -> None:
    ring = AudioRing(1.0)
    if cause != "not begun":
        ring.session_ready(0.0)
    if cause == "no connection":
        ring.connection_lost()
    for number in range(200_000 // 20):
        ring.add(number, PCM, 16000, 20.0, 0.0)
    dropped = ring.take_dropped()
    assert dropped is not None
    assert dropped[1] == cause
    assert ring.take_dropped() is None


def test_what_was_dropped_for_two_reasons_is_told_apart() -> None:
    ring = AudioRing(0.1)
    ring.session_ready(0.0)
    for number in range(10):
        ring.add(number, PCM, 16000, 20.0, 0.0)
    ring.connection_lost()
    for number in range(10, 20):
        ring.add(number, PCM, 16000, 20.0, 0.0)
    assert [ring.take_dropped(), ring.take_dropped(), ring.take_dropped()] == [
        (100, "stalled"), (200, "no connection"), None,
    ]  # fmt: skip


def test_silence_is_told_from_speech() -> None:
    assert is_quiet([])
    assert is_quiet([struct.pack("<3h", 0, 300, -300), b"\0"])
    assert not is_quiet([struct.pack("<h", 0), struct.pack("<2h", 300, -9000)])
