from __future__ import annotations

import pytest

from gemini_realtime.audio.format import INPUT_FORMAT, OUTPUT_FORMAT, AudioFormat, Encoding
from gemini_realtime.audio.telephone import FRAME_MS, FromTelephone, ToTelephone
from tests.adapters.sounds import loudness, tone


@pytest.mark.parametrize("encoding", ["mulaw", "alaw", "pcm16"])
@pytest.mark.parametrize("rate_hz", [8000, 16_000])
def test_what_goes_over_the_line_comes_back(encoding: Encoding, rate_hz: int) -> None:
    line = AudioFormat(encoding, rate_hz)
    there, back = ToTelephone(line), FromTelephone(line)
    carried = b"".join([there.push(tone(24_000, 1)) for _ in range(300)])
    carried += there.flush()
    heard = back.push(carried)
    assert INPUT_FORMAT.duration_ms(len(heard)) == pytest.approx(300, abs=FRAME_MS)
    assert line.duration_ms(len(carried)) % FRAME_MS == 0
    assert loudness(heard) > 4000


def test_only_whole_frames_go_out_and_the_rest_is_filled_up_with_silence() -> None:
    line = AudioFormat("mulaw", 8000)
    there = ToTelephone(line)
    pieces = [there.push(bytes(OUTPUT_FORMAT.bytes_for_ms(7))) for _ in range(10)]
    assert {len(piece) for piece in pieces} == {0, 160}
    assert there.flush().endswith(b"\xff" * 10)
    assert there.flush() == b""
