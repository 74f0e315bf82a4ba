"""The client over a service played by the test, without sockets."""

from __future__ import annotations

import asyncio
import base64
import functools
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from gemini_realtime import (
    AudioDelta,
    AudioFormatError,
    AudioTruncated,
    ConfigError,
    ConnectionClosed,
    ConnectionLost,
    GeminiRealtimeClient,
    HandshakeError,
    InputAudioBufferDelta,
    NotConnectedError,
    RealtimeClientProtocol,
    RealtimeEvent,
    SessionCreated,
    SessionResumed,
    SessionUpdated,
    SetupTimeout,
    TurnComplete,
    UnsupportedByModel,
    get_client,
    realtime_client,
    register_realtime_client,
)
from gemini_realtime.testing import in_virtual_time, messages
from gemini_realtime.transport.base import Receiver, Transport
from gemini_realtime.transport.memory import MemoryService
from tests.loop import settle

KEY = "AIza-not-a-real-key"
WAIT_S = 10.0


def config(**entry: Any) -> dict[str, Any]:
    return {"config_list": [{"model": "gemini-3.8-live", "api_key": KEY, "api_type": "google", **entry}]}


def client_of(service: MemoryService, **entry: Any) -> GeminiRealtimeClient:
    return GeminiRealtimeClient(llm_config=config(**entry), dial=service.dial)


async def read(client: GeminiRealtimeClient, count: int) -> list[RealtimeEvent]:
    """The next `count` events; then the reader is left."""
    happened: list[RealtimeEvent] = []
    async with asyncio.timeout(WAIT_S):
        async for event in client.read_events():
            happened.append(event)
            if len(happened) == count:
                break
    return happened


async def read_to_end(client: GeminiRealtimeClient) -> list[RealtimeEvent]:
    async with asyncio.timeout(WAIT_S):
        return [event async for event in client.read_events()]


# --- the documented contract


def test_it_is_what_the_protocol_asks_for() -> None:
    assert isinstance(GeminiRealtimeClient(llm_config=config()), RealtimeClientProtocol)


def test_the_logger_is_the_one_given_or_the_packages() -> None:
    mine = logging.getLogger("mine")
    assert GeminiRealtimeClient(llm_config=config(), logger=mine).logger is mine
    assert GeminiRealtimeClient(llm_config=config()).logger.name == "gemini_realtime"


@in_virtual_time
async def test_without_a_connection_reading_and_the_connection_itself_are_runtime_errors() -> None:
    client = client_of(MemoryService())
    with pytest.raises(RuntimeError, match=r"^Client is not connected, call connect\(\) first\.$"):
        await anext(client.read_events())
    with pytest.raises(RuntimeError):
        _ = client.connection


