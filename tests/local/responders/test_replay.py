"""A recording plays the service: by hand, and on loopback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gemini_realtime.errors import ConfigError
from gemini_realtime.local.responders.replay import Played, Player, Replay, ReplayError
from gemini_realtime.local.serve import LiveServer
from gemini_realtime.recordings.lines import Closed
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


def recording(path: Path, *frames: dict[str, Any]) -> Replay:
    """A recording of these frames; setup, realtimeInput and the like are the client's."""
    client = ("setup", "realtimeInput", "clientContent", "toolResponse", "client_content")
    entries = [{"from": "client" if next(iter(frame)) in client else "server", "frame": frame} for frame in frames]
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), "utf-8")
    return Replay(path)


def plays(player: Player, *frames: dict[str, Any]) -> list[dict[str, Any]]:
    """What the service says to these frames."""
    return [read(said) for frame in frames for said in player.receive(json.dumps(frame).encode())]


def read(said: Played) -> dict[str, Any]:
    assert isinstance(said, bytes)
    return dict(json.loads(said))


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
        ('{"from": "client", "frame": {"setup": {}}}\n{"from": "nobody", "frame": {}}\n', ":2 is not a line"),
        ("\udce9\n", ":1 is not a line"),
        ('{"from": "server", "frame": {}}', ":1 is not the client's setup"),
        ("", " is empty"),
    ],
)
def test_a_file_that_is_no_recording_is_refused_with_its_line(path: Path, lines: str, problem: str) -> None:
    path.write_bytes(lines.encode(errors="surrogateescape"))
    with pytest.raises(ConfigError, match=f"call.jsonl{problem}"):
        Replay(path)


def test_a_file_that_is_not_there_is_refused(path: Path) -> None:
    with pytest.raises(ConfigError, match=r"call.jsonl cannot be read: No such file"):
        Replay(path)


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recordings of others are not here")
def test_every_recorded_session_plays_to_its_own_client() -> None:
    for file in sorted(RECORDED.glob("*.jsonl")):
        entries = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        player = Replay(file).next()
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


# --- times and ends


def write(path: Path, *lines: dict[str, Any]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")


def timed(path: Path, *lines: dict[str, Any], real_time: bool = True) -> Player:
    write(path, *lines)
    return Replay(path, real_time=real_time).next()


def client(ms: float, frame: dict[str, Any]) -> dict[str, Any]:
    return {"ms": ms, "from": "client", "frame": frame}


def server(ms: float, frame: dict[str, Any]) -> dict[str, Any]:
    return {"ms": ms, "from": "server", "frame": frame}


def said(player: Player, frame: dict[str, Any], now: float) -> list[Any]:
    return [read(item) if isinstance(item, bytes) else item for item in player.receive(json.dumps(frame).encode(), now)]


def due(player: Player, now: float) -> list[Any]:
    return [read(item) if isinstance(item, bytes) else item for item in player.due(now)]


def test_in_real_time_the_service_speaks_as_long_after_the_client_as_recorded(path: Path) -> None:
    player = timed(path, client(0, SETUP), server(80, READY), client(1000, text("hello")), server(1500, says("Hi.")))
    assert said(player, SETUP, now=50.0) == []
    assert player.deadline() == pytest.approx(50.08)
    assert due(player, now=50.08) == [READY]
    assert player.deadline() is None
    assert said(player, text("hello"), now=70.0) == []
    assert due(player, now=70.4) == []
    assert due(player, now=70.5) == [says("Hi.")]
    assert player.deadline() is None


def test_in_real_time_the_clock_goes_on_while_the_client_streams(path: Path) -> None:
    lines = [client(1000 + 20 * number, AUDIO) for number in range(100)]
    player = timed(path, client(0, SETUP), server(10, READY), *lines, server(3100, says("Hi.")))
    said(player, SETUP, now=0.0)
    assert due(player, now=10.0) == [READY]
    assert player.deadline() is None
    assert said(player, AUDIO, now=20.0) == []  # the first piece, and no other
    assert due(player, now=22.0) == []
    assert due(player, now=22.1) == [says("Hi.")]


def test_in_real_time_a_client_that_is_faster_is_answered_at_once(path: Path) -> None:
    calls: dict[str, Any] = {"toolCall": {"functionCalls": []}}
    result: dict[str, Any] = {"toolResponse": {"functionResponses": []}}
    player = timed(path, client(0, SETUP), server(10, READY), server(500, calls), client(900, result))
    said(player, SETUP, now=0.0)
    assert said(player, result, now=0.1) == [READY, calls]


@pytest.mark.parametrize("real_time", [True, False])
def test_what_the_service_closed_is_closed_again(path: Path, real_time: bool) -> None:
    closed = {"ms": 20, "closed": {"code": 1011, "reason": "overloaded", "by": "server"}}
    player = timed(path, {"opened": True}, client(0, SETUP), server(10, READY), closed, real_time=real_time)
    happened = said(player, SETUP, now=0.0) + due(player, now=1.0)
    assert happened == [READY, Closed(1011, "overloaded", "server")]


@pytest.mark.parametrize("closed", [{"code": 1000, "by": "client"}, {"code": 1000}, {"code": 1006, "by": "client"}])
def test_what_the_client_closed_is_for_the_client_to_close(path: Path, closed: dict[str, Any]) -> None:
    player = timed(path, client(0, SETUP), server(10, READY), {"ms": 20, "closed": closed}, real_time=False)
    assert said(player, SETUP, now=0.0) == [READY]


def test_connections_that_overlap_are_kept_apart(path: Path) -> None:
    again = {"setup": {"sessionResumption": {"handle": "h"}}}
    lines = [
        {"connection": 1, "from": "client", "frame": SETUP},
        {"connection": 2, "from": "client", "frame": again},
        {"connection": 1, "from": "server", "frame": says("One.")},
        {"connection": 2, "from": "server", "frame": says("Two.")},
    ]
    write(path, *lines)
    replay = Replay(path)
    assert [plays(replay.next(), SETUP) for _ in range(2)] == [[says("One.")], [says("Two.")]]


async def test_a_server_plays_in_real_time_and_breaks_off_where_it_was_broken(path: Path) -> None:
    broken = {"ms": 90, "closed": {"code": 1006}}
    write(path, client(0, SETUP), server(10, READY), server(60, says("Hi.")), broken)
    async with LiveServer(responder=Replay(path, real_time=True)) as live, dialled(live) as stranger:
        stranger.send(SETUP)
        assert [await stranger.frames.get() for _ in range(3)] == [READY, says("Hi."), None]
