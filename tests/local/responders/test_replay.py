"""A recording plays the service: by hand, and on loopback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gemini_realtime.errors import ConfigError
from gemini_realtime.local.responders.replay import Player, Recording, ReplayError
from gemini_realtime.local.serve import LiveServer
from tests.local.test_serve import dialled

RECORDED = Path(__file__).parents[4] / "shared" / "recordings"

SETUP = {"setup": {"model": "models/gemini-3.8-live"}}
AUDIO = {"realtimeInput": {"audio": {"data": "", "mimeType": "audio/pcm;rate=16000"}}}
READY: dict[str, Any] = {"setupComplete": {}}


def text(words: str) -> dict[str, Any]:
    return {"realtimeInput": {"text": words}}


def says(words: str) -> dict[str, Any]:
    return {"serverContent": {"modelTurn": {"parts": [{"text": words}]}}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "call.jsonl"


def recording(path: Path, *frames: dict[str, Any]) -> Recording:
    """A recording of these frames; setup, realtimeInput and the like are the client's."""
    client = ("setup", "realtimeInput", "clientContent", "toolResponse", "client_content")
    entries = [{"from": "client" if next(iter(frame)) in client else "server", "frame": frame} for frame in frames]
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), "utf-8")
    return Recording(path)


def plays(player: Player, *frames: dict[str, Any]) -> list[dict[str, Any]]:
    """What the service says to these frames."""
    return [json.loads(said) for frame in frames for said in player.receive(json.dumps(frame).encode())]


def test_what_the_service_said_next_is_said_with_each_frame_of_the_client(path: Path) -> None:
    player = recording(
        path, SETUP, READY, text("hello"), says("Hel"), {"serverContent": {"x": [1]}}, text("bye")
    ).next()
    assert plays(player, SETUP) == [READY]
    assert plays(player, text("something else")) == [says("Hel"), {"serverContent": {"x": [1]}}]
    assert plays(player, text("bye")) == []


def test_spelling_makes_no_difference(path: Path) -> None:
    content = {"client_content": {"turns": [], "turn_complete": True}}
    player = recording(path, SETUP, content, says("Hello.")).next()
    assert plays(player, SETUP, {"clientContent": {"turnComplete": True}}) == [says("Hello.")]


def test_less_audio_than_recorded_is_made_up_for_when_something_else_comes(path: Path) -> None:
    player = recording(path, SETUP, AUDIO, AUDIO, says("One."), AUDIO, says("Two."), text("bye"), says("Bye.")).next()
    assert plays(player, SETUP, AUDIO) == []
    assert plays(player, text("bye")) == [says("One."), says("Two."), says("Bye.")]


def test_more_audio_than_recorded_is_ignored(path: Path) -> None:
    player = recording(path, SETUP, AUDIO, says("One."), text("bye"), says("Bye.")).next()
    assert plays(player, SETUP, AUDIO) == [says("One.")]
    assert plays(player, AUDIO, AUDIO) == []
    assert plays(player, text("bye"), AUDIO) == [says("Bye.")]


def test_the_end_of_the_audio_stream_makes_up_for_audio_that_was_not_sent(path: Path) -> None:
    player = recording(path, SETUP, AUDIO, AUDIO, says("One.")).next()
    assert plays(player, SETUP, AUDIO, {"realtimeInput": {"audioStreamEnd": True}}) == [says("One.")]


def test_audio_as_media_chunks_is_audio(path: Path) -> None:
    player = recording(path, SETUP, AUDIO, says("One.")).next()
    chunks = {"realtimeInput": {"mediaChunks": [AUDIO["realtimeInput"]["audio"]]}}
    assert plays(player, SETUP, chunks) == [says("One.")]


def test_another_kind_of_frame_than_recorded_is_an_error_that_names_the_line(path: Path) -> None:
    player = recording(path, SETUP, READY, {"toolResponse": {"functionResponses": []}}).next()
    plays(player, SETUP)
    with pytest.raises(
        ReplayError, match=r"^call.jsonl:3 has toolResponse here, and the client sent realtimeInput.text$"
    ):
        plays(player, text("hello"))


def test_a_frame_after_the_end_of_the_recording_is_an_error(path: Path) -> None:
    player = recording(path, SETUP, READY).next()
    plays(player, SETUP)
    with pytest.raises(ReplayError, match=r"call.jsonl ends here, and the client sent realtimeInput.text"):
        plays(player, text("hello"))


def test_what_is_no_message_is_not_taken_for_one(path: Path) -> None:
    with pytest.raises(ReplayError, match="has setup here, and the client sent what is no message"):
        recording(path, SETUP).next().receive(b"[]")


def test_each_client_gets_the_next_connection_and_then_the_first_again(path: Path) -> None:
    again = {"setup": {"sessionResumption": {"handle": "h"}}}
    recorded = recording(path, SETUP, says("One."), again, says("Two."))
    assert [plays(recorded.next(), SETUP) for _ in range(3)] == [[says("One.")], [says("Two.")], [says("One.")]]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('{"from": "client", "frame": {"setup": {}}}\n{"from": "nobody", "frame": {}}', ":2 is not a line"),
        ("\udce9", ":1 is not a line"),
        ('{"from": "server", "frame": {}}', ":1 is not the client's setup"),
        ("", " is empty"),
    ],
)
def test_a_file_that_is_no_recording_is_refused_with_its_line(path: Path, lines: str, problem: str) -> None:
    path.write_bytes(lines.encode(errors="surrogateescape"))
    with pytest.raises(ConfigError, match=f"call.jsonl{problem}"):
        Recording(path)


def test_a_file_that_is_not_there_is_refused(path: Path) -> None:
    with pytest.raises(ConfigError, match=r"call.jsonl cannot be read: No such file"):
        Recording(path)


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recordings of others are not here")
def test_every_recorded_session_plays_to_its_own_client() -> None:
    for file in sorted(RECORDED.glob("*.jsonl")):
        entries = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        player = Recording(file).next()
        said = plays(player, *(entry["frame"] for entry in entries if entry["from"] == "client"))
        assert said == [entry["frame"] for entry in entries if entry["from"] == "server"], file.name


async def test_a_server_plays_a_recording_to_its_clients_and_closes_when_they_leave_it(path: Path) -> None:
    played = recording(path, SETUP, READY, text("hello"), says("Hi."))
    async with LiveServer(responder=played) as server:
        async with dialled(server, model="any") as client:
            client.types("good morning")
            assert await client.frames.get() == says("Hi.")
            client.types("and now")
            assert await client.frames.get() == (1008, "call.jsonl ends here, and the client sent realtimeInput.text")
        async with dialled(server, model="any") as client:
            server.go_away()
            client.types("hello")
            assert await client.frames.get() == says("Hi.")
