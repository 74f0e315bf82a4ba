"""How well does the embedded server hear and speak, and how long does one wait for its answer?

    python bench/speech.py [--voices rms awb]

Ten questions are spoken by Debian's flite in voices that nothing here was tuned on, streamed in real time into a
conversation with the embedded server, and answered aloud. Reported per voice: word error rate of what the server
understood, word error rate of its answers when recognised again, and the time from the end of speech to the first
audio.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

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
from gemini_realtime.audio.format import AudioFormat
from gemini_realtime.audio.resample import resample
from gemini_realtime.local.speech.hearing_pocketsphinx import PocketsphinxHearing

QUESTIONS = [
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
WEATHER = {
    "name": "get_weather",
    "description": "Get the weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
CHUNK_MS = 20


class Turn(NamedTuple):
    """One question and its answer.

    Attributes:
        heard: what the server understood.
        said: the transcript of its answer.
        answer: the answer's audio, 24 kHz.
        wait_ms: from the end of speech to the first audio.
    """

    heard: str
    said: str
    answer: bytes
    wait_ms: float


async def ask(client: GeminiRealtimeClient, pcm: bytes, rate_hz: int) -> Turn:
    """Speak a question in real time; everything until the turn is complete."""
    heard = said = ""
    answer = bytearray()
    first_at = 0.0
    end_at = time.perf_counter() + _speech_s(pcm, rate_hz)
    microphone = asyncio.create_task(_speak(client, pcm, rate_hz))
    async for event in client.read_events():
        if isinstance(event, InputTranscript):
            heard += event.text
        elif isinstance(event, FunctionCall):
            await client.send_function_result(event.call_id, f"It is sunny in {event.arguments['city']}.")
        elif isinstance(event, OutputTranscript):
            said += event.text
        elif isinstance(event, AudioDelta):
            first_at = first_at or time.perf_counter()
            answer += event.audio
        elif isinstance(event, TurnComplete) and answer:
            break
    microphone.cancel()
    return Turn(heard, said, bytes(answer), (first_at - end_at) * 1000)


def _speech_s(pcm: bytes, rate_hz: int) -> float:
    """Where the speech ends: the last sample louder than a hundredth of full scale."""
    samples = memoryview(pcm).cast("h")
    last = max(index for index, sample in enumerate(samples) if abs(sample) > 327)
    return last / rate_hz


async def _speak(client: GeminiRealtimeClient, pcm: bytes, rate_hz: int) -> None:
    clock = asyncio.get_running_loop().time
    chunks = Chunker(AudioFormat(rate_hz=rate_hz), CHUNK_MS).push(pcm + bytes(2 * rate_hz * 5))
    start = clock()
    for number, chunk in enumerate(chunks):
        await client.send_audio(chunk, rate_hz=rate_hz)
        await asyncio.sleep(start + (number + 1) * CHUNK_MS / 1000 - clock())


def _flite(voice: str, text: str, file: Path) -> None:
    subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(file)], check=True)


def words(text: str) -> list[str]:
    """Lower case, without punctuation."""
    return re.findall(r"[a-z']+", text.lower())


def errors(said: list[str], heard: list[str]) -> int:
    """Words to change, add or drop (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        last, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (word != other))
    return row[-1]


async def measure(voice: str, recognizer: PocketsphinxHearing, folder: Path) -> str:
    """One voice's row of the table."""
    asked, heard_wrong, said_words, spoken_wrong = 0, 0, 0, 0
    waits = []
    for number, question in enumerate(QUESTIONS):
        file = folder / f"{voice}-{number}.wav"
        await asyncio.to_thread(_flite, voice, question, file)
        async with LiveServer() as server:
            client = GeminiRealtimeClient(llm_config=server.llm_config())
            await client.session_update({"tools": [WEATHER]})
            async with client.connect():
                turn = await ask(client, *read_wav(file))
        again = await recognizer.transcribe(resample(turn.answer, 24_000, 16_000))
        asked += len(words(question))
        heard_wrong += errors(words(question), words(turn.heard))
        said_words += len(words(turn.said))
        spoken_wrong += errors(words(turn.said), words(again))
        waits.append(turn.wait_ms)
        heard = turn.heard.strip()
        print(f"  {question!r}: heard {heard!r}, said {turn.said!r}, recognised {again!r}", file=sys.stderr)
    row = f"| {voice} | {heard_wrong / asked:.1%} of {asked} | {spoken_wrong / said_words:.1%} of {said_words} |"
    return f"{row} {statistics.median(waits):.0f} ms | {max(waits):.0f} ms |"


async def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Measure hearing, speaking and the wait for an answer.")
    parser.add_argument("--voices", nargs="+", default=["rms", "awb"], help="flite voices (default rms awb)")
    voices = parser.parse_args().voices
    if shutil.which("flite") is None:
        raise SystemExit("flite is needed to speak the questions: apt-get install flite")
    print("| voice | words misheard | words of the answer misrecognised | median wait | longest |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        recognizer = PocketsphinxHearing()
        for voice in voices:
            print(await measure(voice, recognizer, Path(folder)), flush=True)
        await recognizer.close()


if __name__ == "__main__":
    asyncio.run(main())
