"""Speech that is remembered."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

import pytest

from gemini_realtime.local.speech.phrases import Phrases
from gemini_realtime.local.speech.speaking import SpokenChunk
from gemini_realtime.local.speech.speaking_espeak import EspeakSpeaking


class Maker:
    """Makes speech of 100 bytes a word, and counts."""

    def __init__(self) -> None:
        self.made: list[str] = []

    async def speak(self, text: str) -> AsyncGenerator[SpokenChunk, None]:
        self.made.append(text)
        for word in text.split():
            yield SpokenChunk(bytes(100), word)


async def said(phrases: Phrases, maker: Maker, text: str) -> list[str]:
    return [chunk.text async for chunk in phrases.speak(text, partial(maker.speak, text))]


async def test_what_was_said_before_is_not_made_again() -> None:
    phrases, maker = Phrases(), Maker()
    assert [await said(phrases, maker, "good morning") for _ in range(3)] == [["good", "morning"]] * 3
    assert await said(phrases, maker, "good night") == ["good", "night"]
    assert maker.made == ["good morning", "good night"]


async def test_speech_that_was_cut_short_is_not_kept() -> None:
    phrases, maker = Phrases(), Maker()
    async with aclosing(phrases.speak("good morning", partial(maker.speak, "good morning"))) as chunks:
        await anext(chunks)
    assert await said(phrases, maker, "good morning") == ["good", "morning"]
    assert maker.made == ["good morning"] * 2


async def test_what_was_not_asked_for_the_longest_is_forgotten_first() -> None:
    phrases, maker = Phrases(capacity_bytes=450), Maker()
    for text in ("a b", "c d", "a b", "e"):
        await said(phrases, maker, text)
    for text in ("a b", "e", "c d"):
        await said(phrases, maker, text)
    assert maker.made == ["a b", "c d", "e", "c d"]


async def test_what_is_larger_than_everything_is_not_kept_and_forgets_nothing_by_half() -> None:
    phrases, maker = Phrases(capacity_bytes=250), Maker()
    for text in ("a b c", "a b", "a b"):
        await said(phrases, maker, text)
    assert maker.made == ["a b c", "a b"]


async def test_two_at_once_are_counted_once() -> None:
    phrases, maker = Phrases(capacity_bytes=300), Maker()
    async with (
        aclosing(phrases.speak("a b", partial(maker.speak, "a b"))) as one,
        aclosing(phrases.speak("a b", partial(maker.speak, "a b"))) as other,
    ):
        for chunks in (one, other):
            await anext(chunks)
        for chunks in (one, other):
            assert [chunk.text async for chunk in chunks] == ["b"]
    await said(phrases, maker, "c")
    await said(phrases, maker, "a b")
    assert maker.made == ["a b", "a b", "c"]


async def test_espeak_remembers_by_text_voice_and_language() -> None:
    for module in ("espeakng_loader", "numpy"):
        pytest.importorskip(module, reason="the extra [espeak]")
    speaking = EspeakSpeaking()

    async def spoken(voice: str | None) -> list[SpokenChunk]:
        return [chunk async for chunk in speaking.speak("Good morning.", voice=voice, language="en-US")]

    first = await spoken("Puck")
    assert all(one is other for one, other in zip(first, await spoken("Puck"), strict=True))
    assert [chunk.audio for chunk in await spoken("Kore")] != [chunk.audio for chunk in first]
