"""What a client can do to the others, and to the machine: nothing."""

from __future__ import annotations

import asyncio
import base64
import errno
import json
import logging
import socket
import threading
import tracemalloc
from typing import Any, cast

import picows
import pytest

from gemini_realtime.local.serve import LiveServer
from gemini_realtime.local.server import inbox, listener
from gemini_realtime.local.server.connection import Connection
from gemini_realtime.local.server.http import MOST_AT_ONCE_BYTES
from gemini_realtime.local.server.limits import Limits
from gemini_realtime.local.session.history import CONTEXT_CHARACTERS
from gemini_realtime.local.wire import media
from gemini_realtime.local.wire.frames import MAX_HUGE_NUMBERS, MAX_NUMBERS, MAX_VALUES, MAX_WORD_BYTES
from gemini_realtime.protocol.codec import decode_base64
from tests.local.line import NATIVE_2_5, Line, new_sessions
from tests.local.server.test_http import HANDSHAKE
from tests.local.test_serve import WAIT_S, Parts, dialled

TEXT: dict[str, Any] = {
    "model": "models/gemini-live-2.5-flash-preview",
    "generationConfig": {"responseModalities": ["TEXT"]},
}
INVALID = (1007, "Request contains an invalid argument.")


class Unread:
    """The socket of a client that reads nothing of what it is sent."""

    is_close_frame_sent = False

    def __init__(self) -> None:
        self.pongs: list[bytes] = []
        self.unread_bytes = 0
        self.read = True
        self.closed: tuple[int, str] | None = None
        self.underlying_transport = self

    def send(self, kind: picows.WSMsgType, frame: bytes) -> None:
        self.unread_bytes += len(frame)

    def send_close(self, code: picows.WSCloseCode, reason: bytes) -> None:
        self.closed = (code.value, reason.decode())

    def disconnect(self, graceful: bool) -> None:
        pass

    def send_pong(self, payload: bytes) -> None:
        self.pongs.append(payload)

    def get_write_buffer_size(self) -> int:
        return self.unread_bytes

    def pause_reading(self) -> None:
        self.read = False

    def resume_reading(self) -> None:
        self.read = True


def connection_to(unread: Unread, limits: Limits | None = None) -> Connection:
    connection = Connection(limits)
    connection._socket = cast(picows.WSTransport, unread)
    connection.pause_writing()
    return connection


async def test_fragments_cost_what_they_hold() -> None:
    async with Parts().server as server, dialled(server, **TEXT) as client:
        message = json.dumps({"realtimeInput": {"text": "hello"}}).encode()
        client.socket.send(picows.WSMsgType.TEXT, message, fin=False)
        for _ in range(60_000):
            client.socket.send(picows.WSMsgType.CONTINUATION, b"", fin=False)
        client.socket.send(picows.WSMsgType.CONTINUATION, b"", fin=True)
        await client.until("turnComplete")


async def test_of_the_pings_of_a_client_that_does_not_read_the_last_is_answered() -> None:
    unread = Unread()
    connection = connection_to(unread)
    for number in range(1000):
        connection._answer_ping(b"%d" % number)
    assert unread.pongs == []
    connection.resume_writing()
    assert unread.pongs == [b"999"]


async def test_a_flood_of_tiny_frames_is_read_in_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    watch, taken = watched(monkeypatch)
    async with Parts().server as server, dialled(server, **TEXT) as client:
        # A long message makes picows's buffer long.
        client.send({"realtimeInput": {"video": {"mimeType": "image/jpeg", "data": "A" * 4_000_000}}})
        for kind in (picows.WSMsgType.PING, picows.WSMsgType.PONG, picows.WSMsgType.CONTINUATION):
            client.socket.send(picows.WSMsgType.TEXT, b" ", fin=kind is not picows.WSMsgType.CONTINUATION)
            for _ in range(20_000):
                client.socket.send(kind, b"", fin=kind is not picows.WSMsgType.CONTINUATION)
        assert (await client.frames.get())[0] == 1007  # a blank is no message, and the last never ends
    watch.cancel()
    assert max(taken) <= 2 * MOST_AT_ONCE_BYTES // 6  # an empty frame of a client is six bytes


