from __future__ import annotations

import asyncio
import wave
from pathlib import Path

import pytest

from gemini_realtime.adapters.devices import MicrophoneQueue, SoundDevice
from gemini_realtime.adapters.files import Recording
from gemini_realtime.cli.sounding import CHUNK_BYTES, LiveVoice, Loudspeaker, Tape, sample_question
from gemini_realtime.testing import run_in_virtual_time as run

LOUD = b"\x00\x40" * (CHUNK_BYTES // 2)


async def chunks_with_times(voice: LiveVoice, count: int) -> list[tuple[float, bytes]]:
    heard: list[tuple[float, bytes]] = []
    async for chunk in voice:
        heard.append((round(asyncio.get_running_loop().time() * 1000), chunk))
        if len(heard) == count:
            break
    return heard


def test_the_sample_question_is_there() -> None:
    assert isinstance(sample_question(), Recording)


def test_a_live_voice_begins_when_somebody_listens() -> None:
    async def main() -> list[tuple[float, bytes]]:
        microphone = MicrophoneQueue()
        microphone.put(LOUD)
        asyncio.get_running_loop().call_later(0.5, microphone.put, bytes(CHUNK_BYTES))
        return await chunks_with_times(LiveVoice(microphone), 1)

    assert run(main()) == [(500, bytes(CHUNK_BYTES))]


def test_a_loudspeaker_is_silent_when_all_it_was_given_has_been_heard() -> None:
    loudspeaker = Loudspeaker(None, None)
    loudspeaker.play(bytes(48 * 1000), at_ms=500)
    loudspeaker.play(bytes(48 * 100), at_ms=600)
    assert loudspeaker.silent_at_ms == 1600
    loudspeaker.play(bytes(48 * 100), at_ms=5000)
    assert loudspeaker.silent_at_ms == 5100


def test_what_the_device_still_holds_is_waited_for() -> None:
    class Device(SoundDevice):
        latency_ms = 60.0

        def __init__(self) -> None:
            self.played = b""

        def play(self, audio: bytes) -> None:
            self.played += audio

    loudspeaker = Loudspeaker(device := Device(), None)
    loudspeaker.play(bytes(48 * 100), at_ms=500)
    assert len(device.played) == 48 * 100
    assert loudspeaker.silent_at_ms == 600 + 60 + 20


def test_a_loudspeaker_keeps_what_was_heard(tmp_path: Path) -> None:
    loudspeaker = Loudspeaker(None, None)
    loudspeaker.play(bytes(48 * 1000), at_ms=0)
    loudspeaker.flush(at_ms=300)
    loudspeaker.flush(at_ms=400)
    loudspeaker.play(bytes(48 * 100), at_ms=2000)
    loudspeaker.save(tmp_path / "a.wav")
    with wave.open(str(tmp_path / "a.wav")) as reader:
        assert (reader.getnframes(), reader.getframerate(), reader.getnchannels()) == (24 * 400, 24_000, 1)


def test_uneven_arrival_leaves_no_holes_in_the_users_voice(tmp_path: Path) -> None:
    tape = Tape()
    for n, late_ms in enumerate((0, 7, 0, 15, 3)):
        tape.user(LOUD, at_ms=1000 + 20 * n + late_ms)
    tape.recording.save(tmp_path / "c.wav")
    with wave.open(str(tmp_path / "c.wav")) as reader:
        left = reader.readframes(reader.getnframes())[::4]
        frames = reader.getnframes()
    assert frames == pytest.approx(24 * 1080, abs=80)  # 980 ms of silence, then five chunks; the resampler lags 2 ms
    assert len(left) == frames
