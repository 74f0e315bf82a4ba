"""What a server records: each session, over all its connections."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gemini_realtime.local.serve import LiveServer
from gemini_realtime.recordings import ConversationRecording, RecordingOptions
from tests.local.server.test_observing import TEXT, served
from tests.local.test_serve import dialled


def recordings_in(folder: Path) -> list[ConversationRecording]:
    return [ConversationRecording(path) for path in sorted(folder.iterdir())]


def frames(recording: ConversationRecording) -> list[tuple[int, str]]:
    return [(line.connection, next(iter(line.parsed()))) for _, line in recording.lines() if line.sender is not None]


async def conversation(server: LiveServer, handle: str | None = None) -> str:
    """Ask once; returns the handle with which the session is resumed."""
    async with dialled(server) as client:
        client.send({"setup": {**TEXT, "sessionResumption": {"handle": handle} if handle else {}}})
        client.types("hello")
        while True:
            frame = await client.frames.get()
            if new := frame.get("sessionResumptionUpdate", {}).get("newHandle"):
                return str(new)


async def test_a_session_that_is_resumed_is_one_recording(tmp_path: Path) -> None:
    async with served(record_to=tmp_path) as server:
        handle = await conversation(server)
        await conversation(server, handle)
        await conversation(server)
    resumed, other = recordings_in(tmp_path)
    assert [connection for connection, kind in frames(resumed) if kind == "setup"] == [1, 2]
    assert [connection for connection, kind in frames(other) if kind == "setup"] == [1]
    assert handle not in resumed.frames_path.read_text("utf-8")
    assert resumed.manifest["side"] == "server"


async def test_what_a_server_records_can_leave_words_out(tmp_path: Path) -> None:
    async with served(record_to=RecordingOptions(tmp_path, text=False)) as server:
        await conversation(server)
    (recording,) = recordings_in(tmp_path)
    assert "hello" not in recording.frames_path.read_text("utf-8")


async def test_a_client_that_says_nothing_is_not_recorded(tmp_path: Path) -> None:
    async with served(record_to=tmp_path) as server, dialled(server):
        pass
    assert recordings_in(tmp_path) == []


async def test_a_first_message_that_is_none_is_recorded_all_the_same(tmp_path: Path) -> None:
    odd: list[Any] = [[], {"setup": 3}, {"setup": {"sessionResumption": []}}]
    async with served(record_to=tmp_path) as server:
        for message in odd:
            async with dialled(server) as client:
                client.send(message)
                await client.frames.get()
    assert len(recordings_in(tmp_path)) == len(odd)
