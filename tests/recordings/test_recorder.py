"""A recorder: what is on the disk while a conversation goes on, when it is over, and when it went wrong."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import signal
import stat
import subprocess
import sys
import wave
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gemini_realtime import ConfigError, GeminiRealtimeClient, TurnComplete, VoiceHealth
from gemini_realtime.recordings import ConversationRecording, Recorder, RecordingOptions
from gemini_realtime.recordings import folder as folders
from gemini_realtime.recordings.lines import Closed
from gemini_realtime.recordings.recorder import AFTERMATH_S, written
from gemini_realtime.testing import in_virtual_time
from gemini_realtime.transport.memory import MemoryService
from tests.loop import settle, until

KEY = "AIza-not-a-real-key"
CONFIG = {"config_list": [{"model": "gemini-3.8-live", "api_key": KEY, "reconnect": {"jitter": lambda: 0.0}}]}
HANDLE = "a-handle-that-opens-the-session"
TONE = (b"\x00\x40" * 16 + b"\x00\xc0" * 16) * 10
SPEECH = base64.b64encode(b"\x01\x02\x03\x04").decode()


def says(words: str) -> dict[str, Any]:
    return {"serverContent": {"outputTranscription": {"text": words}, "turnComplete": True}}


def frames(recording: ConversationRecording) -> list[tuple[str, str]]:
    return [(line.sender, next(iter(line.parsed()), "")) for _, line in recording.lines() if line.sender is not None]


def recordings_in(folder: Path) -> list[ConversationRecording]:
    return [ConversationRecording(path) for path in sorted(folder.iterdir())]


@asynccontextmanager
async def talking(client: GeminiRealtimeClient) -> AsyncIterator[list[str]]:
    """A conversation whose events are read in the background; gives their types."""
    happened: list[str] = []

    async def read() -> None:
        async for event in client.read_events():
            happened.append(event.type)

    async with client.connect():
        reading = asyncio.create_task(read())
        await settle()
        try:
            yield happened
        finally:
            reading.cancel()


async def recorded(to: RecordingOptions | Path) -> ConversationRecording:
    """A conversation with speech, words, a handle, and a connection that breaks."""
    service = MemoryService()
    client = GeminiRealtimeClient(llm_config=CONFIG, dial=service.dial)
    client.record(to)
    await client.session_update({"instructions": "Be kind."})
    async with talking(client) as happened:
        assert client.recorder is not None
        await client.send_audio(TONE)
        await settle()
        service.say({"sessionResumptionUpdate": {"newHandle": HANDLE, "resumable": True}})
        audio = {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": SPEECH}}
        service.say({"serverContent": {"modelTurn": {"parts": [audio]}}})
        service.say(says("Hello there."))
        await settle()
        service.end(1006)
        await until(lambda: "session.resumed" in happened)
    assert client.recorder is None
    return ConversationRecording(to if isinstance(to, Path) else str(to.folder))


async def test_a_conversation_is_recorded_over_all_its_connections(tmp_path: Path) -> None:
    recording = await recorded(tmp_path)
    lines = [line for _, line in recording.lines()]
    assert frames(recording)[:2] == [("client", "setup"), ("server", "setupComplete")]
    assert [line.connection for line in lines if line.opened] == [1, 2]
    ends = [(line.closed.code, line.closed.by) for line in lines if line.closed is not None]
    assert ends == [(1006, "server"), (1000, "client")]
    told = [line.event["type"] for line in lines if line.event is not None]
    assert told == ["session.connection_lost", "session.resumed"]
    assert [line.ms for line in lines] == sorted(line.ms for line in lines)
    assert recording.manifest["side"] == "client"
    assert recording.manifest["versions"].keys() == {"gemini_realtime", "python", "platform"}


async def test_a_recording_holds_neither_key_nor_handle_and_says_what_was_resumed(tmp_path: Path) -> None:
    recording = await recorded(tmp_path)
    written = b"".join(file.read_bytes() for file in recording.path.iterdir())
    assert KEY.encode() not in written
    assert HANDLE.encode() not in written
    setups = [line.parsed()["setup"] for _, line in recording.lines() if b'"setup"' in bytes(line.frame)[:10]]
    assert [setup["sessionResumption"].get("handle") for setup in setups] == [None, "handle-1"]


async def test_audio_can_be_left_out(tmp_path: Path) -> None:
    recording = await recorded(RecordingOptions(tmp_path, audio=False))
    written = recording.frames_path.read_text("utf-8")
    assert base64.b64encode(TONE).decode() not in written
    assert SPEECH not in written
    assert "Hello there." in written
    assert not recording.audio_path.exists()
    assert recording.manifest["left_out"] == ["audio"]


async def test_text_can_be_left_out(tmp_path: Path) -> None:
    recording = await recorded(RecordingOptions(tmp_path, text=False))
    written = recording.frames_path.read_text("utf-8")
    assert "Hello" not in written
    assert "kind" not in written.replace('"kind":', "")
    assert SPEECH in written
    assert ("server", "serverContent") in frames(recording)


async def test_both_sides_are_heard_in_stereo(tmp_path: Path) -> None:
    recording = await recorded(tmp_path)
    with wave.open(str(recording.audio_path), "rb") as audio:
        assert (audio.getnchannels(), audio.getframerate()) == (2, 24_000)
        assert audio.getnframes() >= 480


def test_what_was_said_a_moment_ago_is_on_the_disk(tmp_path: Path) -> None:
    """A process that is killed leaves behind what it had recorded a second before, sound included."""
    program = """
