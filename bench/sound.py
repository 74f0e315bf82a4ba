"""How fast does an agent fall silent, what does it know of what was heard, and what interrupts it by mistake?

    python -m bench.sound [loudspeaker] [telephone] [echo] [stops] [tool]

Loudspeaker and echo are measured on a virtual sound card (PulseAudio), the telephone over a real server with a far end
that behaves as Twilio documents; the model is a service in memory that says what it is told to say.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import threading
import time
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import IO, Any, Final

import numpy as np
import websockets
from numpy.typing import NDArray
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from tests.adapters.telephones import Twilio
from tests.serving import serving
from tests.sound_card import SoundCard, virtual_sound_card

from gemini_realtime import (
    AudioDelta,
    DeviceAudioAdapter,
    PlaybackStopped,
    RealtimeAgent,
    RealtimeEvent,
    RealtimeObserver,
    TwilioAudioAdapter,
)
from gemini_realtime.adapters.devices import SoundDevice
from gemini_realtime.adapters.echo import EchoCanceller
from gemini_realtime.agent.log import heard_words
from gemini_realtime.audio.format import INPUT_FORMAT, OUTPUT_FORMAT
from gemini_realtime.audio.resample import resample
from gemini_realtime.local.speech.hearing import SpeechStarted, VoiceActivityDetector
from gemini_realtime.testing import ScriptedService, messages, speech_from_text

TIMES: Final = 20
"""Interruptions that are measured."""

DISTURBANCES: Final = 50

STORY: Final = (
    "Once there was a small lighthouse on a rock far out in the sea. An old keeper lived in it with a grey cat and a "
    "wooden radio. Every evening he climbed the stairs, counted all one hundred steps, and lit the lamp."
)
WORDS: Final = [f"word{number} " for number in range(40)]
"""The transcript of an answer of 10 s: a word every 250 ms."""

LOUD: Final = 300
"""Samples from which a recording is not silent."""


class Stops(RealtimeObserver):
    """Gathers what adapters say of interruptions."""

    def __init__(self) -> None:
        super().__init__()
        self.stopped: asyncio.Queue[PlaybackStopped] = asyncio.Queue()

    async def initialize_session(self) -> None: ...

    async def run_loop(self) -> None: ...

    async def on_event(self, event: RealtimeEvent) -> None:
        if isinstance(event, PlaybackStopped):
            self.stopped.put_nowait(event)


def say_ten_seconds(service: ScriptedService) -> None:
    """An answer of 10 s, all of it at once, as the service does."""
    for _ in range(250):
        service.say(messages.audio(messages.tone(40)))


def words_of(heard_ms: float) -> int:
    """How many words of the answer were heard in that time, as the log tells it."""
    places = [(250.0 * number, word) for number, word in enumerate(WORDS)]
    return len(heard_words(places, 10_000, heard_ms).split())


def row(name: str, values: list[float], unit: str) -> str:
    """A line of a table: median and worst."""
    return f"| {name} | {statistics.median(values):.0f} {unit} | {max(values, key=abs):.0f} {unit} |"


# --- the loudspeaker


class Monitor:
    """Listens to the loudspeaker: when it last sounded, and for how long in all."""

    def __init__(self, recorded: IO[bytes]) -> None:
        self._recorded = recorded
        self.last_loud_s = 0.0
        self.loud_ms = 0.0
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while piece := self._recorded.read(OUTPUT_FORMAT.bytes_for_ms(5)):
            if max(map(abs, array("h", piece[: len(piece) // 2 * 2])), default=0) > LOUD:
                self.last_loud_s = time.monotonic()
                self.loud_ms += OUTPUT_FORMAT.duration_ms(len(piece))


async def loudspeaker_table() -> None:
    """From `interrupted` arriving to silence at the loudspeaker."""
    with virtual_sound_card() as card, card.recording() as recording:
        os.environ.update(card.environment)
        assert recording.stdout is not None
        monitor = Monitor(recording.stdout)
        service, stops = ScriptedService(), Stops()
        adapter = DeviceAudioAdapter(SoundDevice(echo_cancellation=False))
        agent = RealtimeAgent(name="host", audio_adapter=adapter, client=service.client(), observers=[stops])
        silence_ms, heard_ms, words = [], [], []
        async with agent.running():
            await asyncio.sleep(1)
            for number in range(TIMES):
                monitor.loud_ms = 0.0
                say_ten_seconds(service)
                await asyncio.sleep(1 + number % 7 * 0.083)
                interrupted_s = time.monotonic()
                service.say(messages.interrupted())
                service.say(messages.turn_complete())
                stopped = await stops.stopped.get()
                await asyncio.sleep(0.7)
                silence_ms.append(1000 * (monitor.last_loud_s - interrupted_s))
                # What sounded after the interruption was heard too, but nobody could know then that it would be.
                true_ms = monitor.loud_ms - silence_ms[-1]
                heard_ms.append(stopped.played_ms - true_ms)
                words.append(float(words_of(stopped.played_ms) - words_of(true_ms)))
    print("| loudspeaker | median | worst |\n| --- | --- | --- |")
    print(row("from `interrupted` to silence, recorded", silence_ms, "ms"))
    print(row("error of `played_ms`", heard_ms, "ms"))
    print(row("error in words", words, "words"))


# --- the telephone


@asynccontextmanager
async def telephone(service: ScriptedService, stops: Stops) -> AsyncIterator[Twilio]:
    """Somebody who calls an agent by Twilio."""

    async def answer(websocket: WebSocket) -> None:
        await websocket.accept()
        adapter = TwilioAudioAdapter(websocket)
        await RealtimeAgent(name="host", audio_adapter=adapter, client=service.client(), observers=[stops]).run()

    app = Starlette(routes=[WebSocketRoute("/call", answer)])
    async with serving(app) as host, websockets.connect(f"ws://{host}/call") as websocket:
        caller = Twilio(websocket)
        calling = asyncio.create_task(caller.run())
        try:
            yield caller
        finally:
            calling.cancel()
            await asyncio.wait([calling])


async def telephone_table() -> None:
    """From `interrupted` arriving to Twilio's `clear`."""
    service, stops = ScriptedService(), Stops()
    clear_ms, after_ms, heard_ms, words = [], [], [], []
    async with telephone(service, stops) as caller:
        await service.receive("setup")
        await caller.until_listening(500)
        for number in range(TIMES):
            before_ms = caller.now_ms
            say_ten_seconds(service)
            await asyncio.sleep(1 + number % 7 * 0.083)
            interrupted_s = time.monotonic()
            service.say(messages.interrupted())
            service.say(messages.turn_complete())
            await caller.until_cleared(number + 1)
            clear_ms.append(1000 * (time.monotonic() - interrupted_s))
            cleared_ms, true_ms = caller.now_ms, caller.speech_ms(before_ms)
            stopped = await stops.stopped.get()
            await caller.until_listening(500)
            after_ms.append(caller.speech_ms(cleared_ms))
            heard_ms.append(stopped.played_ms - true_ms)
            words.append(float(words_of(stopped.played_ms) - words_of(true_ms)))
    print("| telephone | median | worst |\n| --- | --- | --- |")
    print(row("from `interrupted` to Twilio's `clear`", clear_ms, "ms"))
    print(row("audio after the `clear`", after_ms, "ms"))
    print(row("error of `played_ms`", heard_ms, "ms"))
    print(row("error in words", words, "words"))


