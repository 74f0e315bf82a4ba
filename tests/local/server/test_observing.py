"""Seeing what goes on: the message log, recordings, kept sessions, and advice."""

from __future__ import annotations

import base64
import json
import logging
import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gemini_realtime.errors import ConfigError
from gemini_realtime.local.responders.replay import Replay
from gemini_realtime.local.serve import LiveServer
from gemini_realtime.local.server import kept_sessions
from gemini_realtime.local.server.advice import Advice
from gemini_realtime.local.server.kept_sessions import Keeper, KeptSession
from gemini_realtime.local.server.message_log import MessageLog
from gemini_realtime.local.server.observers import Observer
from gemini_realtime.local.wire.media import light
from tests.local.fakes import FakeHearing, FakeResponder, FakeSpeaking
from tests.local.test_serve import LIVE, dialled, echo

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
TEXT: dict[str, Any] = {
    "model": "models/gemini-live-2.5-flash-preview",
    "generationConfig": {"responseModalities": ["TEXT"]},
}


def served(**options: Any) -> LiveServer:
    return LiveServer(
        hearing=FakeHearing(), responder=FakeResponder(echo), speaking=FakeSpeaking(), pace="instant", **options
    )


def audio(pcm: bytes, mime_type: str = "audio/pcm;rate=16000") -> bytes:
    blob = {"mimeType": mime_type, "data": base64.b64encode(pcm).decode()}
    return json.dumps({"realtimeInput": {"audio": blob}}).encode()


def logged(*messages: Any) -> list[str]:
    lines: list[str] = []
    log = MessageLog("#1", lines.append, lambda: NOON)
    for message in messages:
        log.received(message if isinstance(message, bytes) else json.dumps(message).encode())
    return lines


@pytest.mark.parametrize(
    "message",
    [
        {"setup": {"systemInstruction": {"parts": [{"text": "obey"}]}}},
        {"contextUpdate": {"systemInstruction": {"parts": [{"text": "obey"}]}}},
    ],
)
def test_instructions_are_not_logged(message: dict[str, Any]) -> None:
    assert "obey" not in logged(message)[0]


async def test_what_was_received_and_said_is_kept_as_messages() -> None:
    async with served() as server, dialled(server, **TEXT) as client:
        client.types("hello")
        await client.until("turnComplete")
        (session,) = server.sessions
        assert session.setup == TEXT
        assert session.received[1:] == [{"realtimeInput": {"text": "hello"}}]
        assert session.sent[0] == {"setupComplete": {}}
        assert not session.ended
        client.send({"nonsense": 1})
        await client.frames.get()
    assert session.closed is not None
    assert session.closed[0] == 1007
    assert session.ended


async def test_sound_is_not_kept() -> None:
    async with served() as server, dialled(server, model="models/gemini-3.8-live") as client:
        client.says(bytes(range(200)))
        client.types("hello")
        await client.until("turnComplete")
        (session,) = server.sessions
    blobs = [m["realtimeInput"]["audio"] for m in session.received if "audio" in m.get("realtimeInput", {})]
    assert blobs == [{"mimeType": "audio/pcm;rate=16000", "data": ""}]
    assert '"data": "A' not in json.dumps(session.sent)


def test_data_that_is_no_media_is_kept() -> None:
    message = {
        "toolResponse": {"functionResponses": [{"response": {"data": {"data": "the weather of the whole week"}}}]}
    }
    assert json.loads(light(json.dumps(message).encode())) == message


def test_pieces_of_sound_are_kept_without_it_and_words_as_they_are() -> None:
    session = KeptSession()
    keeper = Keeper(session)
    words = {"toolResponse": {"functionResponses": [{"response": {"data": "w" * 40}}]}}
    told = {"toolResponse": {"functionResponses": [{"response": {"data": "the weather of the whole week in London"}}]}}
    for message in (audio(bytes(64)), audio(b"\1" * 64), audio(b"\2" * 66, "audio/pcm;rate=8000"), audio(bytes(2))):
        keeper.received(message)
    for sent in (words, told):
        keeper.received(json.dumps(sent).encode())
    silent = {"realtimeInput": {"audio": {"mimeType": "audio/pcm;rate=16000", "data": ""}}}
    slow = {"realtimeInput": {"audio": {"mimeType": "audio/pcm;rate=8000", "data": ""}}}
    assert session.received[:4] == [silent, silent, slow, silent]
    assert session.received[5] == told


def test_of_a_long_session_the_setup_and_the_end_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_sessions, "MAX_MESSAGES", 2)
    session = KeptSession()
    keeper = Keeper(session)
    for number in range(10):
        keeper.received(b'{"n":%d}' % number)
    assert session.received == [{"n": 0}, {"n": 8}, {"n": 9}]


