"""How well does the embedded server hear and speak, how long does one wait for its answer, and what does it cost?

    python -m bench.speech [hearing] [voices] [waits] [quiet] [load]

Questions and sentences that nothing here was tuned on, spoken by Debian's flite and by hibari, clean, in noise and by
telephone, are heard by Whisper and by pocketsphinx. The voices are heard again by Whisper. Questions are asked of a
server in real time. Twenty minutes of sounds that are no speech are listened to. Many people ask at the same time.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gemini_realtime import AudioDelta, FunctionCall, GeminiRealtimeClient, LiveServer, TurnComplete
from gemini_realtime.adapters.files import read_wav
from gemini_realtime.audio.chunks import Chunker
from gemini_realtime.audio.format import INPUT_FORMAT
from gemini_realtime.audio.g711 import mulaw_decode, mulaw_encode
from gemini_realtime.audio.resample import resample
from gemini_realtime.local.speech.hearing import Hearing, SpeechEnded, VoiceActivityDetector
from gemini_realtime.local.speech.hearing_pocketsphinx import PocketsphinxHearing
from gemini_realtime.local.speech.hearing_whisper import WhisperHearing
from gemini_realtime.local.speech.numbers import to_words
from gemini_realtime.local.speech.speaking_hibari import VOICES, SpeakingNow

QUESTIONS: Final = [
    "What is the weather in London?",
    "What is the weather in New York?",
    "What time is it?",
    "What is twelve times seven?",
    "What is fifteen plus twenty seven?",
    "Count to five.",
    "Hello, how are you?",
    "What day is it today?",
    "What is one hundred divided by four?",
    "What can you do?",
]
SENTENCES: Final = [
    "The museum opens at ten and closes at six in the evening.",
    "Please send the invoice to our office in Chicago.",
    "My flight was delayed by almost three hours.",
    "She bought a pair of red shoes for the wedding.",
    "Could you lower the temperature by two degrees?",
    "We need more paper for the printer on the third floor.",
    "He has been learning the piano since last summer.",
    "Where can I find a good restaurant near the station?",
    "The doctor told me to drink more water.",
    "I forgot my umbrella on the bus this morning.",
    "Read me the first message in my inbox.",
    "There are twenty four students in the class.",
    "Our neighbors are moving to Canada next month.",
    "Is the pharmacy still open at this hour?",
    "The children built a castle out of sand.",
    "Move my dentist appointment to Thursday afternoon.",
    "A cup of coffee costs three dollars and fifty cents.",
    "They walked along the river until it got dark.",
    "What is the fastest way to the airport?",
    "I would rather stay at home tonight.",
    "The battery of my phone is almost empty.",
    "Please speak a little louder, I cannot hear you.",
    "The garden needs water every second day.",
    "How many people live in Australia?",
    "We watched a film about the history of space travel.",
    "Open the window and close the door behind you.",
    "The price of bread has gone up again.",
    "Can I pay with a credit card?",
    "My sister works as a nurse in a large hospital.",
    "Thank you very much for your help.",
]
HEARD_AGAIN: Final = SENTENCES[:10]
WEATHER: Final = {
    "name": "get_weather",
    "description": "Get the weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
MODEL: Final = {"model": "gemini-3.8-live"}
CHUNK_MS: Final = 20
LEAD: Final = bytes(INPUT_FORMAT.bytes_for_ms(300))

Samples = NDArray[np.float64]


# --- what is said


@cache
def _hibari() -> SpeakingNow:
    return SpeakingNow()


@cache
def spoken(voice: str, text: str) -> bytes:
    """A text at 16 kHz, between silences; voices of flite by their names, others are hibari's."""
    if voice in VOICES:
        return LEAD + resample(_hibari().speak(text, voice), 24_000, INPUT_FORMAT.rate_hz) + LEAD
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "spoken.wav")
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(file)], check=True)
        pcm, rate_hz = read_wav(file)
    return LEAD + resample(pcm, rate_hz, INPUT_FORMAT.rate_hz) + LEAD