@in_virtual_time
async def test_connecting_sends_nothing_and_reading_sets_the_session_up() -> None:
    service = MemoryService()
    client = client_of(service, voice="kore", temperature=0.3)
    async with client.connect():
        await settle()
        assert service.sent == []
        (created,) = await read(client, 1)
        assert isinstance(created, SessionCreated)
        setup = service.sent[0]["setup"]
        assert setup["model"] == "models/gemini-3.8-live"
        assert setup["generationConfig"]["temperature"] == 0.3
        voice = setup["generationConfig"]["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]["voiceName"]
        assert voice.lower() == "kore"
        assert setup["generationConfig"]["responseModalities"] == ["AUDIO"]


@in_virtual_time
async def test_the_key_travels_in_its_header_and_not_in_the_url() -> None:
    service = MemoryService()
    async with client_of(service).connect():
        assert service.headers["x-goog-api-key"] == KEY
        assert KEY not in service.url


@in_virtual_time
async def test_session_updates_are_recorded_until_the_session_is_set_up() -> None:
    service = MemoryService()
    client = client_of(service)
    await client.session_update({"instructions": "Be brief."})
    async with client.connect():
        await client.session_update({"tools": [], "tool_choice": "auto", "input_audio_format": "pcm16"})
        await read(client, 1)
        assert service.sent[0]["setup"]["systemInstruction"]["parts"] == [{"text": "Be brief."}]


@in_virtual_time
async def test_a_session_update_that_comes_too_late_warns(caplog: pytest.LogCaptureFixture) -> None:
    client = client_of(MemoryService(), reconnect="off")
    async with client.connect():
        await read(client, 1)
        with caplog.at_level("WARNING", "gemini_realtime"):
            await client.session_update({"instructions": "Be brief."})
    assert "next connect" in caplog.text


@in_virtual_time
async def test_an_option_that_does_not_exist_is_refused_with_the_near_name_and_nothing_is_recorded() -> None:
    service = MemoryService()
    client = client_of(service)
    with pytest.raises(ConfigError, match="temperature"):
        await client.session_update({"instructions": "x", "temperatur": 1})
    async with client.connect():
        await read(client, 1)
    assert "systemInstruction" not in service.sent[0]["setup"]


@in_virtual_time
async def test_what_the_model_refuses_is_refused_before_dialling() -> None:
    service = MemoryService()
    client = client_of(service)
    await client.session_update({"response_modalities": ["TEXT"]})
    with pytest.raises(UnsupportedByModel):
        async with client.connect():
            pass
    assert service.connections == 0


@in_virtual_time
async def test_added_events_are_read_among_the_others_and_none_ends_one_reader() -> None:
    client = client_of(MemoryService())
    mine = RealtimeEvent(raw_message={"mine": 1})
    async with client.connect():
        await client.add_event(mine)
        await client.add_event(None)
        assert await read_to_end(client) == [mine]
        assert isinstance((await read(client, 1))[0], SessionCreated)
        await client.add_event(mine)
        assert await client.get_event() is mine


@in_virtual_time
async def test_the_audio_that_is_sent_is_echoed_to_observers() -> None:
    service = MemoryService()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        await client.send_audio("AAAA")
        await client.queue_input_audio_buffer_delta("BBBB")
        echoes = await read(client, 2)
    assert [echo.delta for echo in echoes if isinstance(echo, InputAudioBufferDelta)] == ["AAAA", "BBBB"]


@in_virtual_time
async def test_truncating_tells_observers_and_not_the_service(caplog: pytest.LogCaptureFixture) -> None:
    service = MemoryService()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        sent = len(service.sent)
        with caplog.at_level("INFO", "gemini_realtime"):
            await client.truncate_audio(audio_end_ms=300, content_index=0, item_id="x")
        assert await read(client, 1) == [AudioTruncated(audio_end_ms=300, content_index=0, item_id="x")]
        assert len(service.sent) == sent
        with pytest.raises(ConfigError, match="audio_end_ms"):
            await client.truncate_audio(audio_end_ms=-1, content_index=0, item_id="x")
    assert "not natively supported" in caplog.text


def test_a_factory_is_given_for_google_without_further_arguments_only() -> None:
    logger = logging.getLogger("mine")
    factory = GeminiRealtimeClient.get_factory(config(), logger)
    assert factory is not None
    assert isinstance(factory(), GeminiRealtimeClient)
    assert GeminiRealtimeClient.get_factory(config(api_type="openai"), logger) is None
    assert GeminiRealtimeClient.get_factory(config(), logger, websocket=object()) is None


def test_get_client_asks_the_registered_classes_in_order() -> None:
    logger = logging.getLogger("mine")
    assert isinstance(get_client(config(), logger), GeminiRealtimeClient)
    with pytest.raises(ValueError, match=r"Realtime API client not found\."):
        get_client(config(api_type="nobody"), logger)


def test_a_configuration_without_a_type_is_geminis() -> None:
    untyped = {"config_list": [{"model": "gemini-3.8-live", "api_key": KEY}]}
    assert type(get_client(untyped, logging.getLogger("mine"))) is GeminiRealtimeClient


def test_a_registered_class_is_found_and_registering_it_again_replaces_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(realtime_client, "_registered", {**realtime_client._registered})  # it is not for other tests

    @register_realtime_client()
    class Mine(GeminiRealtimeClient):
        @classmethod
        def get_factory(
            cls, llm_config: Any, logger: logging.Logger, **kwargs: Any
        ) -> Callable[[], RealtimeClientProtocol] | None:
            mine = llm_config["config_list"][0].get("api_type") == "mine"
            return (lambda: cls(llm_config=llm_config, logger=logger)) if mine else None

    assert register_realtime_client()(Mine) is Mine
    assert type(get_client(config(api_type="mine"), logging.getLogger("mine"))) is Mine


# --- nothing is lost


@in_virtual_time
async def test_what_is_sent_before_connecting_and_before_reading_arrives_in_order() -> None:
    service = MemoryService()
    client = client_of(service)
    await client.send_text(role="user", text="one", turn_complete=False)
    async with client.connect():
        await client.send_text(role="user", text="two", turn_complete=False)
        await client.send_audio(b"\x01\x00")
        await settle()
        assert service.sent == []
        await read(client, 1)
        await settle()
        assert [next(iter(frame)) for frame in service.sent] == [
            "setup",
            "clientContent",
            "clientContent",
            "realtimeInput",
        ]
        assert service.sent[1]["clientContent"]["turns"][0]["parts"][0]["text"] == "one"


@in_virtual_time
async def test_reading_may_be_left_by_break_cancel_or_close_and_entered_again_without_losing_an_event() -> None:
    service = MemoryService()
    client = client_of(service)

    def number(event: RealtimeEvent) -> int:
        return int(event.raw_message["n"])

    async with client.connect():
        await read(client, 1)
        for n in range(6):
            service.say({"n": n})
        by_break = await read(client, 2)
        generator = client.read_events()
        by_close = [await anext(generator)]
        await generator.aclose()
        rest = [await anext(client.read_events()) for _ in range(3)]
        assert [number(event) for event in (*by_break, *by_close, *rest)] == list(range(6))

        reader = asyncio.create_task(read(client, 1))
        await settle()
        service.say({"n": 6})
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        assert number((await read(client, 1))[0]) == 6
    assert len([frame for frame in service.sent if "setup" in frame]) == 1


@in_virtual_time
async def test_a_second_connection_is_a_new_conversation() -> None:
    service = MemoryService()
    client = client_of(service)
    for text in ("first", "second"):
        async with client.connect():
            await client.send_text(role="user", text=text)
            service.say({"left": "unread"})
            events = await read(client, 2)
            await settle()
            assert [type(event) for event in events].count(SessionCreated) == 1
            assert [next(iter(frame)) for frame in service.sent] == ["setup", "clientContent"]
            assert service.sent[1]["clientContent"]["turns"][0]["parts"][0]["text"] == text
            service.say({"never": "read"})
    assert service.connections == 2


@in_virtual_time
async def test_two_connections_at_once_are_refused() -> None:
    client = client_of(MemoryService())
    async with client.connect():
        with pytest.raises(ConfigError, match="connected already"):
            async with client.connect():
                pass
        await read(client, 1)


@in_virtual_time
async def test_a_reader_that_does_not_read_slows_the_service_down_and_misses_nothing() -> None:
    service = MemoryService()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        for n in range(2000):
            service.say({"n": n})
        assert not service.reading
        happened = await read(client, 2000)
        assert [event.raw_message["n"] for event in happened] == list(range(2000))
        assert service.reading


@in_virtual_time
async def test_events_of_a_client_that_sends_much_before_it_reads_are_all_there() -> None:
    service = MemoryService()
    client = client_of(service)
    async with client.connect():
        for _ in range(3000):
            await client.send_audio(b"\x00" * 640)
        seen = 0
        async with asyncio.timeout(WAIT_S):
            async for event in client.read_events():
                if isinstance(event, SessionCreated):
                    break
        async with asyncio.timeout(WAIT_S):
            while seen < 3001:
                await settle()
                seen = len(service.sent)
    assert "setup" in service.sent[0]


# --- the end of a connection


@in_virtual_time
async def test_a_normal_close_ends_reading_normally() -> None:
    service = MemoryService()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        service.say(messages.turn_complete())
        service.end(1000)
        assert [type(event) for event in await read_to_end(client)] == [TurnComplete]


@in_virtual_time
async def test_any_other_close_raises_one_error_after_the_events_before_it() -> None:
    service = MemoryService()
    client = client_of(service, reconnect="off")
    async with client.connect():
        await read(client, 1)
        service.say(messages.audio(b"\1\2"))
        service.end(1011, "Internal error encountered.")
        assert isinstance((await read(client, 1))[0], AudioDelta)
        with pytest.raises(ConnectionClosed, match="Internal error encountered") as caught:
            await read_to_end(client)
        assert (caught.value.code, caught.value.retryable) == (1011, True)
        with pytest.raises(ConnectionClosed):
            await client.send_text(role="user", text="anyone there?")


@in_virtual_time
async def test_after_a_failure_the_client_can_connect_again() -> None:
    service = MemoryService()
    client = client_of(service, reconnect="off")
    async with client.connect():
        await read(client, 1)
        service.end(1006)
        with pytest.raises(ConnectionClosed):
            await read_to_end(client)
    async with client.connect():
        assert isinstance((await read(client, 1))[0], SessionCreated)


@in_virtual_time
async def test_leaving_the_connection_ends_a_reader_in_another_task_normally() -> None:
    client = client_of(MemoryService())
    async with client.connect():
        reader = asyncio.create_task(read_to_end(client))
        await settle()
    assert [type(event) for event in await reader] == [SessionCreated]


@in_virtual_time
async def test_a_service_that_talks_on_while_the_connection_closes_does_not_hold_it_up() -> None:
    class Chatterbox(MemoryService):
        heard_out = False

        def end(self, code: int = 1000, reason: str = "") -> None:
            for n in range(1000):
                self.say({"n": n})
            self.heard_out = self.reading
            super().end(code, reason)

    service = Chatterbox()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
    assert service.heard_out


@in_virtual_time
async def test_a_setup_that_is_not_confirmed_in_time_is_an_error() -> None:
    client = client_of(MemoryService(on_frame=lambda service, frame: None), setup_timeout_s=0.01, reconnect="off")
    async with client.connect():
        with pytest.raises(SetupTimeout, match="setup_timeout_s"):
            await read_to_end(client)


@in_virtual_time
async def test_closing_leaves_no_task_behind() -> None:
    before = asyncio.all_tasks()
    service = MemoryService()
    async with client_of(service).connect():
        pass
    await settle()
    assert asyncio.all_tasks() == before


# --- beyond the contract


@in_virtual_time
async def test_audio_may_be_raw_bytes_or_base64_at_any_rate() -> None:
    service = MemoryService()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        await client.send_audio(b"\x01\x02\x03\x04", rate_hz=8000)
        await client.send_audio(base64.urlsafe_b64encode(b"\xff\xfe\xfb\xef").decode())
        await settle()
    first, second = (frame["realtimeInput"]["audio"] for frame in service.sent[1:])
    assert first == {"mimeType": "audio/pcm;rate=8000", "data": base64.b64encode(b"\x01\x02\x03\x04").decode()}
    assert base64.urlsafe_b64decode(second["data"]) == b"\xff\xfe\xfb\xef"


@pytest.mark.parametrize("bad", [b"\x01", b"\x01\x02\x03", "not base64!"])
@in_virtual_time
async def test_audio_that_is_none_is_refused_and_nothing_is_sent(bad: str | bytes) -> None:
    service = MemoryService()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        with pytest.raises(AudioFormatError):
            await client.send_audio(bad)
        await settle()
    assert len(service.sent) == 1


@pytest.mark.parametrize("audio", [[1, 2], None, 7, {"data": "AAAA"}])
@in_virtual_time
async def test_what_is_no_audio_at_all_is_refused(audio: Any) -> None:
    with pytest.raises(AudioFormatError, match="pass bytes of 16-bit samples, or base64 text"):
        await client_of(MemoryService()).send_audio(audio)


@pytest.mark.parametrize("rate_hz", ["16000", 16000.0, None])
@in_virtual_time
async def test_a_rate_that_is_no_whole_number_is_refused(rate_hz: Any) -> None:
    with pytest.raises(AudioFormatError, match="as an int"):
        await client_of(MemoryService()).send_audio(b"\x00\x00", rate_hz=rate_hz)


@in_virtual_time
async def test_bad_audio_is_refused_in_the_middle_of_good_audio_and_ends_none_of_it() -> None:
    service, piece = MemoryService(), b"\x01\x02" * 320
    client = client_of(service)
    bad: list[tuple[Any, Any]] = [(piece, 16000.0), (piece, None), (piece, 0), (piece[1:], 16000), ("?" * 856, 16000)]
    async with client.connect():
        await read(client, 1)
        for audio, rate_hz in bad:
            await client.send_audio(piece)
            await client.send_audio(piece)
            with pytest.raises(AudioFormatError):
                await client.send_audio(audio, rate_hz=rate_hz)
        await client.send_audio(b"")
        await client.send_audio(piece)
        await settle()
    good = {"mimeType": "audio/pcm;rate=16000", "data": base64.b64encode(piece).decode()}
    assert [frame["realtimeInput"]["audio"] for frame in service.sent[1:]] == [good] * (2 * len(bad) + 1)


@pytest.mark.parametrize("rate_hz", [0, -16000, 10**9])
@in_virtual_time
async def test_a_rate_that_no_sound_has_is_refused(rate_hz: int) -> None:
    with pytest.raises(AudioFormatError, match=f"{rate_hz} samples"):
        await client_of(MemoryService()).send_audio(b"\x00\x00", rate_hz=rate_hz)


@in_virtual_time
async def test_no_audio_is_nothing_to_send() -> None:
    service = MemoryService()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        for nothing in (b"", ""):
            await client.send_audio(nothing)
        await settle()
    assert len(service.sent) == 1


EMPTY: dict[str, Any] = {}


@pytest.mark.parametrize(
    "response",
    [{"text": "\ud83d"}, {"object": object()}, functools.reduce(lambda inner, _: {"in": inner}, range(5000), EMPTY)],
    ids=["half a character", "not JSON", "too deep"],
)
@in_virtual_time
async def test_what_cannot_be_sent_is_refused_without_repeating_it_and_the_session_goes_on(response: Any) -> None:
    service = MemoryService()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        with pytest.raises(ConfigError) as caught:
            await client.send_function_result("1", response)
        assert "\ud83d" not in str(caught.value)
        with pytest.raises(ConfigError):
            await client.session_update({"instructions": "\ud83d"})
        await client.send_text(role="user", text="hello")
        await settle()
    assert [next(iter(frame)) for frame in service.sent] == ["setup", "clientContent"]


@in_virtual_time
async def test_every_kind_of_input_has_its_message() -> None:
    service = MemoryService()
    client = client_of(service)
    await client.session_update({"turn_detection": None})
    sends: list[Callable[[], Awaitable[None]]] = [
        lambda: client.send_video(b"\xff\xd8", mime_type="image/jpeg"),
        client.activity_start,
        client.activity_end,
        lambda: client.send_function_result("1", {"temperature": 20}),
        lambda: client.send_context_update(instructions="Be brief.", tools=[]),
    ]
    async with client.connect():
        await read(client, 1)
        service.say({"toolCall": {"functionCalls": [{"id": "1", "name": "look"}]}})
        for send in sends:
            await send()
        await settle()
    assert service.sent[1:] == [
        {"realtimeInput": {"video": {"mimeType": "image/jpeg", "data": "/9g="}}},
        {"realtimeInput": {"activityStart": {}}},
        {"realtimeInput": {"activityEnd": {}}},
        {"toolResponse": {"functionResponses": [{"id": "1", "name": "look", "response": {"temperature": 20}}]}},
        {"contextUpdate": {"systemInstruction": {"parts": [{"text": "Be brief."}]}, "tools": {"tools": []}}},
    ]


@pytest.mark.parametrize("image", ["photo.jpg", b"", None, [255, 216]])
@in_virtual_time
async def test_what_is_no_image_is_refused(image: Any) -> None:
    with pytest.raises(ConfigError, match="pass the bytes of a JPEG or PNG file"):
        await client_of(MemoryService()).send_video(image)


@in_virtual_time
async def test_an_image_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="image/gif"):
        await client_of(MemoryService()).send_video(b"GIF89a", mime_type="image/gif")