# --- echo


def power_db(samples: NDArray[Any]) -> float:
    """The power of samples; silence is -90."""
    return max(-90.0, 10 * float(np.log10(np.mean(samples.astype(np.float64) ** 2) / 32_768**2 + 1e-12)))


async def microphone_db(card: SoundCard, *, echo_cancellation: bool) -> float:
    """How loud the microphone is while the loudspeaker tells a story and nobody else speaks."""
    story = speech_from_text(STORY, rate_hz=24_000)
    heard = bytearray()
    async with SoundDevice(echo_cancellation=echo_cancellation) as device:
        device.play(story)
        device.playback.end_turn()
        for _ in range(int(OUTPUT_FORMAT.duration_ms(len(story)) / 20)):
            heard += await anext(device.microphone)
    settled = np.frombuffer(bytes(heard), "<i2")[INPUT_FORMAT.rate_hz * 4 :]
    return power_db(settled)


async def echo_table() -> None:
    """Echo return loss, over a virtual sound card whose microphone hears its loudspeaker."""
    with virtual_sound_card() as card:
        os.environ.update(card.environment)
        card.echo()
        without = await microphone_db(card, echo_cancellation=False)
        cancelled = await microphone_db(card, echo_cancellation=True)
    print("| echo of the loudspeaker in the microphone | level |\n| --- | --- |")
    print(f"| without cancellation | {without:.0f} dBFS |")
    print(f"| with cancellation | {cancelled:.0f} dBFS |")
    print(f"| echo return loss gained | {without - cancelled:.0f} dB |")


# --- what interrupts by mistake


def interruptions(near: NDArray[np.float64]) -> int:
    """How often the embedded server would take the user for speaking."""
    detector = VoiceActivityDetector()
    pcm = np.rint(near.clip(-32_768, 32_767)).astype("<i2").tobytes()
    return sum(isinstance(event, SpeechStarted) for event in [*detector.feed(pcm), *detector.end()])