def _samples(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, "<i2").astype(np.float64)


def _pcm(samples: Samples) -> bytes:
    return bytes(np.clip(np.rint(samples), -32_768, 32_767).astype("<i2").tobytes())


def in_noise(pcm: bytes, noise: Samples, snr_db: float = 10.0) -> bytes:
    """Speech in noise that is so much weaker than the whole recording is, its silences included."""
    speech = _samples(pcm)
    noise = np.resize(noise, len(speech))
    gain = np.sqrt(np.mean(speech**2) / np.mean(noise**2)) / 10 ** (snr_db / 20)
    return _pcm((speech + gain * noise) * 0.8)


def pink(seconds: float, seed: int = 1) -> Samples:
    """Noise with as much in every octave."""
    count = round(seconds * INPUT_FORMAT.rate_hz)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count))
    return np.asarray(np.fft.irfft(spectrum / np.sqrt(np.arange(1, len(spectrum) + 1)), count))


def babble() -> Samples:
    """Six people at once."""
    voices = zip(("achird", "gacrux", "schedar", "zephyr", "iapetus", "despina"), SENTENCES[::5], strict=True)
    said = [_samples(spoken(voice, " ".join([text, *SENTENCES[20:24]]))) for voice, text in voices]
    return np.asarray(sum(one[: min(map(len, said))] for one in said))


def by_telephone(pcm: bytes) -> bytes:
    """Mu-law at 8 kHz and back."""
    narrow = resample(pcm, INPUT_FORMAT.rate_hz, 8_000)
    return resample(mulaw_decode(mulaw_encode(narrow)), 8_000, INPUT_FORMAT.rate_hz)


# --- words


def words(text: str) -> list[str]:
    """Lower case, without punctuation, numbers as words."""
    text = re.sub(r"\d+", lambda found: f" {to_words(int(found[0]))} ", text.lower().replace("-", " "))
    return re.findall(r"[a-z']+", text)


