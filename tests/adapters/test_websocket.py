"""Sound over a WebSocket, through a real Starlette server and in virtual time."""

from __future__ import annotations

import asyncio
import json
from array import array
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from typing import Any, TypeVar

import pytest

from gemini_realtime import (
    AudioDelta,
    AudioFormatError,
    AudioTruncated,
    DigitPressed,
    Interrupted,
    PlaybackStopped,
    RealtimeEvent,
    TurnComplete,
)
from gemini_realtime.adapters.websocket import MediaStreamAdapter, WebSocketAudioAdapter
from gemini_realtime.testing import in_virtual_time
from tests.agent.test_functions import ScriptedClient
from tests.agent.test_observers import Seen


class Line(ScriptedClient):
    """A client that notes the audio it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.audio: list[bytes] = []

    async def send_audio(self, audio: bytes) -> None:
        self.audio.append(audio)


class Socket:
    """The near end of a WebSocket; the test is the far end."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[Any] = asyncio.Queue()
        self.sent: list[Any] = []

    async def iter_text(self) -> AsyncIterator[str]:
        while (message := await self.incoming.get()) is not None:
            yield message if isinstance(message, str) else json.dumps(message)

    async def receive(self) -> dict[str, Any]:
        message = await self.incoming.get()
        if message is None:
            return {"type": "websocket.disconnect"}
        if isinstance(message, bytes):
            return {"type": "websocket.receive", "bytes": message}
        return {"type": "websocket.receive", "text": message if isinstance(message, str) else json.dumps(message)}

    async def send_json(self, data: Any) -> None:
        self.sent.append(data)

    async def send_bytes(self, data: bytes) -> None:
        self.sent.append(data)

    def marks(self) -> list[str]:
        return [message["mark"]["name"] for message in self.sent if message["event"] == "mark"]


class Call:
    """A stream that an agent is at the other end of."""

    def __init__(self, adapter: type[MediaStreamAdapter] = WebSocketAudioAdapter, **options: Any) -> None:
        from gemini_realtime.agent import RealtimeAgent

        self.socket, self.client, self.log = Socket(), Line(), Everything()
        self.adapter = adapter(self.socket, **options)
        self.agent = RealtimeAgent(
            name="test", audio_adapter=self.adapter, client=self.client, observers=[self.log]  # type: ignore[arg-type]
        )  # fmt: skip

    async def __aenter__(self) -> Call:
        self.run = asyncio.create_task(self.agent.run())
        return self

    async def __aexit__(self, *error: object) -> None:
        self.socket.incoming.put_nowait(None)
        await self.run

    async def says(self, *messages: Any, after_s: float = 0.0) -> None:
        """The far end sends messages."""
        for message in messages:
            self.socket.incoming.put_nowait(message)
        await asyncio.sleep(after_s or 0.001)

    async def model_says(self, ms: int, *, after_s: float = 0.0) -> None:
        """The model says so much at once."""
        audio = b64encode(bytes(48 * ms)).decode()
        self.client.events.put_nowait(AudioDelta(delta=audio))
        await asyncio.sleep(after_s or 0.001)

    async def cut_off(self, by: RealtimeEvent | None = None) -> PlaybackStopped:
        self.client.events.put_nowait(by or Interrupted())
        await asyncio.sleep(0.001)
        return next(event for event in reversed(self.log.events) if isinstance(event, PlaybackStopped))


_Event = TypeVar("_Event")