@in_virtual_time
async def test_history_is_sent_before_anything_else() -> None:
    service = MemoryService()
    client = client_of(service)
    await client.session_update(
        {"history": [{"role": "user", "text": "I am Ann."}, {"role": "assistant", "text": "Hi."}]}
    )
    await client.send_text(role="user", text="Who am I?")
    async with client.connect():
        await read(client, 1)
        await settle()
    turns = [turn for frame in service.sent[1:] for turn in frame["clientContent"]["turns"]]
    assert [(turn["role"], turn["parts"][0]["text"]) for turn in turns] == [
        ("user", "I am Ann."),
        ("model", "Hi."),
        ("user", "Who am I?"),
    ]


@in_virtual_time
async def test_the_key_is_in_no_log_repr_or_error(caplog: pytest.LogCaptureFixture) -> None:
    service = MemoryService()
    with caplog.at_level(1):
        client = client_of(service, base_url=f"wss://example.com/live?key={KEY}")
        async with client.connect():
            await read(client, 1)
            service.end(1008, "no")
            with pytest.raises(ConnectionClosed) as caught:
                await read_to_end(client)
    assert KEY not in f"{caught.value!r} {caught.value}"
    assert KEY not in caplog.text
    assert KEY not in f"{client!r} {vars(client)!r}"
    assert KEY not in service.url


