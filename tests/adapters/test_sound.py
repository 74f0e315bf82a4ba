"""An agent's sound from a file, and from devices that the test stands in for."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any

from gemini_realtime import AudioDelta, Interrupted, PlaybackStopped
from gemini_realtime.adapters.files import read_wav, write_wav
from gemini_realtime.adapters.sound import DeviceAudioAdapter, FileAudioAdapter
from gemini_realtime.agent import RealtimeAgent
from gemini_realtime.audio.format import OUTPUT_FORMAT
from gemini_realtime.audio.playback import Playback
from gemini_realtime.testing import in_virtual_time
from tests.adapters.test_websocket import Everything, Line


def spoken(ms: int) -> AudioDelta:
    return AudioDelta(delta=b64encode(b"\x10\x00" * (24 * ms)).decode())


class Devices:
    """A microphone that hears 20 ms at a time, and a loudspeaker whose time the test tells."""

    def __init__(self) -> None:
        self.playback = Playback(OUTPUT_FORMAT)

    async def __aenter__(self) -> Devices:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    @property
    async def microphone(self) -> AsyncIterator[bytes]:
        while True:
            yield b"\x01\x00" * 320
            await asyncio.sleep(0.02)

    def play(self, audio: bytes) -> None:
        self.playback.push(audio)

    def sound(self, ms: int) -> None:
        """The loudspeaker sounds for so long."""
        self.playback.take(OUTPUT_FORMAT.bytes_for_ms(ms))


def agent(adapter: Any) -> tuple[RealtimeAgent, Line, Everything]:
    client, log = Line(), Everything()
    return RealtimeAgent(name="test", audio_adapter=adapter, client=client, observers=[log]), client, log  # type: ignore[arg-type]


@in_virtual_time
async def test_the_microphone_is_heard_and_an_interruption_silences_the_loudspeaker() -> None:
    devices = Devices()
    made, client, log = agent(DeviceAudioAdapter(devices))  # type: ignore[arg-type]
    async with made.running():
        client.events.put_nowait(spoken(1000))
        await asyncio.sleep(0.1)
        devices.sound(300)
        client.events.put_nowait(Interrupted())
        client.events.put_nowait(AudioDelta(delta=b64encode(bytes(4800)).decode(), stale=True))
        await asyncio.sleep(0.1)
    assert len(client.audio) >= 10
    assert PlaybackStopped(played_ms=300, unplayed_ms=700) in log.events
    assert devices.playback.idle


@in_virtual_time
async def test_a_muted_microphone_sends_silence() -> None:
    adapter = DeviceAudioAdapter(Devices())  # type: ignore[arg-type]
    adapter.muted = True
    made, client, _ = agent(adapter)
    async with made.running():
        await asyncio.sleep(0.1)
    assert set(client.audio) == {bytes(640)}


@in_virtual_time
async def test_a_file_is_heard_in_real_time_and_the_conversation_recorded(tmp_path: Path) -> None:
    write_wav(tmp_path / "question.wav", b"\x01\x00" * 16_000, 16_000)
    adapter = FileAudioAdapter(tmp_path / "question.wav")
    made, client, log = agent(adapter)
    async with made.running():
        await asyncio.sleep(1.5)
        client.events.put_nowait(spoken(1000))
        await asyncio.sleep(0.5)
        client.events.put_nowait(Interrupted())
        await asyncio.sleep(0.5)
    heard = b"".join(client.audio)
    assert heard[:32_000] == b"\x01\x00" * 16_000
    assert set(heard[32_000:]) == {0}
    (stopped,) = [event for event in log.events if isinstance(event, PlaybackStopped)]
    assert abs(stopped.played_ms - 500) <= 20
    adapter.recording.save(tmp_path / "both.wav")
    both, rate_hz = read_wav(tmp_path / "both.wav")
    assert rate_hz == 24_000
    assert abs(len(both) / 48_000 - 2.5) < 0.1
