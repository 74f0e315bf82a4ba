from __future__ import annotations

import base64
from pathlib import Path

import pytest

from gemini_realtime import AudioDelta, ConfigError, GeminiRealtimeClient, TextDelta, TurnComplete
from gemini_realtime.transport.memory import MemoryService
from gemini_realtime.transport.recording import recording
from gemini_realtime.transport.replay import Replay, read_recording
from tests.loop import settle

KEY = "AIza-not-a-real-key"
CONFIG = {"config_list": [{"model": "gemini-3.8-live", "api_key": KEY}]}
SPEECH = base64.b64encode(b"\x01\x02\x03\x04").decode()


async def talk(client: GeminiRealtimeClient, service: MemoryService) -> list[str]:
    """One short conversation; returns the types of what happened."""
    happened = []
    async with client.connect():
        await client.send_audio(b"\x11\x12\x13\x14")
        async for event in client.read_events():
            happened.append(event.type)
            if event.type == "session.created":
                await settle()
                audio = {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": SPEECH}}
                service.say({"serverContent": {"modelTurn": {"parts": [audio, {"text": "hi"}]}}})
                service.say({"serverContent": {"turnComplete": True}})
            if isinstance(event, TurnComplete):
                break
    return happened


async def recorded(path: Path, *, media: bool) -> list[str]:
    service = MemoryService()
    return await talk(GeminiRealtimeClient(llm_config=CONFIG, dial=recording(service.dial, path, media=media)), service)


async def test_a_recording_holds_both_sides_in_order_and_neither_key_nor_voice(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    await recorded(path, media=False)
    entries = read_recording(path)
    assert [(who, next(iter(frame))) for who, frame in entries] == [
        ("client", "setup"),
        ("server", "setupComplete"),
        ("client", "realtimeInput"),
        ("server", "serverContent"),
        ("server", "serverContent"),
    ]
    text = path.read_text("utf-8")
    assert KEY not in text
    assert SPEECH not in text
    assert base64.b64encode(b"\x11\x12\x13\x14").decode() not in text


async def test_a_recording_with_media_plays_the_service_again(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    first = await recorded(path, media=True)
    service = Replay(read_recording(path))
    client = GeminiRealtimeClient(llm_config=CONFIG, dial=service.dial)
    heard = b""
    again = []
    async with client.connect():
        await client.send_audio(b"\x11\x12\x13\x14")
        async for event in client.read_events():
            again.append(event.type)
            if isinstance(event, AudioDelta):
                heard += event.audio
            if isinstance(event, TextDelta):
                assert event.text == "hi"
    assert again == first
    assert heard == b"\x01\x02\x03\x04"
    assert service.sent == service.expected


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
async def test_a_full_disk_ends_the_recording_and_not_the_conversation(caplog: pytest.LogCaptureFixture) -> None:
    happened = await recorded(Path("/dev/full"), media=True)
    assert happened[-1] == TurnComplete(raw_message={}).type
    assert "not recorded" in caplog.text


async def test_a_file_that_cannot_be_opened_any_more_is_no_reason_not_to_connect(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    service = MemoryService()
    path = tmp_path / "gone" / "session.jsonl"
    path.parent.mkdir()
    dial = recording(service.dial, path)
    path.unlink()
    path.parent.rmdir()
    assert await talk(GeminiRealtimeClient(llm_config=CONFIG, dial=dial), service)
    assert "not recorded" in caplog.text


@pytest.mark.parametrize("line", ["{", "[]", '{"from": "nobody", "frame": {}}', '{"from": "client", "frame": 3}', "3"])
def test_a_line_that_is_not_of_a_recording_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text('{"from": "client", "frame": {}}\n' + line + "\n")
    with pytest.raises(ConfigError, match=r"broken\.jsonl:2"):
        read_recording(path)


@pytest.mark.parametrize("media", [True, False])
@pytest.mark.parametrize("depth", [300, 600, 900, 960, 1000, 100_000])
async def test_a_conversation_with_a_deeply_nested_frame_is_recorded(tmp_path: Path, depth: int, media: bool) -> None:
    path, service = tmp_path / "session.jsonl", MemoryService()
    client = GeminiRealtimeClient(llm_config=CONFIG, dial=recording(service.dial, path, media=media))
    nested = b'{"a":' * depth + b"1" + b"}" * depth
    deep = b'{"serverContent":{"turnComplete":true,"groundingMetadata":%b}}' % nested
    async with client.connect():
        async for event in client.read_events():
            event.to_dict()
            if event.type == "session.created":
                service.say(deep)
            if isinstance(event, TurnComplete):
                break
    assert [who for who, _ in read_recording(path)] == ["client", "server", "server"]


async def test_a_recording_is_read_line_by_line_whatever_its_words_are(tmp_path: Path) -> None:
    path, service = tmp_path / "session.jsonl", MemoryService()
    words = "one\u2028two\x85three"
    client = GeminiRealtimeClient(llm_config=CONFIG, dial=recording(service.dial, path))
    async with client.connect():
        async for event in client.read_events():
            if event.type == "session.created":
                service.say({"serverContent": {"outputTranscription": {"text": words}, "turnComplete": True}})
            if isinstance(event, TurnComplete):
                break
    assert read_recording(path)[-1][1]["serverContent"]["outputTranscription"] == {"text": words}
