from __future__ import annotations

import pytest

from gemini_realtime.audio.rates import SteadyRate


def test_pieces_at_the_rate_itself_pass_as_they_are() -> None:
    assert SteadyRate(24_000).push(b"abcd", 24_000) == b"abcd"


def test_a_stream_whose_rate_changes_comes_at_one_rate_and_in_order() -> None:
    steady = SteadyRate(24_000)
    loud, half = b"\x00\x40", b"\x00\x20"
    heard = steady.push(loud * 1600, 16_000) + steady.push(half * 800, 8000) + steady.push(loud * 2400, 24_000)
    assert len(heard) == pytest.approx(3 * 4800, abs=8)
    assert heard[2400:2402] == loud
    assert heard[7200:7202] == half
    assert heard[-4800:] == loud * 2400