@in_virtual_time
async def test_the_missing_key_names_both_variables_and_the_embedded_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    with pytest.raises(ConfigError, match=r"GEMINI_API_KEY.*GOOGLE_API_KEY.*LiveServer"):
        GeminiRealtimeClient(llm_config={"config_list": [{"model": "gemini-3.8-live"}]})


@in_virtual_time
async def test_dialling_that_fails_keeps_what_was_said_for_the_next_try() -> None:
    service = MemoryService()
    failing = True

    async def dial(url: str, headers: Mapping[str, str], receiver: Receiver) -> Transport:
        if failing:
            raise HandshakeError("no network")
        return await service.dial(url, headers, receiver)

    client = GeminiRealtimeClient(llm_config=config(), dial=dial)
    await client.send_text(role="user", text="hello")
    with pytest.raises(HandshakeError):
        async with client.connect():
            pass
    failing = False
    async with client.connect():
        await read(client, 1)
        await settle()
    assert [next(iter(frame)) for frame in service.sent] == ["setup", "clientContent"]


# --- a conversation that survives its connection; what is decided is tested in tests/protocol


NO_WAIT = {"jitter": lambda: 0.0}


def texts(service: MemoryService) -> list[str]:
    return [
        turn["parts"][0]["text"] for frame in service.sent for turn in frame.get("clientContent", {}).get("turns", [])
    ]


