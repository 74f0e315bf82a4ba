"""The embedded server on loopback, playing one family of models or another, and after a restart."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from gemini_realtime.errors import ConfigError
from gemini_realtime.local.lifetime import SessionLimits
from gemini_realtime.local.serve import LiveServer
from gemini_realtime.local.server.answering import FILLER
from gemini_realtime.local.thinking import Call, Item, Request, Say
from tests.local.fakes import SILENCE, FakeHearing, FakeResponder, FakeSpeaking, spoken
from tests.local.line import NATIVE_2_5, WEATHER, words
from tests.local.test_serve import dialled, echo


def server(**options: object) -> LiveServer:
    """Of fakes, at instant pace."""
    backends = {"hearing": FakeHearing(), "responder": FakeResponder(echo), "speaking": FakeSpeaking()}
    return LiveServer(**{"pace": "instant", **backends, **options})  # type: ignore[arg-type]


async def test_a_profile_by_name_replaces_that_of_the_model() -> None:
    async with server(model_profile="3.1-flash-live") as live, dialled(live, model=NATIVE_2_5) as client:
        client.types("hello")
        assert (await client.until("turnComplete"))[0] == {"serverContent": {}}


def test_an_unknown_profile_is_an_error() -> None:
    with pytest.raises(ConfigError, match="no model profile"):
        server(model_profile="4.0")


async def test_a_session_is_resumed_after_the_server_was_restarted(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    async with server(sessions_path=path) as live, dialled(live, model=NATIVE_2_5, sessionResumption={}) as client:
        client.types("my name is Alice")
        await client.until("turnComplete")
        frames = await client.until("sessionResumptionUpdate")
        handle = frames[-1]["sessionResumptionUpdate"]["newHandle"]
    mind = FakeResponder(echo)
    async with (
        server(sessions_path=path, responder=mind) as live,
        dialled(live, model=NATIVE_2_5, sessionResumption={"handle": handle}) as client,
    ):
        client.types("what is my name")
        await client.until("turnComplete")
    assert mind.asked[0].history[0].text == "my name is Alice"


async def test_a_connection_is_told_of_its_end() -> None:
    async with (
        server(connection_lifetime_s=30.0, go_away_before_s=60.0) as live,
        dialled(live, model=NATIVE_2_5) as client,
    ):
        assert (await client.until("goAway"))[-1] == {"goAway": {"timeLeft": "30s"}}


async def test_a_session_is_told_of_its_end() -> None:
    async with server(session_limits=SessionLimits(audio_s=30.0)) as live, dialled(live, model=NATIVE_2_5) as client:
        assert "goAway" in (await client.until("goAway"))[-1]


@pytest.mark.parametrize(("said", "heard"), [([], FILLER), ([Say("I'm looking.")], "I'm looking.")])
async def test_extended_thinking_says_that_it_is_at_work_and_calls_then(said: list[Item], heard: str) -> None:
    def look_up(request: Request) -> Iterable[Item]:
        return [Say("It is foggy.")] if request.results else [*said, Call("get_weather")]

    setup: dict[str, Any] = {
        "model": "models/gemini-3.8-live-extended-thinking",
        "generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW"}},
        "outputAudioTranscription": {},
        "tools": [WEATHER],
    }
    async with server(responder=FakeResponder(look_up)) as live, dialled(live, **setup) as client:
        client.types("weather")
        frames = await client.until("toolCall")
        assert words(frames, "outputTranscription") == heard
        assert frames[-2]["serverContent"] == {"turnComplete": True, "interactionStatus": "IN_PROGRESS"}
        (call,) = frames[-1]["toolCall"]["functionCalls"]
        client.send({"toolResponse": {"functionResponses": [{"id": call["id"], "response": {}}]}})
        frames = await client.until("turnComplete")
    assert words(frames, "outputTranscription") == "It is foggy."
    assert frames[-1]["serverContent"]["interactionStatus"] == "IDLE"


async def test_the_transcriber_is_not_bound_to_what_the_mind_expects() -> None:
    hearing = FakeHearing()
    async with (
        server(hearing=hearing) as live,
        dialled(live, model="models/gemini-3.5-transcribe-live") as client,
    ):
        for sound in (spoken("any words"), SILENCE, SILENCE):
            client.says(sound)
        await client.until("generationComplete")
    assert hearing.transcribed[0][1] is None


async def test_what_was_said_earlier_is_heard_however_long_it_was() -> None:
    sound = spoken("My name is Alice.".ljust(30 * 32_000 - 2) + " I like teal.") + b"\1"
    blob = {"mimeType": "audio/pcm;rate=16000", "data": base64.b64encode(sound).decode()}
    mind = FakeResponder(echo)
    async with server(responder=mind) as live, dialled(live, model="models/gemini-3.8-live") as client:
        turn = {"role": "user", "parts": [{"inlineData": blob}]}
        client.send({"clientContent": {"turns": [turn], "turnComplete": True}})
        await client.until("turnComplete")
    assert mind.asked[0].heard == "My name is Alice. I like teal."


async def test_the_translator_says_the_words_again() -> None:
    mind, speaking = FakeResponder(echo), FakeSpeaking()
    translation = {"translationConfig": {"targetLanguageCode": "de"}}
    model = "models/gemini-3.5-live-translate-preview"
    async with (
        server(responder=mind, speaking=speaking) as live,
        dialled(live, model=model, generationConfig=translation) as client,
    ):
        for sound in (spoken("good morning"), SILENCE, SILENCE):
            client.says(sound)
        await client.until("turnComplete")
    assert mind.asked == []
    assert speaking.voices == [(None, "de")]