async def test_a_flood_right_after_the_handshake_is_read_in_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    watch, taken = watched(monkeypatch)
    async with LiveServer(warm_up=False) as server, asyncio.timeout(WAIT_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(HANDSHAKE + b"\x8a\x80\0\0\0\0" * 50_000 + b"\x89\x83\0\0\0\0end")
        await reader.readuntil(b"end")
        writer.close()
    watch.cancel()
    assert max(taken) <= 2 * MOST_AT_ONCE_BYTES // 6


def watched(monkeypatch: pytest.MonkeyPatch) -> tuple[asyncio.Task[None], list[int]]:
    """How many frames are taken in each turn of the loop, where the time of a client is always over."""
    monkeypatch.setattr(inbox, "SHARE_S", 0.0)
    taken: list[int] = [0]
    take = Connection.on_ws_frame

    def count(self: Connection, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        taken[-1] += 1
        take(self, transport, frame)

    async def turns() -> None:
        while True:
            await asyncio.sleep(0)
            taken.append(0)

    monkeypatch.setattr(Connection, "on_ws_frame", count)
    return asyncio.create_task(turns()), taken


async def test_who_dials_and_says_nothing_is_sent_away() -> None:
    async with LiveServer(warm_up=False, limits=Limits(setup_s=0.05)) as server, dialled(server) as client:
        client.socket.send_ping()
        assert await client.frames.get() == (1008, "no setup came for 0.05 seconds")


async def test_who_says_nothing_counts_as_a_newcomer() -> None:
    one = LiveServer(warm_up=False, pace="instant", limits=Limits(newcomers=1))
    async with one as server, dialled(server) as silent, dialled(server, **TEXT) as client:
        assert await silent.frames.get() is None  # cut off for who came next
        client.types("hello")
        await client.until("turnComplete")


async def test_long_media_is_decoded_on_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[tuple[int, bool]] = []

    def decode(text: str | bytes) -> bytes:
        decoded.append((len(text), threading.current_thread() is threading.main_thread()))
        return decode_base64(text)

    monkeypatch.setattr(media, "decode_base64", decode)
    parts = Parts()
    async with parts.server as server, dialled(server, model=NATIVE_2_5) as client:
        picture = {"mimeType": "image/jpeg", "data": base64.b64encode(bytes(3_000_000)).decode()}
        client.send({"realtimeInput": {"video": picture}})
        client.says(bytes(3_000_000))
        client.says(bytes(640))
        client.types("hello")
        await client.until("turnComplete")
    assert decoded == [(4_000_000, False), (4_000_000, False), (856, True)]


@pytest.mark.parametrize(
    "words",
    [
        {"toolResponse": {"functionResponses": [{"id": "a", "response": {"a": "x" * MAX_WORD_BYTES}}]}},
        {"clientContent": {"turns": [], "x" * MAX_WORD_BYTES: 1}},
        {"setup": {"model": "m" * MAX_WORD_BYTES}},
    ],
    ids=["result", "name of a field", "model"],
)
def test_more_words_than_a_context_window_holds_are_refused(words: Any) -> None:
    assert Line(model=NATIVE_2_5).send(words) == [INVALID]


def test_a_long_picture_is_no_words() -> None:
    picture = {"mimeType": "image/jpeg", "data": "A" * 2 * MAX_WORD_BYTES}
    assert Line(model=NATIVE_2_5).send({"realtimeInput": {"video": picture}}) == []


@pytest.mark.parametrize("number", ["1", "1e300"])
def test_more_numbers_than_can_be_read_quickly_are_refused(number: str) -> None:
    count = MAX_NUMBERS if number == "1" else MAX_HUGE_NUMBERS
    message = '{"toolResponse": {"functionResponses": [{"id": "a", "response": {"a": [%s]}}]}}'
    assert Line(model=NATIVE_2_5).send(message % ",".join([number] * (count // 2))) == []
    assert Line(model=NATIVE_2_5).send(message % ",".join([number] * (2 * count))) == [INVALID]


def test_who_does_not_read_for_long_is_not_read_either() -> None:
    unread, limits = Unread(), Limits()
    connection = connection_to(unread, limits)
    connection.send(bytes(limits.unread_bytes))
    assert unread.read  # it may be playing what it has, and the user may cut in
    connection.send(b"x")
    assert not unread.read
    connection.pause_reading("hearing")
    connection.resume_writing()
    assert not unread.read
    connection.resume_reading("hearing")
    assert unread.read


async def test_a_close_reason_is_cut_between_characters() -> None:
    unread = Unread()
    connection = connection_to(unread)
    connection.close(1011, "é" * 100)
    assert unread.closed == (1011, "é" * 61)
    connection.on_ws_disconnected(cast(picows.WSTransport, unread))


def test_the_thousandth_message_costs_what_the_first_does() -> None:
    line = Line(model=NATIVE_2_5, pace="instant", sessionResumption={})
    question = json.dumps({"realtimeInput": {"text": "hello"}})
    for _ in range(1000):
        line.send(question)
    tracemalloc.start()
    kept = []
    for _ in range(200):
        line.peer.receive(question, 0.0)
        kept.append(line.peer.actions())
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size / len(kept) < 8_000  # a copy of what was said would be 10,000 and more


def test_the_oldest_words_leave_the_context_window() -> None:
    line = Line(model=NATIVE_2_5, pace="instant")
    text = "x" * (CONTEXT_CHARACTERS // 10)
    for _ in range(30):
        line.types(text)
        line.ends()
    assert sum(len(turn.text) for turn in line.peer._conversation.history.turns()) <= CONTEXT_CHARACTERS


def test_what_waits_to_be_answered_is_bounded() -> None:
    line = Line(model=NATIVE_2_5, realtimeInputConfig={"activityHandling": "NO_INTERRUPTION"})
    frames: list[Any] = []
    for _ in range(300):
        frames += line.types("hello")
        if INVALID in frames:
            break
    assert INVALID in frames


def test_what_is_typed_during_an_utterance_is_bounded() -> None:
    line = Line(model=NATIVE_2_5, realtimeInputConfig={"automaticActivityDetection": {"disabled": True}})
    line.send({"realtimeInput": {"activityStart": {}}})
    frames: list[Any] = []
    for _ in range(12):
        frames += line.types("x" * (CONTEXT_CHARACTERS // 10))
    assert frames == [INVALID]


def test_more_than_can_be_read_quickly_is_refused() -> None:
    parts = [{"text": ""}] * MAX_VALUES
    line = Line(sessions=new_sessions(), model=NATIVE_2_5)
    assert line.send({"clientContent": {"turns": [{"role": "user", "parts": parts}]}}) == [INVALID]


async def test_a_message_that_takes_long_to_read_is_read_aside_and_in_order() -> None:
    parts = Parts()
    async with parts.server as server, dialled(server, **TEXT) as client:
        turns = [{"role": "user", "parts": [{"text": f"word{n}"}]} for n in range(2000)]
        client.send({"clientContent": {"turns": turns}})
        client.send({"clientContent": {"turns": [{"role": "model", "parts": [{"text": "Yes?"}]}]}})
        client.types("last")
        await client.until("turnComplete")
    (request,) = parts.responder.asked
    assert [turn.text for turn in request.history[:2]] == ["word0", "word1"]
    assert (len(request.history), request.history[-1].text, request.heard) == (2001, "Yes?", "last")


async def test_an_hour_of_audio_in_one_message_holds_up_nobody() -> None:
    parts = Parts()
    manual = {"automaticActivityDetection": {"disabled": True}}
    async with parts.server as server, dialled(server, model=NATIVE_2_5, realtimeInputConfig=manual) as client:
        loop = asyncio.get_running_loop()
        client.send({"realtimeInput": {"activityStart": {}}})
        client.says(bytes(4_000_000), 48_000)
        client.send({"realtimeInput": {"activityEnd": {}}})
        late: list[float] = []
        watch = loop.create_task(_watch(late))
        await client.until("turnComplete")
        watch.cancel()
    ((pcm, _),) = parts.hearing.transcribed
    assert len(pcm) == 32_000 * 30  # as much as an utterance may be
    assert len(late) > 20  # others had their turn in between


async def _watch(late: list[float]) -> None:
    while True:
        late.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0)


async def test_without_descriptors_accepting_backs_off_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(listener, "_RETRY_S", 0.001)
    loop = asyncio.get_running_loop()
    accept, failures = loop.sock_accept, [OSError(errno.EMFILE, "Too many open files") for _ in range(20)]

    async def sometimes(listening: socket.socket) -> Any:
        if failures:
            raise failures.pop()
        return await accept(listening)

    monkeypatch.setattr(loop, "sock_accept", sometimes)
    with caplog.at_level(logging.ERROR):
        async with Parts().server as server, dialled(server, **TEXT) as client:
            client.types("hello")
            await client.until("turnComplete")
    assert [record.getMessage() for record in caplog.records] == [
        "no more connections can be accepted for now: Too many open files"
    ]


async def test_half_open_connections_keep_nobody_out() -> None:
    async with LiveServer(warm_up=False, pace="instant", limits=Limits(newcomers=4)) as server, asyncio.timeout(WAIT_S):
        held = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(8)]
        async with dialled(server, **TEXT) as client:
            client.types("hello")
            await client.until("turnComplete")
        for _, writer in held:
            writer.close()
