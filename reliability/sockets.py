"""The same questions over real sockets: the client and the embedded server, which misbehaves in all ways it knows.

python -m reliability.sockets                      five seeds of every fault, a few minutes
python -m reliability.sockets --fault cut --seed 3
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import re
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from random import Random
from typing import Any, Final

import msgspec

from gemini_realtime import GeminiRealtimeClient, LiveServer
from gemini_realtime.local.speech.hearing import Detector, SpeechEvent
from gemini_realtime.local.speech.speaking import SpokenChunk
from gemini_realtime.local.thinking import Call, Item, Request, Say
from gemini_realtime.protocol.messages import AutomaticActivityDetection
from gemini_realtime.transport import websocket
from reliability import sessions
from reliability.application import Application, Habits
from reliability.case import KEY, LOOK_UP
from reliability.evidence import PIECE, Record, Tap
from reliability.oracle import Verdict, judge
from reliability.run import findings_of, quiet

HABITS: Final = Habits(duration_s=4.0, contexts=False, microphone=False, haste=20.0)

LIMIT_S = 60.0
AT_ONCE = 8

SAID = re.compile(r"(?:ask|note) \d+(?: call)?")
"""What the application says."""

FAULTS: Final[dict[str, tuple[str, ...]]] = {
    "none": (),
    "refuse": ("cut:connection=1,after_frames={n}", "refuse:connection=2", "refuse:connection=3"),
    "reject": ("cut:connection=1,after_frames={n}", "reject:connection=2,status=503", "reject:connection=3,status=429"),
    "late-setup": ("cut:times=1,after_frames={n}", "late-setup:connection=2,delay_s=0.5"),
    "no-setup": ("cut:times=1,after_frames={n}", "no-setup:connection=2"),
    "refuse-handle": ("cut:times=1,after_frames={n}", "refuse-handle:times=1"),
    "cut": ("cut:times=3,after_frames={n}",),
    "silence": ("silence:times=1,after_frames={n}",),
    "stop-reading": ("stop-reading:times=1,after_frames={n}",),
    "close": ("close:times=2,after_frames={n}",),
    "go-away": ("go-away:times=2,after_frames={n},time_left_s=0.3",),
    "slow-pong": ("slow-pong:delay_s=0.3",),
    "garbage": ("garbage:times=2,after_frames={n}",),
    "truncate": ("truncate:times=1,after_frames={n}",),
    "oversize": ("oversize:times=1,after_frames={n}",),
    "fragment": ("fragment:size_bytes=100",),
    "duplicate": ("duplicate",),
    "reorder": ("reorder",),
    "empty-turn": ("empty-turn:times=2",),
    "interrupted": ("interrupted:times=1,after_frames={n}",),
    "no-turn-complete": ("no-turn-complete:times=2",),
    "cancel-calls": ("cancel-calls:times=2",),
    "near-silence": ("near-silence",),
    "spurious-close": ("spurious-close:times=1,after_frames={later}",),
    "silent-resume": ("cut:times=1,after_frames={n}", "silent-resume:times=1"),
    "close-after-resume": ("cut:times=1,after_frames={n}", "close-after-resume:times=1"),
    "go-away-after-resume": ("cut:times=1,after_frames={n}", "go-away-after-resume:times=2,time_left_s=0.5"),
    "repeat-calls": ("repeat-calls",),
    "text-turn": ("text-turn:times=2",),
    "thought-turn": ("thought-turn:times=2",),
    "repeat-turn": ("repeat-turn:times=2",),
    "early-transcript": ("early-transcript:times=2,delay_s=0.3",),
    "tone": ("tone",),
    "slow-audio": ("slow-audio:rate=4",),
    "fast-audio": ("fast-audio",),
}
"""What goes wrong; `n` is a number of frames, by the seed, and `later` one after which the model has said something:
before, the client takes a refusal at its word."""


class Mind:
    """A responder that numbers its answers and keeps what it was asked."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    async def respond(self, request: Request) -> AsyncIterator[Item]:
        self.requests.append(request)
        await asyncio.sleep(0.01)
        if "call" in request.heard and not request.results:
            self.requests.pop()
            yield Call("look_up", {"ask": request.heard})
        else:
            yield Say(" ".join(f"a{len(self.requests)}.{piece}" for piece in range(5)))

    def grammar(self, tools: Sequence[dict[str, Any]]) -> str | None:
        return None


class Voice:
    """A word takes 100 ms."""

    async def start(self) -> None:
        pass

    async def speak(self, text: str, *, voice: str | None, language: str | None) -> AsyncGenerator[SpokenChunk, None]:
        for word in text.split():
            await asyncio.sleep(0.005)
            yield SpokenChunk(b"\x00\x20\x00\xe0" * 1200, f"{word} ")


class Deaf:
    """Hears nothing."""

    def detector(self, settings: AutomaticActivityDetection) -> Detector:
        return self

    def feed(self, pcm16k: bytes) -> Sequence[SpeechEvent]:
        return []

    def end(self) -> Sequence[SpeechEvent]:
        return []

    async def start(self) -> None:
        pass

    async def transcribe(self, pcm16k: bytes, *, phrases: str | None) -> str:
        return ""

    async def close(self) -> None:
        pass