import asyncio, sys
from gemini_realtime import GeminiRealtimeClient
from gemini_realtime.transport.memory import MemoryService

async def main():
    service = MemoryService()
    client = GeminiRealtimeClient(llm_config={"config_list": [{"model": "m", "api_key": "k"}]}, dial=service.dial)
    client.record(sys.argv[1])
    async with client.connect():
        events = client.read_events()
        await anext(events)
        for number in range(10_000):
            await client.send_audio((b"\\x00\\x40" * 16 + b"\\x00\\xc0" * 16) * 10)
            service.say({"serverContent": {"outputTranscription": {"text": f"word {number}"}}})
            if number in (100, 200):
                print(number, flush=True)
            await asyncio.sleep(0.01)

asyncio.run(main())
"""
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        assert [process.stdout.readline(), process.stdout.readline()] == [b"100\n", b"200\n"]  # a second apart
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    recording = ConversationRecording(tmp_path)
    words = [line.parsed()["serverContent"] for _, line in recording.lines() if b"word " in bytes(line.frame)]
    assert len(words) > 100
    with wave.open(str(recording.audio_path), "rb") as audio:
        seconds = audio.getnframes() / 24_000
        assert seconds > 0.5
        assert any(audio.readframes(audio.getnframes()))


def test_what_writes_sound_is_imported_before_there_is_a_thread_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gemini_realtime.recordings.stereo", None)  # and all is as it was afterwards
    monkeypatch.delitem(sys.modules, "gemini_realtime.recordings.stereo")
    monkeypatch.setattr("gemini_realtime.recordings.recorder._disk.submit", lambda *_: Future())
    Recorder(tmp_path, clock=lambda: 0.0)
    assert "gemini_realtime.recordings.stereo" in sys.modules


def test_a_last_line_that_was_cut_short_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "frames.jsonl").write_bytes(b'{"from":"client","frame":{}}\n{"from":"server","fra')
    assert frames(ConversationRecording(tmp_path)) == [("client", "")]


@pytest.mark.parametrize("file", [folders.FRAMES, folders.AUDIO])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
async def test_a_full_disk_costs_the_recording_and_not_the_conversation(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(folders, "FRAMES" if file == folders.FRAMES else "AUDIO", "/dev/full")
    with caplog.at_level(logging.WARNING):
        service = MemoryService()
        client = GeminiRealtimeClient(llm_config=CONFIG, dial=service.dial)
        client.record(tmp_path)
        async with client.connect():
            await client.send_audio(TONE * 100)
            async for event in client.read_events():
                if event.type == "session.created":
                    if file == folders.FRAMES:  # sound is written later
                        await until(lambda: "is not recorded" in caplog.text)
                    service.say(says("Hello."))
                if isinstance(event, TurnComplete):
                    break
    assert caplog.text.count("is not recorded") == 1


@pytest.mark.parametrize("fails", ["add", "end"])
async def test_sound_that_cannot_be_written_costs_the_recording_and_not_the_conversation(
    fails: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise ValueError("secret words")

    monkeypatch.setattr(f"gemini_realtime.recordings.stereo.Stereo.{fails}", fail)
    recording = await recorded(tmp_path)
    assert caplog.text.count("is not recorded: ValueError") == 1
    assert "secret" not in caplog.text
    if fails == "end":
        assert ("server", "serverContent") in frames(recording)


async def test_a_folder_that_is_gone_costs_the_recording_and_not_the_conversation(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = RecordingOptions(tmp_path / "file")
    (tmp_path / "file").rmdir()
    (tmp_path / "file").write_bytes(b"")
    recorder = Recorder(options)
    recorder.frame(recorder.opened(), "client", b"{}")
    await written(recorder.end())
    assert "is not recorded" in caplog.text


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"folder": 3}, "the path of a folder"),
        ({"folder": "x", "last_s": 0}, "last_s"),
        ({"folder": "/dev/null/x"}, "cannot keep recordings"),
    ],
)
def test_options_that_cannot_be_are_refused(
    options: dict[str, Any], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=problem):
        RecordingOptions(**options)


async def test_a_conversation_that_has_begun_cannot_be_recorded_from_then_on(tmp_path: Path) -> None:
    client = GeminiRealtimeClient(llm_config=CONFIG, dial=MemoryService().dial)
    async with client.connect():
        with pytest.raises(ConfigError, match="before anything else"):
            client.record(tmp_path)


async def test_conversations_get_a_folder_each(tmp_path: Path) -> None:
    await recorded(tmp_path)
    await recorded(tmp_path)
    assert len(recordings_in(tmp_path)) == 2


def test_only_the_account_that_records_can_read_a_recording(tmp_path: Path) -> None:
    asyncio.run(recorded(tmp_path))
    assert [stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()] == [0o700]


# --- the last minutes


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


SETUP = json.dumps({"setup": {"model": "models/m"}}).encode()


def recorder_of_last(tmp_path: Path, clock: Clock, last_s: float = 60) -> tuple[Recorder, int]:
    recorder = Recorder(RecordingOptions(tmp_path, last_s=last_s), clock=clock)
    connection = recorder.opened()
    recorder.frame(connection, "client", SETUP)
    recorder.frame(connection, "server", b'{"setupComplete":{}}')
    for second in range(200):
        clock.now = float(second)
        recorder.frame(connection, "server", json.dumps(says(f"second {second}")).encode())
    return recorder, connection


async def test_of_the_last_minutes_nothing_is_written_while_all_is_well(tmp_path: Path) -> None:
    recorder, connection = recorder_of_last(tmp_path, Clock())
    recorder.closed(connection, Closed(1000, by="client"))
    await written(recorder.end())
    assert recordings_in(tmp_path) == []
    assert recorder.path is None


@pytest.mark.parametrize(
    ("trouble", "cause"),
    [
        (lambda recorder: recorder.closed(1, Closed(1006)), "a connection was closed with 1006"),
        (lambda recorder: recorder.event(VoiceHealth(finding="no_answer")), "no_answer"),
        (lambda recorder: recorder.save("the user complained"), "the user complained"),
    ],
)
async def test_the_last_minutes_are_written_when_something_goes_wrong(trouble: Any, cause: str, tmp_path: Path) -> None:
    recorder, _ = recorder_of_last(tmp_path, Clock())
    trouble(recorder)
    await written(recorder.end())
    recording = ConversationRecording(tmp_path)
    assert recording.manifest["cause"] == cause
    assert recording.path == recorder.path
    lines = [line for _, line in recording.lines()]
    assert lines[0].opened
    kinds = [kind for _, kind in frames(recording)]
    assert kinds[:2] == ["setup", "setupComplete"]
    assert kinds.count("serverContent") == 61
    assert lines[3].ms == 0
    assert "second 139" in str(lines[3].parsed())


async def test_what_was_written_once_is_not_written_again(tmp_path: Path) -> None:
    recorder, connection = recorder_of_last(tmp_path, Clock())
    recorder.save()
    recorder.frame(connection, "server", json.dumps(says("later")).encode())
    recorder.save()
    await written(recorder.end())
    first, second = recordings_in(tmp_path)
    assert {kind for _, kind in frames(second)} == {"setup", "setupComplete", "serverContent"}
    assert len(frames(second)) == 3
    assert len(frames(first)) == 63


@in_virtual_time
async def test_what_is_saved_while_trouble_waits_to_be_written_is_written_once(tmp_path: Path) -> None:
    recorder, connection = recorder_of_last(tmp_path, Clock())
    recorder.closed(connection, Closed(1006, by="server"))
    recorder.save()
    recorder.frame(connection, "server", json.dumps(says("later")).encode())
    await asyncio.sleep(10 * AFTERMATH_S)
    await written(recorder.end())
    assert len(recordings_in(tmp_path)) == 1


async def test_a_disk_that_hangs_does_not_hold_up_the_end_for_ever(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("gemini_realtime.recordings.recorder.WRITTEN_WITHIN_S", 0.01)
    await written(Future())
    assert "still being written" in caplog.text


async def test_a_connection_that_the_client_leaves_is_no_trouble_whatever_becomes_of_its_close(tmp_path: Path) -> None:
    recorder, connection = recorder_of_last(tmp_path, Clock())
    recorder.closed(connection, Closed(1006, by="client"))
    await written(recorder.end())
    assert recordings_in(tmp_path) == []