def errors(said: list[str], heard: list[str]) -> int:
    """Words to change, add or drop (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        last, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (word != other))
    return row[-1]


async def wrong(hear: Callable[[bytes], Awaitable[str]], texts: list[str], make: Callable[[str], bytes]) -> str:
    """How many words of these texts are misheard, and how long that takes."""
    missed = asked = 0
    times: list[float] = []
    for text in texts:
        pcm = make(text)
        begin = time.perf_counter()
        heard = await hear(pcm)
        times.append(time.perf_counter() - begin)
        missed += errors(words(text), words(heard))
        asked += len(words(text))
    return f"{missed / asked:.1%} of {asked} | {statistics.median(times) * 1000:.0f} ms"


async def hearing_table() -> None:
    """Both recognisers, in all conditions; pocketsphinx with every third text, for it takes its time."""
    texts = QUESTIONS + SENTENCES
    crowd, hiss = babble(), pink(12)
    mixed = dict(zip(texts, ("kore", "charon", "puck", "leda", "orus") * len(texts), strict=False))
    conditions: dict[str, Callable[[str], bytes]] = {
        "hibari, Kore": lambda text: spoken("kore", text),
        "hibari, five voices": lambda text: spoken(mixed[text], text),
        **{f"flite, {voice}": lambda text, voice=voice: spoken(voice, text) for voice in ("rms", "slt", "awb")},  # type: ignore[misc]
        "hibari in babble, 10 dB": lambda text: in_noise(spoken(mixed[text], text), crowd),
        "hibari in pink noise, 10 dB": lambda text: in_noise(spoken(mixed[text], text), hiss),
        "hibari by telephone": lambda text: by_telephone(spoken(mixed[text], text)),
        "flite rms by telephone": lambda text: by_telephone(spoken("rms", text)),
    }
    new, old = WhisperHearing(), PocketsphinxHearing()
    print("| spoken by | Whisper: wrong | median | pocketsphinx: wrong | median |\n| --- | --- | --- | --- | --- |")
    for name, make in conditions.items():
        heard, before = await wrong(new.transcribe, texts, make), await wrong(old.transcribe, texts[::3], make)
        print(f"| {name} | {heard} | {before} |", flush=True)
    for hearing in (new, old):
        await hearing.close()


async def voices_table() -> None:
    """Each voice, heard again."""
    hearing = WhisperHearing()
    print("| voice | pitch, throat, rate | wrong | |\n| --- | --- | --- | --- |")
    for voice, timbre in VOICES.items():
        found = await wrong(hearing.transcribe, HEARD_AGAIN, lambda text, voice=voice: spoken(voice, text))  # type: ignore[misc]
        print(f"| {voice.capitalize()} | {', '.join(map(str, timbre))} | {found} |", flush=True)
    await hearing.close()


# --- how long one waits


async def ask(server: LiveServer, pcm: bytes, silence_ms: int) -> float:
    """Ask aloud, in real time; the seconds from the end of speech to the first audio."""
    client = GeminiRealtimeClient(llm_config=server.llm_config(**MODEL))
    detection = {"silence_duration_ms": silence_ms}
    await client.session_update(
        {"tools": [WEATHER], "realtime_input_config": {"automatic_activity_detection": detection}}
    )
    async with client.connect():
        begin = time.perf_counter()
        end = begin + _end_of_speech_s(pcm)
        microphone = asyncio.create_task(_speak(client, pcm))
        first = 0.0
        async for event in client.read_events():
            if isinstance(event, FunctionCall):
                await client.send_function_result(event.call_id, f"It is sunny in {event.arguments['city']}.")
            elif isinstance(event, AudioDelta):
                first = first or time.perf_counter()
            elif isinstance(event, TurnComplete) and first:
                break
        microphone.cancel()
    return first - end


def _end_of_speech_s(pcm: bytes) -> float:
    """The last sample louder than a hundredth of full scale."""
    return float(np.flatnonzero(np.abs(_samples(pcm)) > 327)[-1]) / INPUT_FORMAT.rate_hz


async def _speak(client: GeminiRealtimeClient, pcm: bytes) -> None:
    clock = asyncio.get_running_loop().time
    chunks = Chunker(INPUT_FORMAT, CHUNK_MS).push(pcm + bytes(INPUT_FORMAT.bytes_for_ms(20_000)))
    start = clock()
    for number, chunk in enumerate(chunks):
        await client.send_audio(chunk)
        await asyncio.sleep(start + (number + 1) * CHUNK_MS / 1000 - clock())


async def waits_table() -> None:
    """One user at a time."""
    print("| silence to wait for | median wait | longest |\n| --- | --- | --- |")
    async with LiveServer(pace="instant") as server:
        await ask(server, spoken("kore", "Hello, how are you?"), 300)
        for silence_ms in (300, 500):
            waits = [await ask(server, spoken("charon", text), silence_ms) for text in QUESTIONS]
            print(
                f"| {silence_ms} ms | {statistics.median(waits) * 1e3:.0f} ms | {max(waits) * 1e3:.0f} ms |", flush=True
            )


async def load_table() -> None:
    """Many users who all speak at the same time, of one server, on whatever the machine has."""
    print("| users | median wait | 99 % wait less than | CPU to hear and speak |\n| --- | --- | --- | --- |")
    for users in (1, 5, 10, 20):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        async with LiveServer(pace="instant") as server:
            await ask(server, spoken("kore", "Hello, how are you?"), 300)

            async def user(number: int, server: LiveServer = server) -> list[float]:
                await asyncio.sleep(number * 0.13)
                return [await ask(server, spoken("charon", text), 300) for text in (QUESTIONS * 2)[number % 10 :][:4]]

            waits = sorted(wait for one in await asyncio.gather(*map(user, range(users))) for wait in one)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        late = waits[min(len(waits) - 1, round(0.99 * len(waits)))]
        wait_ms, late_ms = statistics.median(waits) * 1e3, late * 1e3
        row = f"| {users} | {wait_ms:.0f} ms | {late_ms:.0f} ms | {cpu_s / len(waits):.2f} s per question |"
        print(row, flush=True)


# --- where nobody speaks


def no_speech() -> Iterator[tuple[str, Samples]]:
    """Twenty minutes of what is no speech."""
    chance = np.random.default_rng(5)
    rate = INPUT_FORMAT.rate_hz
    minute = 60 * rate
    times = np.arange(minute) / rate
    yield "silence", np.zeros(2 * minute)
    for level in (50, 500, 3_000):
        yield f"hiss at {level}", level * chance.standard_normal(minute)
        yield f"pink noise at {level}", level * pink(60) / pink(60).std()
        yield f"rumble at {level}", level * np.convolve(chance.standard_normal(minute), np.ones(80) / 9, "same")
    yield "hum", 2_000 * np.sign(np.sin(2 * np.pi * 50 * times))
    for tempo in (2, 3, 5):  # chords and melodies with overtones, over drums
        notes = 220 * 2 ** (chance.choice([0, 2, 4, 5, 7, 9, 11, 12], 60 * tempo).repeat(rate // tempo) / 12)
        phase = 2 * np.pi * np.cumsum(np.resize(notes, minute)) / rate
        beat = np.exp(-((times * tempo) % 1) * 6)
        melody = sum(np.sin(n * phase) / n for n in range(1, 9)) + sum(np.sin(phase * r) for r in (0.5, 0.63, 0.75))
        yield f"music, {tempo} beats", 2_500 * melody * beat + 1_500 * chance.standard_normal(minute) * beat**4
    typing = np.zeros(2 * minute)
    for at in chance.integers(0, len(typing) - rate, 1_000):
        click = chance.standard_normal(chance.integers(100, 900))
        typing[at : at + len(click)] += 4_000 * click * np.exp(-np.arange(len(click)) / 150)
    yield "typing", typing
    coughs = np.zeros(minute)
    for at in range(rate, minute - rate, 4 * rate):
        burst = np.convolve(chance.standard_normal(rate // 3), np.ones(6) / 3, "same")
        coughs[at : at + len(burst)] += 8_000 * burst * np.exp(-np.arange(len(burst)) / 1_500)
    yield "coughs", coughs


async def quiet_table() -> None:
    """Whether words are heard where there are none."""
    hearing: Hearing = WhisperHearing()
    print("| sound | minutes | utterances found | words |\n| --- | --- | --- | --- |")
    for name, samples in no_speech():
        detector = VoiceActivityDetector()
        found = [*detector.feed(_pcm(samples)), *detector.end()]
        utterances = [event.audio for event in found if isinstance(event, SpeechEnded)]
        heard = [text for audio in utterances if (text := await hearing.transcribe(audio, phrases=None))]
        minutes = len(samples) / INPUT_FORMAT.rate_hz / 60
        print(f"| {name} | {minutes:.0f} | {len(utterances)} | {'; '.join(heard) or 'none'} |", flush=True)
    await hearing.close()


TABLES: Final = {
    "hearing": hearing_table,
    "voices": voices_table,
    "waits": waits_table,
    "quiet": quiet_table,
    "load": load_table,
}


async def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Measure hearing, speaking, the wait for an answer, and the cost.")
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], help="which (default all)")
    chosen = parser.parse_args().tables or list(TABLES)
    if "hearing" in chosen and shutil.which("flite") is None:
        raise SystemExit("flite is needed to speak the questions: apt-get install flite")
    for name in chosen:
        await TABLES[name]()
        print()


if __name__ == "__main__":
    asyncio.run(main())