@in_virtual_time
async def test_a_lost_connection_is_made_good_and_what_no_handle_holds_is_sent_again() -> None:
    service = MemoryService()
    client = client_of(service, reconnect=NO_WAIT)
    async with client.connect():
        await read(client, 1)
        service.say(messages.resumption_handle("h1"))
        await client.send_text(role="user", text="one")
        await settle()
        service.end(1006)
        await client.send_text(role="user", text="two")
        _, lost, resumed = await read(client, 3)
        await settle()
        assert isinstance(lost, ConnectionLost)
        assert isinstance(resumed, SessionResumed)
        assert (lost.code, resumed.replayed, resumed.new_session) == (1006, 1, False)
        assert [item.text for item in resumed.items] == ["one"]
        assert service.sent[0]["setup"]["sessionResumption"] == {"handle": "h1"}
        assert texts(service) == ["one", "two"]
        assert service.connections == 2


@in_virtual_time
async def test_reconnect_off_ends_the_conversation_with_its_connection() -> None:
    service = MemoryService()
    client = client_of(service, reconnect="off")
    async with client.connect():
        await read(client, 1)
        service.end(1006)
        with pytest.raises(ConnectionClosed):
            await read_to_end(client)
    assert service.connections == 1


@in_virtual_time
async def test_new_options_take_up_the_session_again_between_turns() -> None:
    service = MemoryService()
    client = client_of(service, reconnect=NO_WAIT)
    async with client.connect():
        await read(client, 1)
        service.say(messages.resumption_handle("h1"))
        await read(client, 1)
        await client.session_update({"instructions": "Be brief."})
        service.say(messages.resumption_handle("h2"))
        happened = await read(client, 3)
        assert [type(event) for event in happened] == [RealtimeEvent, SessionResumed, SessionUpdated]
        assert service.sent[0]["setup"]["systemInstruction"]["parts"] == [{"text": "Be brief."}]
        assert service.sent[0]["setup"]["sessionResumption"] == {"handle": "h2"}


