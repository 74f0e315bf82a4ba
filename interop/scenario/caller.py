"""The call as langwatch-scenario holds it; runs where that is installed, and prints what came of it as JSON.

python -m interop.scenario.caller URL FOLDER-OF-QUESTIONS AUDIBLE-FROM-DB

Its user is scripted and its judge is a step of the script, so that no model and no key is needed.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import scenario
from scenario.voice import AudioChunk, STTProvider, WebSocketAgentAdapter, WebSocketProtocol
from scenario.voice.messages import create_audio_message

from interop.scenario.script import ANSWERS_WITHIN_S, NEVER_SAYS, PATIENCE_S, PIECE_MS, QUESTIONS, SAYS_ONCE

FRAME_S = PIECE_MS / 1000
FRAME_BYTES = 16 * PIECE_MS * 2
WINDOW = 240  # samples: 10 ms, as `evaluate` looks


class Pcm(WebSocketProtocol):  # type: ignore[misc]
    """Binary PCM: 16 kHz to the agent, 24 kHz from it; an answer begins where it is first audible.

    Args:
        audible_db: from then on, below full scale.

    Attributes:
        unheard_s: of each answer, from when its first audible piece came until it is audible, played as it comes. So
            much later is its beginning than langwatch-scenario says, which counts to the piece.
    """

    def __init__(self, audible_db: float) -> None:
        self.unheard_s: list[float] = []
        self._audible_rms = 32768 * 10 ** (audible_db / 20)
        self.answer_begins()

    def answer_begins(self) -> None:
        """What comes now is silent at first."""
        self._silent = True
        self._came_at: float | None = None
        self._silent_s = 0.0

    def encode_audio(self, audio: bytes) -> bytes:
        pcm = np.frombuffer(audio, "<i2")
        at = np.arange(len(pcm) * 2 // 3) * 1.5
        return bytes(np.interp(at, np.arange(len(pcm)), pcm).astype("<i2").tobytes())

    def decode_response(self, message: Any) -> AudioChunk | None:
        if not isinstance(message, bytes):
            return None
        if self._silent:
            self._look_for_sound(np.frombuffer(message, "<i2").astype(float))
        return None if self._silent else AudioChunk(message)

    def _look_for_sound(self, samples: Any) -> None:
        now = time.monotonic()
        self._came_at = self._came_at or now
        for at in range(0, len(samples), WINDOW):
            window = samples[at : at + WINDOW]
            if np.sqrt(np.mean(window**2)) >= self._audible_rms:
                self._silent = False
                self.unheard_s.append(max(0.0, self._came_at + self._silent_s - now))
                return
            self._silent_s += len(window) / 24000


class Microphone(WebSocketAgentAdapter):  # type: ignore[misc]
    """Speaks at the pace of speech, and is silent in between, as a microphone is."""

    response_timeout = PATIENCE_S

    async def connect(self) -> None:
        await super().connect()
        self._unsaid = b""
        self._said = asyncio.Event()
        self._speaking = asyncio.create_task(self._speak())

    async def disconnect(self) -> None:
        self._speaking.cancel()
        await super().disconnect()

    async def send_audio(self, chunk: AudioChunk) -> None:
        self.protocol.answer_begins()
        self._said.clear()
        self._unsaid += self.protocol.encode_audio(chunk.data)
        await self._said.wait()

    async def _speak(self) -> None:
        loop = asyncio.get_running_loop()
        at = loop.time()
        while True:
            frame, self._unsaid = self._unsaid[:FRAME_BYTES], self._unsaid[FRAME_BYTES:]
            at += FRAME_S
            await asyncio.sleep(max(0.0, at - loop.time()))
            await self._ws.send(frame + bytes(FRAME_BYTES - len(frame)))
            if not self._unsaid:
                self._said.set()


class User(scenario.AgentAdapter):  # type: ignore[misc]
    """Has a part in the script, and nothing to say of its own."""

    role = scenario.AgentRole.USER

    async def call(self, input: scenario.AgentInput) -> str:
        raise AssertionError("the script says everything")


class Recogniser(STTProvider):  # type: ignore[misc]
    """The one beside the agent, for both."""

    def __init__(self, url: str, protocol: Pcm) -> None:
        self._url = url.replace("ws://", "http://").replace("/talk", "/heard")
        self._protocol = protocol

    async def transcribe(self, audio: AudioChunk) -> str:
        return await asyncio.to_thread(self._ask, self._protocol.encode_audio(audio.data))

    def _ask(self, pcm16k: bytes) -> str:
        with urllib.request.urlopen(urllib.request.Request(self._url, pcm16k), timeout=60) as answer:
            return str(answer.read().decode())


async def call(url: str, folder: Path, audible_db: float) -> dict[str, Any]:
    """Hold the call; what came of it."""
    protocol = Pcm(audible_db)
    scenario.set_stt_provider(Recogniser(url, protocol))
    failures: list[str] = []
    said: list[str] = []

    def judge(state: Any) -> None:
        said.extend(_words(message) for message in state.messages if message["role"] == "assistant")
        failures.extend(_wrong(" ".join(said)))

    steps: list[Any] = []
    for number in range(len(QUESTIONS)):
        question = AudioChunk((folder / f"{number}.pcm").read_bytes())
        steps += [scenario.user(create_audio_message(question)), scenario.agent()]
    agents = [Microphone(url, protocol), User()]
    result = None
    try:
        result = await scenario.run(
            name="a booking", description="scripted", agents=agents, script=[*steps, judge, scenario.succeed()]
        )
    except Exception as error:
        failures.append(f"{type(error).__name__}: {error}")
    latencies = result.latency.measurements if result is not None and result.latency is not None else []
    if any(latency > ANSWERS_WITHIN_S for latency in latencies):
        failures.append(f"answers within {ANSWERS_WITHIN_S} s: after {max(latencies):.2f} s")
    return {"failures": failures, "said": said, "latencies_s": latencies, "unheard_s": protocol.unheard_s}


def _words(message: Any) -> str:
    return " ".join(part["text"] for part in message["content"] if part["type"] == "text")


def _wrong(said: str) -> list[str]:
    words = " ".join(re.findall("[a-z]+", said.lower()))
    times = len(re.findall(rf"\b{SAYS_ONCE}\b", words))
    wrong = [] if times == 1 else [f"says {SAYS_ONCE!r} once: {times} times"]
    return wrong + [f"never says {text!r}" for text in NEVER_SAYS if re.search(rf"\b{text}\b", words)]


if __name__ == "__main__":
    told = asyncio.run(call(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])))
    print(f"\n{json.dumps(told)}")  # the line above may end in a spinner
