from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from gemini_realtime.audio.format import INPUT_FORMAT, OUTPUT_FORMAT
from gemini_realtime.errors import AudioFormatError, ConfigError, HandshakeError
from gemini_realtime.evaluation.microphone import Microphone
from gemini_realtime.evaluation.socket_handset import Pcm, SocketHandset, Twilio, encoding_and_address, utterances
from gemini_realtime.local.speech.spelled import hum

websockets = pytest.importorskip("websockets", reason="plays the agent")


async def voice(words: str) -> bytes:
    return hum(200)


async def understand(pcm16k: bytes) -> str:
    return f"{len(pcm16k) / 32000:.0f} s"


async def answers_once(socket: Any) -> None:
    """Say a second of something when the caller has spoken and is silent."""
    spoke = False
    async for message in socket:
        loud = any(message)
        if spoke and not loud:
            await socket.send(hum(1000, OUTPUT_FORMAT))
            break
        spoke = spoke or loud
    async for _ in socket:
        pass


async def hangs_up(socket: Any) -> None:
    """Take the call, and end it."""


async def test_an_answer_is_heard_at_the_pace_of_sound_with_its_words_and_its_delay() -> None:
    from websockets.asyncio.server import serve

    async with serve(answers_once, "127.0.0.1", 0) as server:
        handset = SocketHandset(voice, Pcm(), understand, Microphone())
        async with handset.connected(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"):
            began_s = handset.now()
            await handset.say("Hello?")
            assert await handset.answered(began_s, 10)
    assert [(turn.role, turn.text) for turn in handset.turns] == [("caller", "Hello?"), ("agent", "2 s")]
    (answer,) = handset.answers
    assert answer.after_s is not None


async def test_an_agent_that_hangs_up_ends_the_call() -> None:
    from websockets.asyncio.server import serve

    async with serve(hangs_up, "127.0.0.1", 0) as server:
        handset = SocketHandset(voice, Pcm(), understand, Microphone())
        async with handset.connected(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"):
            await asyncio.wait_for(handset.over.wait(), 10)


async def test_marks_of_what_is_cleared_are_returned_at_once() -> None:
    from websockets.asyncio.server import serve

    returned = asyncio.get_running_loop().create_future()

    async def takes_back(socket: Any) -> None:
        await socket.send(hum(10_000, OUTPUT_FORMAT))
        await socket.send('{"event": "mark", "mark": {"name": "end"}}')
        await socket.recv()
        await socket.send('{"event": "clear"}')
        async for message in socket:
            if isinstance(message, str):
                returned.set_result(json.loads(message)["mark"]["name"])

    async with serve(takes_back, "127.0.0.1", 0) as server:
        handset = SocketHandset(voice, Pcm(), understand, Microphone())
        async with handset.connected(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"):
            assert await asyncio.wait_for(returned, 5) == "end"


def test_a_long_answer_is_cut_where_it_is_quiet_into_what_a_recogniser_takes() -> None:
    quiet = bytes(INPUT_FORMAT.bytes_for_ms(200))
    answer = hum(25_000) + quiet + hum(25_000)
    assert [round(len(piece) / 32_000, 1) for piece in utterances(answer)] == [25.1, 25.1]


@pytest.mark.parametrize(
    ("message", "what"),
    [
        ('{"event": "media", "media": {"payload": 5}}', "cannot be read"),
        ('{"event": "media", "media": {"payload": "!"}}', "base64"),
        ('{"event": "media"}', "cannot be read"),
        ('{"event": "mark"}', "cannot be read"),
    ],
)
async def test_an_agent_whose_messages_cannot_be_read_ends_the_call_and_that_is_said(message: str, what: str) -> None:
    from websockets.asyncio.server import serve

    async def nonsense(socket: Any) -> None:
        await socket.send(message)
        await socket.wait_closed()

    async with serve(nonsense, "127.0.0.1", 0) as server:
        handset = SocketHandset(voice, Twilio(), understand, Microphone())
        with pytest.raises(AudioFormatError, match=what):
            async with handset.connected(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"):
                await asyncio.wait_for(handset.over.wait(), 5)


async def test_an_agent_that_refuses_is_named_without_what_may_be_secret() -> None:
    from websockets.asyncio.server import serve

    def refuse(connection: Any, request: Any) -> Any:
        return connection.respond(403, "not with this token")

    async with serve(hangs_up, "127.0.0.1", 0, process_request=refuse) as server:
        url = f"ws://user:secret@127.0.0.1:{server.sockets[0].getsockname()[1]}/secret?token=secret"
        with pytest.raises(HandshakeError, match="refuses the call with HTTP 403") as refused:
            async with SocketHandset(voice, Pcm(), understand, Microphone()).connected(url):
                pass
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "ws:///x?token=secret", "sip+ws://127.0.0.1/", "wss://[::1/", ""])
def test_what_is_no_address_of_an_agent_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="no address of an agent") as refused:
        encoding_and_address(url)
    assert "secret" not in str(refused.value)


def test_an_address_may_have_any_query() -> None:
    encoding, address = encoding_and_address("ws://127.0.0.1:1/x?token=a+b")
    assert isinstance(encoding, Pcm)
    assert address == "ws://127.0.0.1:1/x?token=a+b"


async def test_where_nobody_answers_the_error_says_so() -> None:
    with pytest.raises(HandshakeError, match=r"no agent answers at 127\.0\.0\.1:1: "):
        async with SocketHandset(voice, Pcm(), understand, Microphone()).connected("ws://127.0.0.1:1/?token=secret"):
            pass


def test_a_telephone_hears_and_speaks_in_mulaw() -> None:
    pytest.importorskip("numpy", reason="G.711 needs the extra [audio]")
    line = Twilio()
    connected, start = (json.loads(message) for message in line.opening())
    assert (connected["event"], start["event"]) == ("connected", "start")
    media = [json.loads(message) for _ in range(3) for message in line.sent(hum(20))]
    assert [(message["event"], message["streamSid"]) for message in media] == 2 * [("media", start["streamSid"])]
    assert [message["media"]["timestamp"] for message in media] == ["0", "20"]
    heard = line.received(json.dumps(media[0]))
    assert isinstance(heard, bytes)


@pytest.mark.parametrize("message", ["", "[]", "nonsense", "null"])
def test_what_is_no_message_is_passed_over(message: str) -> None:
    assert Pcm().received(message) == {}