@in_virtual_time
async def test_a_new_session_takes_the_place_of_the_old_one() -> None:
    service = MemoryService()
    client = client_of(service, reconnect=NO_WAIT)
    with pytest.raises(NotConnectedError, match="no session to replace"):
        await client.new_session()
    async with client.connect():
        await read(client, 1)
        service.say(messages.resumption_handle("h1"))
        await read(client, 1)
        await client.new_session({"instructions": "Be brief."})
        assert [type(event) for event in await read(client, 2)] == [SessionResumed, SessionUpdated]
        assert service.sent[0]["setup"]["systemInstruction"]["parts"] == [{"text": "Be brief."}]
        assert service.sent[0]["setup"]["sessionResumption"] == {}


@in_virtual_time
async def test_sessions_that_end_with_their_connection_are_not_replaced() -> None:
    client = client_of(MemoryService(), reconnect="off")
    async with client.connect():
        await read(client, 1)
        with pytest.raises(ConfigError, match="cannot change its session"):
            await client.new_session()


@in_virtual_time
async def test_options_for_which_there_is_no_message_take_a_new_setup() -> None:
    service = MemoryService()
    vertex = {"model": "gemini-3.8-live", "vertexai": True, "api_key": KEY, "reconnect": NO_WAIT}
    client = GeminiRealtimeClient(llm_config={"config_list": [vertex]}, dial=service.dial)
    async with client.connect():
        await read(client, 1)
        service.say(messages.resumption_handle("h1"))
        await client.session_update({"instructions": "Be brief.", "temperature": 0.5})
        while not isinstance((await read(client, 1))[0], SessionUpdated):
            pass
        assert service.sent[0]["setup"]["generationConfig"]["temperature"] == 0.5


@in_virtual_time
async def test_options_that_were_refused_are_forgotten_and_later_ones_are_not_refused_for_them() -> None:
    def refuse_limits(service: MemoryService, message: dict[str, Any]) -> None:
        if "maxOutputTokens" in message.get("setup", {}).get("generationConfig", {}):
            service.end(1007, "Request contains an invalid argument.")
        elif "setup" in message:
            service.say({"setupComplete": {}})
            service.say(messages.resumption_handle("h1"))

    service = MemoryService(refuse_limits)
    client = client_of(service, reconnect=NO_WAIT)
    async with client.connect():
        await read(client, 2)
        await client.session_update({"max_output_tokens": 9})
        while not isinstance((await read(client, 1))[0], SessionResumed):
            pass
        await client.session_update({"instructions": "Be brief."})
        while not isinstance((await read(client, 1))[0], SessionUpdated):
            pass
        assert service.sent[0]["setup"]["systemInstruction"]["parts"] == [{"text": "Be brief."}]
    async with client.connect():
        await read(client, 1)
        assert service.sent[0]["setup"]["systemInstruction"]["parts"] == [{"text": "Be brief."}]
        assert "maxOutputTokens" not in service.sent[0]["setup"]["generationConfig"]