class Everything(Seen):
    """Notes every event."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Any] = []
        self._came = asyncio.Condition()

    async def on_event(self, event: Any) -> None:
        async with self._came:
            self.events.append(event)
            self._came.notify_all()

    async def first(self, kind: type[_Event]) -> _Event:
        """Wait for the first event of a kind."""
        async with self._came:
            await self._came.wait_for(lambda: any(isinstance(event, kind) for event in self.events))
        return next(event for event in self.events if isinstance(event, kind))


START = {"event": "start", "start": {"streamSid": "MZ1", "callSid": "CA1"}}


def media(audio: bytes, **more: Any) -> dict[str, Any]:
    return {"event": "media", "media": {"payload": b64encode(audio).decode(), "timestamp": "5", **more}}


@in_virtual_time
async def test_what_the_user_says_goes_to_the_model() -> None:
    async with Call() as call:
        await call.says(START, media(b"\x01\x00" * 320), media(b"\x02\x00" * 320, track="outbound"))
    assert call.client.audio == [b"\x01\x00" * 320]
    assert call.adapter.stream_sid == "MZ1"
    assert call.adapter.start["callSid"] == "CA1"


@in_virtual_time
async def test_what_the_model_says_goes_out_with_a_mark_after_each_piece() -> None:
    async with Call() as call:
        await call.says(START)
        await call.model_says(100)
    sent = call.socket.sent
    assert [message["event"] for message in sent] == ["media", "mark"]
    assert all(message["streamSid"] == "MZ1" for message in sent)
    assert len(b64decode(sent[0]["media"]["payload"])) == 4800


@in_virtual_time
async def test_an_interruption_clears_at_once_and_says_what_was_heard() -> None:
    async with Call() as call:
        await call.says(START)
        await call.model_says(300)
        await call.model_says(700, after_s=0.4)
        for name in call.socket.marks()[:1]:
            await call.says({"event": "mark", "mark": {"name": name}})
        stopped = await call.cut_off()
    assert call.socket.sent[-1]["event"] == "clear"
    assert stopped.played_ms == pytest.approx(301, abs=3)
    assert stopped.played_ms + stopped.unplayed_ms == 1000


@in_virtual_time
async def test_truncating_clears_at_once_and_the_rest_is_not_sent() -> None:
    async with Call() as call:
        await call.says(START)
        await call.model_says(1000, after_s=0.4)
        stopped = await call.cut_off(by=AudioTruncated(audio_end_ms=300))
        await call.model_says(100)
    assert call.socket.sent[-1]["event"] == "clear"
    assert stopped.played_ms == pytest.approx(400, abs=3)


@in_virtual_time
async def test_what_still_arrives_of_an_interrupted_answer_is_not_sent() -> None:
    async with Call() as call:
        await call.says(START)
        await call.model_says(300)
        await call.cut_off()
        call.client.events.put_nowait(AudioDelta(delta=b64encode(bytes(4800)).decode(), stale=True))
        await asyncio.sleep(0.01)
    assert call.socket.sent[-1]["event"] == "clear"


@in_virtual_time
async def test_without_marks_the_clock_tells_what_was_heard() -> None:
    async with Call() as call:
        await call.says(START)
        await call.model_says(400, after_s=0.25)
        assert (await call.cut_off()).played_ms == pytest.approx(250, abs=3)


@in_virtual_time
async def test_marks_that_return_after_a_clear_count_for_nothing() -> None:
    async with Call() as call:
        await call.says(START)
        await call.model_says(400)
        await call.cut_off()
        await call.says(*({"event": "mark", "mark": {"name": name}} for name in call.socket.marks()))
        await call.model_says(400, after_s=0.1)
        assert (await call.cut_off()).played_ms == pytest.approx(100, abs=3)


@in_virtual_time
async def test_a_long_piece_goes_out_in_several() -> None:
    async with Call() as call:
        await call.model_says(1200)
    assert len(call.socket.marks()) == 3


@in_virtual_time
async def test_the_conversation_ends_when_the_stream_stops() -> None:
    call = Call()
    async with call:
        await call.says(START, {"event": "stop"})
        await asyncio.wait_for(call.run, 1)


@in_virtual_time
async def test_a_stream_that_breaks_off_is_a_caller_who_hangs_up(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> Any:
        raise ConnectionResetError

    call = Call()
    async with call:
        await call.says(START)
        call.socket.receive = broken  # type: ignore[method-assign]
        await call.says({"event": "connected"})
        await asyncio.wait_for(call.run, 1)
    assert "the stream broke off (ConnectionResetError)" in caplog.text


@in_virtual_time
async def test_a_stream_that_was_not_accepted_is_a_mistake_that_is_told() -> None:
    async def not_accepted() -> Any:
        raise RuntimeError('Need to call "accept" first.')

    call = Call()
    call.socket.receive = not_accepted  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="accept"):
        await call.agent.run()


@in_virtual_time
async def test_keys_of_the_telephone_are_events() -> None:
    async with Call() as call:
        await call.says(START, {"event": "dtmf", "dtmf": {"digit": "#"}})
    assert DigitPressed(digit="#") in call.log.events


BROKEN = [
    "", "{", "[]", "null", "5", '"media"', "{}", "[" * 100_000, '{"event": "media"}', '{"event": "media", "media": 5}',
    '{"event": "media", "media": {"payload": 7}}', '{"event": "media", "media": {"payload": "@@@"}}',
    '{"event": "media", "media": {"payload": "AAAA"}}', '{"event": "mark", "mark": {}}',
    '{"event": "dtmf", "dtmf": []}', '{"event": "start", "start": "now"}', '{"event": {"media": 1}}',
]  # fmt: skip


@in_virtual_time
async def test_a_broken_message_is_left_out_and_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    async with Call() as call:
        await call.says(*BROKEN, b"binary", media(b"\x01\x00"))
    assert call.client.audio == [b"\x01\x00"]
    assert caplog.text.count("cannot be read") == 1
    assert f"{len(BROKEN) - 1} messages of the stream could not be read" in caplog.text  # two are readable, b"" is not
    assert "AAAA" not in caplog.text


@in_virtual_time
async def test_a_socket_of_any_kind_that_gives_texts_will_do() -> None:
    class Texts:
        """What AG2 asks of a WebSocket, and no more."""

        def __init__(self, socket: Socket) -> None:
            self.iter_text, self.send_json = socket.iter_text, socket.send_json

    async with Call() as call:
        call.adapter.websocket = Texts(call.socket)
        await call.says(START, media(b"\x01\x00"))
    assert call.client.audio == [b"\x01\x00"]


@in_virtual_time
async def test_audio_of_another_rate_goes_out_at_the_rate_of_the_stream() -> None:
    async with Call() as call:
        await call.says(START)
        call.client.events.put_nowait(AudioDelta(delta=b64encode(bytes(16 * 2 * 100)).decode(), rate_hz=16_000))
        await asyncio.sleep(0.01)
    sent = b"".join(b64decode(m["media"]["payload"]) for m in call.socket.sent if m["event"] == "media")
    assert len(sent) == pytest.approx(4800, abs=200)


@in_virtual_time
async def test_what_was_heard_is_counted_within_the_turn() -> None:
    async with Call() as call:
        await call.says(START)
        await call.model_says(500, after_s=0.6)
        call.client.events.put_nowait(TurnComplete())
        await call.model_says(400, after_s=0.1)
        stopped = await call.cut_off()
    assert stopped.played_ms == pytest.approx(101, abs=3)
    assert stopped.unplayed_ms == pytest.approx(299, abs=3)


@in_virtual_time
async def test_browsers_may_send_and_get_plain_pcm() -> None:
    async with Call(binary=True, input_rate_hz=48_000, output_rate_hz=48_000) as call:
        await call.says(bytes(1920 * 5), json.dumps({"event": "dtmf", "dtmf": {"digit": "1"}}))
        await call.model_says(100)
        await call.cut_off()
    audio, mark, clear = call.socket.sent
    assert len(audio) == pytest.approx(9600, abs=200)
    assert (mark["event"], clear["event"]) == ("mark", "clear")
    assert sum(map(len, call.client.audio)) == pytest.approx(3200, abs=100)
    assert DigitPressed(digit="1") in call.log.events


def test_a_rate_that_cannot_be_is_refused() -> None:
    with pytest.raises(AudioFormatError):
        WebSocketAudioAdapter(Socket(), input_rate_hz=0)


def test_samples_are_what_they_were() -> None:
    assert array("h", WebSocketAudioAdapter(Socket()).to_model(array("h", [1, -2]).tobytes())).tolist() == [1, -2]


@pytest.mark.parametrize("binary", [False, True])
@in_virtual_time
async def test_a_stream_that_closes_in_mid_answer_is_reported_once(
    binary: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def closed(data: Any) -> None:
        raise RuntimeError('Cannot call "send" once a close message has been sent.')

    async with Call(binary=binary) as call:
        call.socket.send_json = call.socket.send_bytes = closed  # type: ignore[method-assign]
        for _ in range(3):
            await call.model_says(100)
        stopped = await call.cut_off()
    assert stopped.played_ms + stopped.unplayed_ms == 300
    assert [record.getMessage() for record in caplog.records] == ["the stream takes nothing any more (RuntimeError)"]
