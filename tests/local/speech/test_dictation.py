"""From utterances to words: in order, early, and with what belongs to them."""

from __future__ import annotations

import asyncio

import pytest

from gemini_realtime.local.speech.dictation import Dictation
from tests.loop import settle

SECOND = bytes(32_000)


class Typist:
    """Gives the words that the sound is, when it is let."""

    def __init__(self, *, ready: bool = True) -> None:
        self.asked: list[bytes] = []
        self.may = asyncio.Event()
        if ready:
            self.may.set()

    async def transcribe(self, pcm16k: bytes) -> str:
        self.asked.append(pcm16k)
        await self.may.wait()
        return pcm16k.decode()


async def test_utterances_are_given_in_order() -> None:
    dictation = Dictation(Typist().transcribe)
    for words in (b"one", b"two"):
        dictation.add(words)
    assert [await dictation.next(), await dictation.next()] == [(b"one", "one"), (b"two", "two")]
    await dictation.close()


async def test_what_was_expected_is_not_transcribed_twice() -> None:
    typist = Typist()
    dictation = Dictation(typist.transcribe)
    dictation.expect(b"one")
    await settle()
    dictation.add(b"one")
    assert await dictation.next() == (b"one", "one")
    assert typist.asked == [b"one"]
    await dictation.close()


async def test_what_was_expected_wrongly_is_forgotten() -> None:
    dictation = Dictation(Typist().transcribe)
    dictation.expect(b"one")
    dictation.add(b"one two")
    assert await dictation.next() == (b"one two", "one two")
    await dictation.close()


async def test_the_words_so_far_are_told_each_second() -> None:
    told: list[str] = []
    typist = Typist()
    dictation = Dictation(typist.transcribe, hears=told.append)
    assert not dictation.wants(31_999)
    assert dictation.wants(32_000)
    dictation.sketch(b"what")
    assert not dictation.wants(64_000)  # the first has to be done before the second
    await settle()
    assert told == ["what"]
    assert not dictation.wants(4 + 31_999)
    assert dictation.wants(4 + 32_000)
    await dictation.close()


async def test_the_words_so_far_come_too_late_when_all_are_there() -> None:
    told: list[str] = []
    typist = Typist(ready=False)
    dictation = Dictation(typist.transcribe, hears=told.append)
    dictation.sketch(b"what")
    await settle()
    dictation.add(b"what time")
    typist.may.set()
    assert await dictation.next() == (b"what time", "what time")
    await settle()
    assert told == []
    await dictation.close()


async def test_nobody_who_does_not_ask_is_told_the_words_so_far() -> None:
    dictation = Dictation(Typist().transcribe)
    assert not dictation.wants(3_200_000)


async def test_an_unfinished_sentence_waits_for_the_user_to_go_on() -> None:
    dictation = Dictation(Typist().transcribe, unfinished_wait_s=3_600)
    dictation.begin()
    dictation.add(b"my number is")
    first = asyncio.create_task(dictation.next())
    await settle()
    assert not first.done()
    dictation.begin()
    assert await first == (b"my number is", "my number is")
    await dictation.close()


async def test_an_unfinished_sentence_does_not_wait_for_a_user_who_has_gone_on() -> None:
    typist = Typist(ready=False)
    dictation = Dictation(typist.transcribe, unfinished_wait_s=3_600)
    dictation.begin()
    dictation.add(b"my number is")
    dictation.begin()
    typist.may.set()
    assert await dictation.next() == (b"my number is", "my number is")
    await dictation.close()


async def test_an_unfinished_sentence_waits_no_longer_than_it_may() -> None:
    dictation = Dictation(Typist().transcribe, unfinished_wait_s=0.001)
    dictation.begin()
    dictation.add(b"my number is")
    assert await dictation.next() == (b"my number is", "my number is")
    await dictation.close()


@pytest.mark.parametrize(("text", "wait_s"), [(b"yes", 3_600.0), (b"my number is", 0.0)])
async def test_what_is_finished_or_may_not_wait_is_given_at_once(text: bytes, wait_s: float) -> None:
    dictation = Dictation(Typist().transcribe, unfinished_wait_s=wait_s)
    dictation.begin()
    dictation.add(text)
    assert await dictation.next() == (text, text.decode())
    await dictation.close()


async def test_what_fails_is_raised_where_its_words_are_asked_for() -> None:
    async def fail(_: bytes) -> str:
        raise OSError("deaf")

    dictation = Dictation(fail)
    dictation.add(b"one")
    with pytest.raises(OSError, match="deaf"):
        await dictation.next()
    await dictation.close()