@pytest.mark.parametrize("when", ["before the session", "in the session"])
@in_virtual_time
async def test_what_was_told_in_a_context_update_is_said_by_later_setups_too(when: str) -> None:
    service = MemoryService()
    client = client_of(service, reconnect=NO_WAIT)
    await client.session_update({"system_instruction": "Be long."})
    if when == "before the session":
        await client.send_context_update(instructions="Be brief.")
    async with client.connect():
        await read(client, 1)
        if when == "in the session":
            await client.send_context_update(instructions="Be brief.")
        service.say(messages.resumption_handle("h1"))
        await client.session_update({"temperature": 1.5})
        service.end(1006)
        while not isinstance((await read(client, 1))[0], SessionUpdated):
            pass
        setup = service.sent[0]["setup"]
        assert setup["systemInstruction"]["parts"] == [{"text": "Be brief."}]
        assert setup["generationConfig"]["temperature"] == 1.5


@in_virtual_time
async def test_an_update_that_comes_too_late_is_made_at_the_next_connect() -> None:
    service = MemoryService()
    client = client_of(service, reconnect="off")
    async with client.connect():
        await read(client, 1)
        await client.session_update({"instructions": "Be brief."})
        await client.session_update({"temperature": 1.5})
    async with client.connect():
        await read(client, 1)
        setup = service.sent[0]["setup"]
        assert setup["systemInstruction"]["parts"] == [{"text": "Be brief."}]
        assert setup["generationConfig"]["temperature"] == 1.5


@in_virtual_time
async def test_where_the_service_has_a_message_for_new_options_they_need_no_new_connection() -> None:
    service = MemoryService()
    vertex = {"model": "gemini-3.8-live", "vertexai": True, "api_key": KEY}
    client = GeminiRealtimeClient(llm_config={"config_list": [vertex]}, dial=service.dial)
    async with client.connect():
        await read(client, 1)
        await client.session_update({"instructions": "Be brief."})
        assert isinstance((await read(client, 1))[0], SessionUpdated)
        await settle()
        assert service.sent[-1] == {"contextUpdate": {"systemInstruction": {"parts": [{"text": "Be brief."}]}}}
        service.end(1006)
        await read(client, 2)
        assert service.sent[0]["setup"]["systemInstruction"] == {"parts": [{"text": "Be brief."}]}


@in_virtual_time
async def test_another_client_continues_the_conversation_from_its_state() -> None:
    service = MemoryService()
    first = client_of(service)
    async with first.connect():
        await read(first, 1)
        await first.send_text(role="user", text="one")
        await asyncio.sleep(1)
        service.say(messages.audio(b"\1\2"))
        service.say({"serverContent": {"outputTranscription": {"text": "First."}, "generationComplete": True}})
        service.say(messages.turn_complete())
        service.say(messages.resumption_handle("h1"))
        await first.send_text(role="user", text="two")
        await settle()
    state = json.loads(json.dumps(first.session_state()))
    assert KEY not in json.dumps(state)
    second = client_of(service)
    async with second.connect(state=state):
        created, resumed = await read(second, 2)
        await settle()
        assert isinstance(created, SessionCreated)
        assert isinstance(resumed, SessionResumed)
        assert [item.text for item in resumed.items] == ["two"]
        assert service.sent[0]["setup"]["sessionResumption"] == {"handle": "h1"}
        assert texts(service) == ["two"]


@in_virtual_time
async def test_without_a_handle_the_state_opens_a_new_session_that_is_told_what_was_said() -> None:
    service = MemoryService()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        await client.send_text(role="user", text="My name is Ada.")
        await settle()
        service.say({"serverContent": {"outputTranscription": {"text": "Hello Ada."}}})
        service.say(messages.audio(b"\1\2"))
        service.say({"serverContent": {"generationComplete": True}})
        state = client.session_state()
    async with client.connect(state=state):
        _, resumed = await read(client, 2)
        await settle()
        assert isinstance(resumed, SessionResumed)
        assert resumed.new_session
        assert texts(service) == ["My name is Ada.", "Hello Ada."]


