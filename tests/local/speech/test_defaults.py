"""What a server hears and speaks with when nobody says, with back ends that are fakes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from gemini_realtime.errors import MissingDependencyError
from gemini_realtime.local.speech import defaults
from gemini_realtime.local.speech.defaults import DefaultHearing, DefaultSpeaking
from gemini_realtime.local.speech.speaking import SpokenChunk
from gemini_realtime.local.speech.worker import WorkerError
from tests.loop import settle


class Works:
    """Hears and speaks its own name."""

    started = closed = 0

    async def start(self) -> None:
        type(self).started += 1

    async def transcribe_for(self, *_: object, **__: object) -> str:
        return type(self).__name__

    async def speak(self, text: str, *, voice: str | None, language: str | None) -> AsyncGenerator[SpokenChunk, None]:
        yield SpokenChunk(b"", type(self).__name__)

    async def close(self) -> None:
        type(self).closed += 1


class Missing:
    def __init__(self) -> None:
        raise MissingDependencyError("doing this", "local")


class Broken(Works):
    async def start(self) -> None:
        raise WorkerError("the weights are others", remedy="reinstall them")


def use(monkeypatch: pytest.MonkeyPatch, first: type, second: type) -> Any:
    """Have these in place of the two hearings and the two voices; returns the second, fresh."""
    fresh = type(second.__name__, (second,), {"started": 0, "closed": 0})
    for names in (("WhisperHearing", "PocketsphinxHearing"), ("HibariSpeaking", "EspeakSpeaking")):
        monkeypatch.setattr(defaults, names[0], first)
        monkeypatch.setattr(defaults, names[1], fresh)
    return fresh


async def said(speaking: DefaultSpeaking, language: str | None = None) -> str:
    return "".join([chunk.text async for chunk in speaking.speak("hello", voice=None, language=language)])


class Best(Works):
    """The better one."""


async def test_the_better_one_is_taken_where_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Best, Works)
    assert await DefaultHearing().transcribe(b"") == "Best"
    assert await said(DefaultSpeaking()) == "Best"


@pytest.mark.parametrize(
    ("first", "why"), [(Missing, r"pip install 'gemini-realtime[local]'"), (Broken, "the weights are others")]
)
async def test_where_it_does_not_the_other_is_taken_and_the_log_says_why(
    first: type, why: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    use(monkeypatch, first, Works)
    with caplog.at_level(logging.WARNING, defaults.__name__):
        assert await DefaultHearing().transcribe(b"") == "Works"
        assert await said(DefaultSpeaking()) == "Works"
    logged = [record.getMessage() for record in caplog.records]
    assert len(logged) == 2
    assert all("falling back to Works" in message and why in message for message in logged)


async def test_it_is_chosen_and_started_once_however_many_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    second = use(monkeypatch, Missing, Works)
    hearing = DefaultHearing()
    await asyncio.gather(hearing.start(), *(hearing.transcribe(b"") for _ in range(3)))
    assert second.started == 1
    await hearing.close()
    assert second.closed == 1


async def test_without_either_it_says_what_to_install_for_the_better_one(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Missing, Missing)
    with pytest.raises(MissingDependencyError, match=r"\[local\]"):
        await DefaultHearing().start()
    with pytest.raises(MissingDependencyError, match=r"\[local\]"):
        await said(DefaultSpeaking())


async def test_what_was_never_started_can_be_closed() -> None:
    await DefaultHearing().close()
    await DefaultSpeaking().close()


async def test_other_languages_are_for_the_voice_that_speaks_them(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Best, Works)
    speaking = DefaultSpeaking()
    assert [await said(speaking, tag) for tag in ("de-DE", "en-GB", "en", "pl")] == ["Works", "Best", "Best", "Works"]


async def test_a_language_that_nothing_speaks_is_spoken_in_english_and_the_log_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    use(monkeypatch, Best, Missing)
    speaking = DefaultSpeaking()
    with caplog.at_level(logging.WARNING, defaults.__name__):
        assert [await said(speaking, "de-DE"), await said(speaking, "de-DE")] == ["Best", "Best"]
    (record,) = caplog.records
    assert "de-DE" in record.getMessage()


async def test_a_back_end_whose_start_is_given_up_is_closed() -> None:
    class Loading:
        closed = False

        async def start(self) -> None:
            await asyncio.Event().wait()

        async def close(self) -> None:
            Loading.closed = True

    starting = asyncio.create_task(defaults._Best([Loading]).get())
    await settle()
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert Loading.closed
