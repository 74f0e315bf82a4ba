"""UtteranceFinder, a mind and a voice that need nothing and do as told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from typing import Any

from gemini_realtime.local.speech.hearing import SpeechEnded, SpeechEvent, SpeechPaused, SpeechStarted
from gemini_realtime.local.speech.speaking import SpokenChunk
from gemini_realtime.local.thinking import Item, Request
from gemini_realtime.protocol.messages import AutomaticActivityDetection


def spoken(text: str) -> bytes:
    """Audio in which the fake ears hear this text."""
    return (text + " " * (len(text) % 2)).encode()


SILENCE = bytes(320)


class FakeDetector:
    """Zeros are silence, all else is speech; a pause comes with the first zeros, the end with the second."""

    def __init__(self) -> None:
        self._speech = b""
        self._silent = 0

    def feed(self, pcm16k: bytes) -> Sequence[SpeechEvent]:
        if any(pcm16k):
            events: list[SpeechEvent] = [] if self._speech else [SpeechStarted(0)]
            self._speech += pcm16k
            self._silent = 0
            return events
        self._silent += 1
        if not self._speech:
            return []
        return [SpeechPaused(0, self._speech)] if self._silent == 1 else self.end()

    def end(self) -> Sequence[SpeechEvent]:
        speech, self._speech = self._speech, b""
        return [SpeechEnded(0, speech)] if speech else []


class FakeHearing:
    """Hears the text that the audio is."""

    def __init__(self) -> None:
        self.settings: list[AutomaticActivityDetection] = []
        self.transcribed: list[tuple[bytes, str | None]] = []
        self.begun: asyncio.Queue[str] = asyncio.Queue()
        self.started = self.closed = False

    def detector(self, settings: AutomaticActivityDetection) -> FakeDetector:
        self.settings.append(settings)
        return FakeDetector()

    async def start(self) -> None:
        self.started = True

    async def transcribe(self, pcm16k: bytes, *, phrases: str | None) -> str:
        self.transcribed.append((pcm16k, phrases))
        words = " ".join(pcm16k.decode().split())
        self.begun.put_nowait(words)
        await asyncio.sleep(0)
        return words

    async def close(self) -> None:
        self.closed = True


class FakeSpeaking:
    """A word takes 100 ms."""

    def __init__(self) -> None:
        self.voices: list[tuple[str | None, str | None]] = []
        self.begun = 0
        self.speaks = asyncio.Event()
        self.started = False

    async def start(self) -> None:
        self.started = True

    async def speak(self, text: str, *, voice: str | None, language: str | None) -> AsyncGenerator[SpokenChunk, None]:
        self.voices.append((voice, language))
        for number, word in enumerate(text.split()):
            self.begun += 1
            self.speaks.set()
            await asyncio.sleep(0)
            yield SpokenChunk(bytes(4_800), word if number == 0 else f" {word}")


class FakeResponder:
    """Answers as the function says; remembers what it was asked, and which replies were closed before their end."""

    def __init__(self, answer: Callable[[Request], Iterable[Item | asyncio.Event | Exception]]) -> None:
        self._answer = answer
        self.asked: list[Request] = []
        self.cut = 0

    async def respond(self, request: Request) -> AsyncIterator[Item]:
        self.asked.append(request)
        complete = False
        try:
            for item in self._answer(request):
                if isinstance(item, asyncio.Event):
                    await item.wait()
                elif isinstance(item, Exception):
                    raise item
                else:
                    yield item
            complete = True
        finally:
            self.cut += not complete

    def grammar(self, tools: Sequence[dict[str, Any]]) -> str | None:
        return f"#JSGF of {len(tools)} tools"