@pytest.mark.parametrize(
    "state",
    [{}, {"version": 1, "model": "gemini-3.8-live"}, {"version": 1, "model": "gemini-3.8-live", "saved_at": "x"}],
    ids=["empty", "cut", "damaged"],
)
@in_virtual_time
async def test_a_state_that_cannot_be_used_is_refused_before_dialling(state: dict[str, Any]) -> None:
    service = MemoryService()
    with pytest.raises(ConfigError, match="state"):
        async with client_of(service).connect(state=state):
            pass
    assert service.connections == 0


@in_virtual_time
async def test_a_state_whose_connection_failed_can_be_brought_again_and_is_sent_once() -> None:
    service = MemoryService()
    first = client_of(service)
    async with first.connect():
        await read(first, 1)
        service.say(messages.resumption_handle("h1"))
        await first.send_text(role="user", text="one")
        await settle()
    state = first.session_state()
    dial, failures = service.dial, [HandshakeError("no such host")]

    async def failing(url: str, headers: Mapping[str, str], receiver: Receiver) -> Transport:
        if failures:
            raise failures.pop()
        return await dial(url, headers, receiver)

    second = GeminiRealtimeClient(llm_config=config(), dial=failing)
    with pytest.raises(HandshakeError):
        async with second.connect(state=state):
            pass
    async with second.connect(state=state):
        await read(second, 2)
        await settle()
        assert texts(service) == ["one"]


def test_before_any_conversation_there_is_no_state() -> None:
    with pytest.raises(RuntimeError):
        client_of(MemoryService()).session_state()


# --- what comes late


async def test_what_is_sent_after_a_conversation_was_left_is_not_for_the_next() -> None:
    service = MemoryService()
    client = client_of(service)
    await client.send_text(role="user", text="early")  # before the first one it waits
    async with client.connect():
        await read(client, 1)
        await settle()
        assert texts(service) == ["early"]
    sends: list[Callable[[], Awaitable[None]]] = [
        lambda: client.send_text(role="user", text="late"),
        lambda: client.send_audio(bytes(640)),
        lambda: client.send_video(b"\xff\xd8"),
        lambda: client.send_function_result("1", "late"),
        client.audio_stream_end,
    ]
    for send in sends:
        with pytest.raises(NotConnectedError, match="was left"):
            await send()
    async with client.connect():
        await read(client, 1)
        await settle()
        assert [next(iter(frame)) for frame in service.sent] == ["setup"]


async def test_leaving_with_messages_that_were_not_sent_is_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    client = client_of(MemoryService())
    async with client.connect():
        await client.send_text(role="user", text="nobody has read an event yet")
    assert "left with 1 messages that had not been sent" in caplog.text


@in_virtual_time
async def test_connect_that_is_not_entered_with_async_with_says_what_to_write() -> None:
    client: Any = GeminiRealtimeClient(llm_config=config())
    with pytest.raises(ConfigError, match="write `async with"):
        await client.connect()
    with pytest.raises(ConfigError, match="write `async with"), client.connect():
        pass


@in_virtual_time
async def test_events_are_dispatched_to_a_function_until_the_connection_ends() -> None:
    service = MemoryService()
    client = client_of(service)
    got: list[RealtimeEvent] = []
    async with client.connect():
        dispatching = asyncio.create_task(client.dispatch_events(got.append, echoes=False))
        await settle()
        service.say(messages.audio(b"\0\0" * 960))
        await client.send_audio(b"\0\0" * 320)
        service.say(messages.turn_complete())
        await settle()
        assert [type(event) for event in got] == [SessionCreated, AudioDelta, TurnComplete]
        service.end()
        await asyncio.wait_for(dispatching, WAIT_S)


@in_virtual_time
async def test_a_coroutine_function_is_refused_as_a_handler_of_events() -> None:
    async def handle(event: RealtimeEvent) -> None:
        pass

    client = client_of(MemoryService())
    async with client.connect():
        with pytest.raises(ConfigError, match="plain function"):
            await client.dispatch_events(handle)


@in_virtual_time
async def test_echoes_that_nobody_wants_do_not_come() -> None:
    service = MemoryService()
    client = client_of(service)
    await client.send_audio(b"\0\0" * 320)
    async with client.connect():
        events = client.read_events(echoes=False)
        first = asyncio.create_task(anext(events))
        await settle()
        assert isinstance(await first, SessionCreated)
        await client.send_audio(b"\0\0" * 320)
        service.say(messages.audio(b"\0\0" * 960))
        assert isinstance(await anext(events), AudioDelta)
