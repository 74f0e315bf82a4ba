"""Both sides on one timeline."""

from __future__ import annotations

import base64
from array import array
from typing import Any

from gemini_realtime.recordings.stereo import Stereo

RATE_HZ = 24_000


def tone(ms: int, rate_hz: int) -> str:
    half = rate_hz // 1000
    wave = (b"\x00\x20" * half + b"\x00\xe0" * half) * (ms // 2)
    return base64.b64encode(wave).decode()


def user(ms: int, rate_hz: int = 16_000) -> dict[str, Any]:
    return {"realtimeInput": {"audio": {"mimeType": f"audio/pcm;rate={rate_hz}", "data": tone(ms, rate_hz)}}}


def model(ms: int, **more: Any) -> dict[str, Any]:
    blob = {"mimeType": "audio/pcm;rate=24000", "data": tone(ms, RATE_HZ)}
    return {"serverContent": {"modelTurn": {"parts": [{"inlineData": blob}]}, **more}}


def heard(stereo: Stereo, until_ms: float) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """When each side is loud, in tenths of a second."""
    samples = array("h", b"".join((*stereo.take(until_ms), *stereo.end(until_ms))))
    return _loud(samples[0::2]), _loud(samples[1::2])


def _loud(side: array[int]) -> list[tuple[int, int]]:
    tenth = RATE_HZ // 10
    tenths = (side[at : at + tenth] for at in range(0, len(side) - tenth + 1, tenth))
    loud = [sum(sample > 1000 for sample in samples) > tenth // 4 for samples in tenths]
    begins = [at for at, now in enumerate(loud) if now and not (at and loud[at - 1])]
    ends = [at + 1 for at, now in enumerate(loud) if now and not (at + 1 < len(loud) and loud[at + 1])]
    return list(zip(begins, ends, strict=True))


def test_the_user_is_heard_until_the_sound_was_sent_and_the_model_from_when_it_comes() -> None:
    stereo = Stereo()
    stereo.add(1000, 1, "client", user(500))
    stereo.add(2000, 1, "server", model(300))
    stereo.add(2010, 1, "server", model(300))  # faster than it is heard
    assert heard(stereo, 3000) == ([(5, 10)], [(20, 26)])


def test_what_was_not_heard_when_it_was_interrupted_is_taken_away() -> None:
    stereo = Stereo()
    stereo.add(1000, 1, "server", model(1000))
    stereo.add(1300, 1, "server", {"serverContent": {"interrupted": True}})
    stereo.add(1400, 1, "server", model(300))  # late, and of the answer that was cut off
    stereo.add(1500, 1, "server", {"serverContent": {"turnComplete": True}})
    stereo.add(2000, 1, "server", model(200))
    assert heard(stereo, 3000)[1] == [(10, 13), (20, 22)]


def test_pieces_that_come_unevenly_join_one_another() -> None:
    stereo = Stereo()
    for number, late_ms in enumerate([0, 40, 10, 70, 0]):
        stereo.add(1000 + 100 * number + late_ms, 1, "client", user(100))
    assert heard(stereo, 3000)[0] == [(9, 14)]


def test_any_rate_is_heard_as_long_as_it_is() -> None:
    for rate_hz in (8_000, 24_000, 48_000):
        stereo = Stereo()
        stereo.add(1000, 1, "client", user(400, rate_hz))
        assert heard(stereo, 1500)[0] == [(6, 10)]


def test_what_is_sent_again_was_said_once() -> None:
    stereo = Stereo()
    stereo.add(1000, 1, "client", user(400))
    stereo.add(2000, 2, "client", user(400))
    assert heard(stereo, 3000)[0] == [(6, 10)]


def test_minutes_of_silence_are_given_out_in_blocks() -> None:
    stereo = Stereo()
    blocks = [len(block) for block in stereo.take(360_000)]
    assert max(blocks) <= 4 * RATE_HZ
    assert sum(blocks) > 4 * RATE_HZ * 358


def test_what_is_no_sound_is_none() -> None:
    stereo = Stereo()
    odd_items: list[Any] = [3, {"audio": {"data": "?"}}, {"mediaChunks": 3}]
    for odd in ({}, *({"realtimeInput": item} for item in odd_items)):
        stereo.add(10, 1, "client", odd)
    for odd in ({"serverContent": 3}, {"serverContent": {"modelTurn": {"parts": [3]}}}, model(100, modelTurn=None)):
        stereo.add(10, 1, "server", odd)
    assert heard(stereo, 1000) == ([], [])