def coughs() -> NDArray[np.float64]:
    """Bursts of noise that die away, of various lengths and loudness, every 3 s."""
    chance, rate = np.random.default_rng(7), INPUT_FORMAT.rate_hz
    sound = 5 * chance.standard_normal(3 * rate * (DISTURBANCES + 1))
    for number in range(DISTURBANCES):
        length = int(rate * chance.uniform(0.15, 0.45))
        burst = np.convolve(chance.standard_normal(length), np.ones(5) / 3, "same")
        decay = np.exp(-np.arange(length) / (rate * chance.uniform(0.05, 0.15)))
        at = 3 * rate * (number + 1) - rate
        sound[at : at + length] += chance.uniform(2000, 9000) * burst * decay
    return sound


def echoes(*, cancelled: bool) -> NDArray[np.float64]:
    """A loudspeaker that tells stories, heard 60 ms later and half as loud: 3 s of it count as one echo."""
    story = speech_from_text(STORY, rate_hz=24_000)
    far = (story * 20)[: OUTPUT_FORMAT.bytes_for_ms(3000 * (DISTURBANCES + 2))]
    sound = np.frombuffer(resample(far, 24_000, 16_000), "<i2").astype(np.float64) / 2
    near = np.concatenate([np.zeros(16 * 60), sound])[: len(sound)]
    if cancelled:
        pcm, canceller = np.rint(near).astype("<i2").tobytes(), EchoCanceller()
        cleaned = [canceller.cancel(pcm[640 * n :][:640], far[960 * n :][:960], 40) for n in range(len(far) // 960)]
        near = np.frombuffer(b"".join(cleaned), "<i2").astype(np.float64)
    return near[16_000 * 6 :]  # the canceller has to get to know the room


def assents() -> NDArray[np.float64]:
    """Somebody who says "mm-hm" every 3 s, in several voices."""
    sound = np.zeros(3 * INPUT_FORMAT.rate_hz * (DISTURBANCES + 1))
    voices = ["charon", "kore", "puck", "aoede", "fenrir"]
    for number in range(DISTURBANCES):
        pcm = speech_from_text("Mm-hm.", voice=voices[number % len(voices)])
        word = np.frombuffer(pcm, "<i2").astype(np.float64) * (0.4 + number % 4 / 5)
        at = 3 * INPUT_FORMAT.rate_hz * number + INPUT_FORMAT.rate_hz
        sound[at : at + len(word)] += word
    return sound


async def stops_table() -> None:
    """False stops."""
    print("| 50 of | taken for the user speaking |\n| --- | --- |")
    print(f"| coughs | {interruptions(coughs())} |")
    print(f"| echoes, cancelled | {interruptions(echoes(cancelled=True))} |")
    print(f"| echoes, not cancelled | {interruptions(echoes(cancelled=False))} |")
    print(f'| "mm-hm" | {interruptions(assents())} |')


# --- a tool that takes its time


class Lateness(RealtimeObserver):
    """Notes when each piece of audio came."""

    def __init__(self) -> None:
        super().__init__()
        self.came_s: list[float] = []

    async def initialize_session(self) -> None: ...

    async def run_loop(self) -> None: ...

    async def on_event(self, event: RealtimeEvent) -> None:
        if isinstance(event, AudioDelta):
            self.came_s.append(time.monotonic())


async def delays_ms(*, tool: bool) -> list[float]:
    """How late audio arrives that is sent every 20 ms for 10 s."""
    service, lateness = ScriptedService(), Lateness()
    agent = RealtimeAgent(name="host", client=service.client(), observers=[lateness])

    @agent.register_realtime_function()
    def slow() -> str:
        """Take ten seconds."""
        time.sleep(10)
        return "done"

    sent_s = []
    async with agent.running():
        if tool:
            service.say(messages.tool_call("slow"))
        begin_s = time.monotonic()
        for number in range(500):
            await asyncio.sleep(begin_s + number * 0.02 - time.monotonic())
            sent_s.append(time.monotonic())
            service.say(messages.audio(messages.tone(20)))
        if tool:
            await service.receive("toolResponse")
    return [1000 * (came - sent) for came, sent in zip(lateness.came_s, sent_s, strict=True)]


async def tool_table() -> None:
    """What a tool of 10 s does to the sound."""
    print("| audio, from the service to an observer | median | worst |\n| --- | --- | --- |")
    for name, tool in (("nothing else runs", False), ("a function blocks for 10 s", True)):
        late = await delays_ms(tool=tool)
        print(f"| {name} | {statistics.median(late):.2f} ms | {max(late):.2f} ms |")


TABLES: Final[dict[str, Callable[[], Awaitable[None]]]] = {
    "loudspeaker": loudspeaker_table,
    "telephone": telephone_table,
    "echo": echo_table,
    "stops": stops_table,
    "tool": tool_table,
}


async def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Measure how agents fall silent, hear themselves, and wait for tools.")
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], help="which (default all)")
    for name in parser.parse_args().tables or list(TABLES):
        await TABLES[name]()
        print()


if __name__ == "__main__":
    asyncio.run(main())
