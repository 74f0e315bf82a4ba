"""One turn of a conversation in one line each: say something, and take the next answer."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Final

from gemini_realtime.audio.chunks import Chunker
from gemini_realtime.audio.format import AudioFormat
from gemini_realtime.client import GeminiRealtimeClient
from gemini_realtime.protocol.events import (
    AudioDelta,
    FunctionCall,
    InputTranscript,
    OutputTranscript,
    RealtimeEvent,
    TextDelta,
    TurnComplete,
)
from gemini_realtime.testing.speech import speech_from_text

CHUNK_MS: Final = 20


async def say(
    client: GeminiRealtimeClient,
    speech: str | bytes,
    *,
    rate_hz: int = 16000,
    silence_ms: float = 1000.0,
    realtime: bool = True,
) -> None:
    """Speak to a client as a microphone does: a piece every 20 ms, and then silence, which ends the turn.

    Args:
        client: is connected, and somebody reads its events or will.
        speech: what is said: words, for a synthetic voice (extra `[local]`); or samples, mono signed 16-bit
            little-endian.
        rate_hz: of the samples.
        silence_ms: how much of it follows.
        realtime: False sends everything at once; the service then hears it as fast as it can.
    """
    pcm = speech_from_text(speech, rate_hz=rate_hz) if isinstance(speech, str) else speech
    format = AudioFormat(rate_hz=rate_hz)
    chunker = Chunker(format, chunk_ms=CHUNK_MS)
    for chunk in [*chunker.push(pcm + bytes(format.bytes_for_ms(silence_ms))), chunker.flush()]:
        if chunk:
            await client.send_audio(chunk, rate_hz=rate_hz)
            await asyncio.sleep(CHUNK_MS / 1000 if realtime else 0)


@dataclass
class Answer:
    """What the model answered.

    Attributes:
        text: what it said or wrote, the pieces joined.
        audio: how that sounded: mono signed 16-bit little-endian samples, 24 kHz.
        calls: the functions that it asked for; the answer goes on once they have their results.
        heard: what the user was heard to say meanwhile.
        interrupted: whether it was cut off.
        events: all of it, as it came.
    """

    text: str = ""
    audio: bytes = field(default=b"", repr=False)
    calls: list[FunctionCall] = field(default_factory=list)
    heard: str = ""
    interrupted: bool = False
    events: list[RealtimeEvent] = field(default_factory=list, repr=False)

    def _add(self, event: RealtimeEvent) -> None:
        self.events.append(event)
        match event:
            case OutputTranscript() | TextDelta():
                self.text = (self.text + event.text).lstrip()
            case InputTranscript():
                self.heard = (self.heard + event.text).lstrip()
            case AudioDelta(stale=False):
                self.audio += event.audio
            case FunctionCall():
                self.calls.append(event)
            case TurnComplete():
                self.interrupted = event.interrupted

    @property
    def _empty(self) -> bool:
        return not (self.text or self.audio or self.calls or self.interrupted)


async def next_answer(client: GeminiRealtimeClient, *, timeout_s: float = 30.0) -> Answer:
    """Read events until the model's turn is complete, or until it waits for the results of function calls.

    After calls, send their results and take the next answer. A turn in which nothing was said is passed over: some
    models complete the turn of a call when its result is under way already.

    Args:
        client: is connected.
        timeout_s: how long to wait for the end of the answer.

    Raises:
        AssertionError: there was no answer, or no end of it, in time or before the conversation ended; the message says
            what came instead.
        GeminiRealtimeError: the conversation failed.
    """
    answer = Answer()
    try:
        async with asyncio.timeout(timeout_s) as limit, aclosing(client.read_events()) as events:
            async for event in events:
                answer._add(event)
                if isinstance(event, FunctionCall):
                    await _add_rest(answer, client)
                    return answer
                if isinstance(event, TurnComplete) and not answer._empty:
                    return answer
    except TimeoutError:
        if not limit.expired():
            raise
        raise AssertionError(f"no whole answer within {timeout_s:g} s; there came {_summary(answer)}") from None
    raise AssertionError(f"the conversation ended before an answer did; there came {_summary(answer)}")


async def _add_rest(answer: Answer, client: GeminiRealtimeClient) -> None:
    """Add what came together with a call and is there to be read, such as other calls."""
    with suppress(TimeoutError):
        async with asyncio.timeout(0), aclosing(client.read_events()) as events:
            async for event in events:
                answer._add(event)


def _summary(answer: Answer) -> str:
    counts = Counter(type(event).__name__ for event in answer.events)
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "nothing"
