"""An agent's sound from a file, and from devices that the test stands in for."""

from __future__ import annotations

import asyncio
import threading
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from gemini_realtime import (
    AudioDelta,
    AudioTruncated,
    ConfigError,
    ConversationLog,
    GeminiRealtimeError,
    Interrupted,
    LiveServer,
    NotConnectedError,
    PlaybackStopped,
    TurnComplete,
)
from gemini_realtime.adapters.devices import MicrophoneQueue
from gemini_realtime.adapters.files import read_wav, write_audio, write_wav
from gemini_realtime.adapters.sound import DeviceAudioAdapter, FileAudioAdapter
from gemini_realtime.agent import RealtimeAgent
from gemini_realtime.audio.format import OUTPUT_FORMAT
from gemini_realtime.audio.playback import Playback
from gemini_realtime.testing import ScriptedService, in_virtual_time, speech_from_text
from tests.adapters.test_websocket import Everything, Line
from tests.loop import until

soundfile = pytest.importorskip("soundfile", reason="the extra [audio]")


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

    def flush(self) -> tuple[float, float]:
        return self.playback.played_ms, self.playback.flush()

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
async def test_truncating_silences_the_loudspeaker_for_the_rest_of_the_answer() -> None:
    devices = Devices()
    made, client, log = agent(DeviceAudioAdapter(devices))  # type: ignore[arg-type]
    async with made.running():
        for event in (spoken(1000), AudioTruncated(audio_end_ms=0), spoken(500), Interrupted()):
            client.events.put_nowait(event)
        await asyncio.sleep(0.1)
        assert devices.playback.idle
        assert [event for event in log.events if isinstance(event, PlaybackStopped)] == [
            PlaybackStopped(played_ms=0, unplayed_ms=1000)
        ]
        client.events.put_nowait(TurnComplete(interrupted=True))
        client.events.put_nowait(spoken(200))
        await asyncio.sleep(0.1)
        assert devices.playback.queued_ms == 200


@in_virtual_time
async def test_truncating_an_answer_that_only_plays_on_leaves_the_next_one_alone() -> None:
    devices = Devices()
    made, client, _ = agent(DeviceAudioAdapter(devices))  # type: ignore[arg-type]
    async with made.running():
        for event in (spoken(1000), TurnComplete(), AudioTruncated(audio_end_ms=0), spoken(200)):
            client.events.put_nowait(event)
        await asyncio.sleep(0.1)
        assert devices.playback.queued_ms == 200


@in_virtual_time
async def test_a_muted_microphone_sends_silence() -> None:
    adapter = DeviceAudioAdapter(Devices())  # type: ignore[arg-type]
    adapter.muted = True
    made, client, _ = agent(adapter)
    async with made.running():
        await asyncio.sleep(0.1)
    assert set(client.audio) == {bytes(640)}


class Held(Devices):
    """A microphone that the test holds in hand."""

    microphone: Any = None

    def __init__(self) -> None:
        super().__init__()
        self.microphone = MicrophoneQueue()


@in_virtual_time
async def test_what_is_said_while_a_key_is_held_is_one_question() -> None:
    service, devices = ScriptedService(), Held()
    adapter = DeviceAudioAdapter(devices, push_to_talk=True)  # type: ignore[arg-type]
    talking = RealtimeAgent(name="test", audio_adapter=adapter, client=service.client(model="gemini-3.8-live"))

    async def hear(byte: int) -> None:
        devices.microphone.put(bytes([byte]) * 640)
        await asyncio.sleep(0.02)

    async with talking.running():
        await hear(1)
        await adapter.press()
        await adapter.press()
        await hear(2)
        await adapter.release()
        await adapter.release()
        await hear(3)
    (setup, *said) = [message.get("setup") or message["realtimeInput"] for message in service.received]
    assert setup["realtimeInputConfig"]["automaticActivityDetection"] == {"disabled": True}
    assert [next(iter(one)) for one in said] == ["activityStart", "audio", "activityEnd"]
    assert b64decode(said[1]["audio"]["data"]) == b"\2" * 640


async def test_a_key_means_nothing_where_the_service_listens_itself() -> None:
    with pytest.raises(ConfigError, match="push_to_talk=True"):
        await DeviceAudioAdapter(Devices()).press()  # type: ignore[arg-type]