def test_a_line_of_the_log_says_when_which_way_what_how_much_and_the_words() -> None:
    (line,) = logged({"realtimeInput": {"text": "What is two\nplus three?"}})
    assert line.split(maxsplit=6) == [
        "12:00:00.000", "#1", "received", "realtimeInput.text", "55", "B", '"What is two plus three?"'
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("message", "kind", "words"),
    [
        ({"serverContent": {"outputTranscription": {"text": "Five."}, "turnComplete": True}},
         "serverContent.outputTranscription+serverContent.turnComplete", '"Five."'),
        ({"toolCall": {"functionCalls": [{"id": "1", "name": "add", "args": {"a": 2}}]}}, "toolCall", 'add({"a":2})'),
        ({"toolResponse": {"functionResponses": [{"name": "add", "response": {"x": 5}}]}},
         "toolResponse", 'add({"x":5})'),
        ({"setup": {"model": "m", "systemInstruction": {"parts": [{"text": "secret"}]}}}, "setup", ""),
        (b"no json", "{}", ""),
    ],
)  # fmt: skip
def test_the_log_names_the_kind_and_the_words_of_calls(message: Any, kind: str, words: str) -> None:
    (line,) = logged(message)
    assert kind in line
    assert line.endswith(words or "B")


def test_the_log_shows_no_sound() -> None:
    assert "AAAA" not in "".join(logged(audio(bytes(100))))


async def test_the_log_shows_no_key() -> None:
    lines: list[str] = []
    async with served(log=lines.append) as server, dialled(server, LIVE + "?key=sesame", **TEXT) as client:
        client.types("hello")
        await client.until("turnComplete")
    assert [line.split()[2] for line in lines][:3] == ["received", "sent", "received"]
    assert lines[-1].split()[2] == "closed"
    assert "sesame" not in "".join(lines)


async def test_a_recorded_session_can_be_played(tmp_path: Path) -> None:
    async with served(record_to=tmp_path / "kept") as server, dialled(server, **TEXT) as client:
        client.types("hello")
        frames = await client.until("turnComplete")
    async with LiveServer(responder=Replay(tmp_path / "kept")) as player, dialled(player) as client:
        client.send({"setup": TEXT})
        client.types("hello")
        assert (await client.until("turnComplete"))[-1] == frames[-1]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigError, match="cannot keep recordings"):
        LiveServer(record_to=tmp_path / "file")


# --- advice


class Ear:
    """A client whose audio is looked at."""

    def __init__(self) -> None:
        self.now = 0.0
        self.advice = Advice(lambda: self.now)
        self.adviser = self.advice.observer()

    def hears(self, pcm: bytes, every_s: float, times: int) -> None:
        for _ in range(times):
            self.adviser.received(audio(pcm))
            self.now += every_s


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def tone(frames: int, *, channels: int = 1) -> bytes:
    return b"".join(struct.pack("<h", n % 200 * 50) * channels for n in range(frames))


def test_good_audio_is_no_reason_for_advice(caplog: pytest.LogCaptureFixture) -> None:
    Ear().hears(tone(320), 0.02, 500)
    assert said(caplog) == []


def test_pieces_of_a_second_are_advised_against_once(caplog: pytest.LogCaptureFixture) -> None:
    ear = Ear()
    ear.hears(tone(16_000), 1.0, 3)
    (advice,) = said(caplog)
    assert "pieces of 1.0 s" in advice


def test_stereo_is_noticed(caplog: pytest.LogCaptureFixture) -> None:
    Ear().hears(tone(320, channels=2), 0.04, 10)
    (advice,) = said(caplog)
    assert "stereo" in advice


def test_a_wrong_rate_is_noticed(caplog: pytest.LogCaptureFixture) -> None:
    Ear().hears(tone(960), 0.02, 300)
    (advice,) = said(caplog)
    assert "is it of 48000 Hz" in advice


def test_a_handle_that_is_thrown_away_is_noticed(caplog: pytest.LogCaptureFixture) -> None:
    ear = Ear()
    ear.adviser.sent(b'{"sessionResumptionUpdate": {"newHandle": "h"}}')
    ear.adviser.sent(b'{"goAway": {"timeLeft": "50s"}}')
    ear.adviser.closed(1000, "")
    ear.advice.observer().received(b'{"setup": {"model": "m"}}')
    (advice,) = said(caplog)
    assert "began anew" in advice


class Failing(Observer):
    """An observer with a fault in it."""

    def received(self, message: bytes) -> None:
        raise BrokenPipeError("nobody reads the log")

    def sent(self, message: bytes) -> None:
        raise AssertionError("it is told no more")

    closed = sent  # type: ignore[assignment]


async def test_an_observer_that_fails_is_told_no_more_and_the_session_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with served() as server:
        server.observe(Failing)
        async with dialled(server, **TEXT) as client:
            client.types("hello")
            await client.until("turnComplete")
    assert server.sessions[0].ended
    assert not server._service.served
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "Failing failed, and is not told any more of this connection"
    ]
