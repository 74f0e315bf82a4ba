"""From sound to words, for one client of a server."""

from __future__ import annotations

import asyncio
import threading
import weakref

import pytest

from gemini_realtime.local.server import listening
from gemini_realtime.local.speech.hearing import DetectingHearing
from gemini_realtime.protocol.messages import AutomaticActivityDetection
from tests.local.fakes import SILENCE, FakeDetector, FakeHearing, spoken
from tests.local.line import NATIVE_2_5
from tests.local.server.test_http import served
from tests.local.test_serve import dialled


class Detecting(FakeHearing, DetectingHearing):  # type: ignore[misc]  # its detector is another
    """A fake that says it finds speech as the real ones do."""


async def test_what_finds_speech_is_loaded_on_a_thread_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded_in: list[str] = []

    def load() -> None:
        loaded_in.append(threading.current_thread().name)

    monkeypatch.setattr(listening, "load_detection", load)
    monkeypatch.setattr(listening, "detection_is_loaded", lambda: bool(loaded_in))
    async with served(hearing=Detecting()) as server:
        for _ in range(2):
            async with dialled(server, model=NATIVE_2_5) as client:
                for sound in (spoken("hello"), SILENCE, SILENCE):
                    client.says(sound)
                await client.until("turnComplete")
    assert len(loaded_in) == 1
    assert loaded_in[0] != threading.main_thread().name


async def test_hearing_that_fails_ends_its_session_in_the_services_words(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(FakeHearing):
        def detector(self, settings: AutomaticActivityDetection) -> FakeDetector:
            raise ZeroDivisionError("a fault of the hearing")

    async with served(hearing=Broken()) as server, dialled(server, model=NATIVE_2_5) as client:
        client.says(spoken("hello"))
        with pytest.raises(AssertionError, match="Internal error encountered"):
            await client.until("turnComplete")
    assert "a session failed" in caplog.text


async def test_what_finds_speech_is_left_to_others_when_a_client_hangs_up_in_a_word() -> None:
    made: list[weakref.ref[FakeDetector]] = []
    listens = asyncio.Event()

    class Counted(FakeHearing):
        def detector(self, settings: AutomaticActivityDetection) -> FakeDetector:
            detector = FakeDetector()
            made.append(weakref.ref(detector))
            listens.set()
            return detector

    async with served(hearing=Counted()) as server, dialled(server, model=NATIVE_2_5) as client:
        client.says(spoken("hel"))
        await listens.wait()
        assert made[0]() is not None
    assert made[0]() is None