@in_virtual_time
async def test_a_file_is_heard_in_real_time_and_the_conversation_recorded(tmp_path: Path) -> None:
    write_wav(tmp_path / "question.wav", b"\x01\x00" * 16_000, 16_000)
    adapter = FileAudioAdapter(tmp_path / "question.wav", record_to=tmp_path / "both.wav")
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
    both, rate_hz = read_wav(tmp_path / "both.wav")
    assert rate_hz == 24_000
    assert abs(len(both) / 48_000 - 2.5) < 0.1


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("missing/call.wav", "No such file or directory → name a file in a folder"),
        ("", "it is a folder"),
        ("call.sound", "no format has the ending '.sound' → use .wav"),
    ],
)
def test_a_recording_that_cannot_be_written_is_refused_before_the_conversation(
    name: str, told: str, tmp_path: Path
) -> None:
    write_wav(tmp_path / "question.wav", bytes(640), 16_000)
    with pytest.raises(GeminiRealtimeError, match=told):
        FileAudioAdapter(tmp_path / "question.wav", record_to=tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["question.wav"]


@in_virtual_time
async def test_an_agent_hears_a_recording_and_silence_after_it(tmp_path: Path) -> None:
    write_wav(tmp_path / "question.wav", b"\x01\x00" * 16_000, 16_000)
    made, client, _ = agent(None)
    with pytest.raises(NotConnectedError, match="run the agent first"):
        await made.hear(tmp_path / "question.wav")
    async with made.running():
        await made.hear(tmp_path / "question.wav", silence_ms=500)
        assert len(client.audio) == 75  # pieces of 20 ms
        await made.hear(tmp_path / "question.wav", real_time=False, silence_ms=0)
    heard = b"".join(client.audio)
    assert heard[: 2 * 24_000] == b"\x01\x00" * 16_000 + bytes(16_000)
    assert heard[2 * 24_000 :].startswith(b"\x01\x00" * 16_000)


@in_virtual_time
async def test_the_conversation_goes_on_while_a_recording_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_wav(tmp_path / "question.wav", b"\x01\x00" * 16_000, 16_000)
    reading, goes_on = threading.Event(), threading.Event()

    def read_slowly(path: Path) -> tuple[bytes, int]:
        reading.set()
        assert goes_on.wait(30)
        return read_wav(path)

    monkeypatch.setattr("gemini_realtime.adapters.files.read_audio", read_slowly)
    made, client, log = agent(None)
    async with made.running():
        hearing = asyncio.create_task(made.hear(tmp_path / "question.wav", silence_ms=0))
        await until(reading.is_set)
        client.events.put_nowait(TurnComplete())
        await until(lambda: any(isinstance(event, TurnComplete) for event in log.events))
        goes_on.set()
        await hearing
    assert b"".join(client.audio).startswith(b"\x01\x00" * 16_000)


@in_virtual_time
async def test_a_recording_takes_the_place_of_the_microphone(tmp_path: Path) -> None:
    write_wav(tmp_path / "question.wav", b"\x02\x00" * 16_000, 16_000)
    made, client, _ = agent(DeviceAudioAdapter(Devices()))  # type: ignore[arg-type]
    async with made.running():
        await asyncio.sleep(0.1)
        before = len(client.audio)
        await made.hear(tmp_path / "question.wav", silence_ms=0)
        heard = b"".join(client.audio[before:])
        await asyncio.sleep(0.1)
    recording = heard[heard.index(b"\x02\x00") :]  # until the file has been read there is the microphone
    assert recording.startswith(b"\x02\x00" * 16_000)
    assert b"\x01\x00" not in recording
    assert client.audio[-1] == b"\x01\x00" * 320


async def test_a_recorded_question_is_answered_and_the_conversation_recorded(tmp_path: Path) -> None:
    pytest.importorskip("hibari", reason="the question is spoken: it needs the extra [local]")
    question = tmp_path / "question.flac"
    write_audio(question, speech_from_text("What is two plus two?", rate_hz=44_100), 44_100)
    log = ConversationLog()
    adapter = FileAudioAdapter(question, record_to=tmp_path / "both.flac")
    async with LiveServer() as server, asyncio.timeout(60):
        host = RealtimeAgent(name="host", audio_adapter=adapter, llm_config=server.llm_config(), observers=[log])
        async with host.running():
            answer = await log.next_answer()
            await until(lambda: adapter._playback.idle)  # it came faster than it sounds
    assert "four" in answer.said.lower()
    both, rate_hz = soundfile.read(tmp_path / "both.flac")
    assert both.shape[1] == 2
    loud = [[at for at in range(0, len(side), 480) if abs(side[at : at + 480]).max() > 0.02] for side in both.T]
    assert loud[0][0] < loud[1][0]  # the answer sounds after the question has begun
    assert loud[0][-1] - 0.3 * rate_hz < loud[1][0]