class SocketTap(Tap):
    """Knows an answer's end by what was said before it: this server numbers the words only."""

    _answer: int | None = None
    _cut_off = False

    def frame(self, data: bytes) -> None:
        super().frame(data)
        try:
            content: Any = msgspec.json.decode(data).get("serverContent", {})
        except (msgspec.DecodeError, UnicodeDecodeError, AttributeError):
            return
        for answer, _ in PIECE.findall(content.get("outputTranscription", {}).get("text", "")):
            self._cut_off = self._cut_off and self._answer == int(answer)
            self._answer = int(answer)
        self._cut_off = self._cut_off or "interrupted" in content
        over = "generationComplete" in content or "turnComplete" in content
        if over and self._answer is not None and not self._cut_off:
            self.complete.add(self._answer)


async def conversation(name: str, seed: int) -> Verdict:
    """Hold one conversation."""
    random = Random(f"{name} {seed}")
    mind, record, tap = Mind(), Record(), SocketTap(lambda text: None)
    faults = [fault.format(n=random.randint(2, 40), later=random.randint(12, 40)) for fault in FAULTS[name]]
    server = LiveServer(
        responder=mind, faults=faults, seed=seed, pace="instant", hearing=Deaf(), speaking=Voice(), warm_up=False
    )
    async with server:
        config = server.llm_config(
            api_key=KEY,
            setup_timeout_s=1.0,
            reconnect={"jitter": random.random, "backoff_s": 0.05},
            voice_health={"ping_after_s": 0.5, "pong_within_s": 1.0, "answer_within_s": 2.0},
        )
        client = GeminiRealtimeClient(
            llm_config=config, dial=tap.around(functools.partial(websocket.dial, timeout_s=5))
        )
        await client.session_update({"tools": [LOOK_UP]})
        application = Application(
            client, HABITS, random, record, settled=lambda: _settled(record, mind, tap), note=lambda text: None
        )
        verdict = Verdict()

        def conclude() -> None:
            nonlocal verdict
            verdict = _judge(record, mind, tap)

        try:
            async with asyncio.timeout(LIMIT_S):
                await application.hold(conclude)
        except TimeoutError:
            return Verdict(hung=True, wrong=[f"after {LIMIT_S:g} s"])
        if tap.open:
            verdict.wrong.append(f"{tap.open} connections are left open")
    return verdict


def _settled(record: Record, mind: Mind, tap: Tap) -> bool:
    answered = {key for branch in _branches(mind, tap) for answer in branch.answers for key in answer.covers}
    return {sent.key for sent in record.sent if sent.kind == "ask" and sent.accepted} <= answered


def _branches(mind: Mind, tap: Tap) -> list[sessions.Branch]:
    """What the mind was asked, as if each question came in a branch of its own; the last holds what it knows now."""
    branches: list[sessions.Branch] = []
    answered: set[str] = set()
    for number, request in enumerate(mind.requests, 1):
        branch = sessions.Branch(session=number)
        for turn in request.history:
            if turn.role == "user":
                _take(branch, turn.text)
        if not request.results:
            _take(branch, request.heard)
        covers = [item.key for item in branch.items if item.key.startswith("ask") and item.key not in answered]
        branch.answers.append(sessions.Answer(number, len(branch.items), len(branch.items), covers))
        if number in tap.complete:
            answered.update(covers)
        else:
            branch.answers.clear()
        branches.append(branch)
    return branches


def _take(branch: sessions.Branch, text: str) -> None:
    for key in SAID.findall(text):
        branch.take(sessions.Item("ask" if key.startswith("ask") else "note", key))


def _judge(record: Record, mind: Mind, tap: Tap) -> Verdict:
    branches = _branches(mind, tap)
    final = branches[-1] if branches else sessions.Branch(0)
    known = {item.key for item in final.items}
    for branch in branches[:-1]:  # what the last one does not know, and what was answered, counts once
        branch.items = [item for item in branch.items if item.key not in known]
        known.update(item.key for item in branch.items if branch.answers)
    record.sent = [sent for sent in record.sent if sent.kind != "result"]  # the mind is not told their ids
    return judge(record, tap, branches, final, chunk_ms=HABITS.chunk_ms, instructions="")


async def hold(names: Iterable[str], seeds: Sequence[int]) -> bool:
    """Hold conversations, some at once; returns whether all were good."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(name: str, seed: int) -> Verdict:
        async with room:
            return await conversation(name, seed)

    good = True
    for name in names:
        verdicts = await asyncio.gather(*(one(name, seed) for seed in seeds))
        print(
            f"{name:<22}{sum(verdict.good for verdict in verdicts)} of {len(seeds)} good, taken up again "
            f"{sum(verdict.resumed for verdict in verdicts)} times, uncertain "
            f"{sum(verdict.uncertain for verdict in verdicts)}, worst gap "
            f"{max(verdict.worst_gap_s for verdict in verdicts):.1f} s",
            flush=True,
        )
        for seed, verdict in zip(seeds, verdicts, strict=True):
            if not verdict.good:
                print(f"  seed {seed}", *findings_of(verdict), sep="\n", flush=True)
                good = False
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fault", action="append", choices=list(FAULTS), metavar="NAME", help="only this")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--seed", type=int, help="only this one")
    options = parser.parse_args()
    quiet()
    seeds = range(1, options.seeds + 1) if options.seed is None else [options.seed]
    sys.exit(not asyncio.run(hold(options.fault or FAULTS, seeds)))


if __name__ == "__main__":
    main()
