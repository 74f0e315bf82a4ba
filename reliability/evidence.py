"""What happened, as three witnesses saw it: the application, the client's connection, and the service."""

from __future__ import annotations

import asyncio
import re
from array import array
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gemini_realtime.transport.base import Dial, Receiver, Transport

PIECE = re.compile(r"a(\d+)\.(\d+) ")
"""How the service numbers the pieces of its answers in their transcripts."""


@dataclass
class Sent:
    """Something that the application sent.

    Attributes:
        kind: `ask`, `note`, `result` or `context`.
        key: its words, or the id of its call.
        accepted: whether the client took it.
        error: why not.
    """

    kind: str
    key: str
    accepted: bool = False
    error: str = ""


@dataclass
class Uncertain:
    """What the client said it may have sent twice.

    Attributes:
        keys: texts, and ids of calls.
        audio_ms: ranges of the microphone's audio, start and end.
    """

    keys: set[str] = field(default_factory=set)
    audio_ms: list[tuple[float, float]] = field(default_factory=list)
    count: int = 0


@dataclass
class Record:
    """What the application did and was told.

    Attributes:
        sent: in order, audio aside.
        utterances: of each chunk of audio given to the client: what was being said.
        refused_chunks: those that the client did not take.
        pieces: of answers, how often each was read.
        orphaned: what the client said about results that nobody waits for.
        rejected: and about messages that the service closes on.
        cancelled: calls that were taken back.
        dropped_ms: audio that the client said it dropped.
        uncertain: what the client said it may have sent twice.
        resumed: how often the conversation was taken up on a new connection.
        new_sessions: how often that was a new session.
        lost: how often the connection was said to be lost.
        findings: what VoiceHealth found, how often.
        open_turns: turns of the model that were neither completed nor said to be lost.
        over: the reader has ended.
        error: what it ended with.
    """

    sent: list[Sent] = field(default_factory=list)
    utterances: array[int] = field(default_factory=lambda: array("H"))
    refused_chunks: set[int] = field(default_factory=set)
    pieces: Counter[tuple[int, int]] = field(default_factory=Counter)
    orphaned: list[str] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    cancelled: set[str] = field(default_factory=set)
    dropped_ms: float = 0.0
    uncertain: Uncertain = field(default_factory=Uncertain)
    resumed: int = 0
    new_sessions: int = 0
    lost: int = 0
    findings: Counter[str] = field(default_factory=Counter)
    open_turns: int = 0
    over: bool = False
    error: BaseException | None = None


class Tap:
    """Beside the client's end of every connection: what it was really given.

    Attributes:
        pieces: of answers, how often each was delivered.
        complete: answers whose end was delivered.
        gaps_s: times without a session, from the end of a connection to the confirmation on the next.
        open: connections of which the client has not heard the end.
        breaches: of the contract between a transport and its receiver.
    """

    def __init__(self, note: Callable[[str], None]) -> None:
        self.pieces: Counter[tuple[int, int]] = Counter()
        self.complete: set[int] = set()
        self.gaps_s: list[float] = []
        self.open = 0
        self.breaches: list[str] = []
        self._note = note
        self._lost_at: float | None = None

    def around(self, dial: Dial) -> Dial:
        """The same dial, observed."""

        async def observed(url: str, headers: Mapping[str, str], receiver: Receiver) -> Transport:
            observer = _Observed(self, receiver)
            transport = await dial(url, headers, observer)
            self.open += not observer.ended
            return transport

        return observed

    def lost(self, code: int, reason: str) -> None:
        """A connection has ended."""
        self._note(f"connection lost: {code} {reason}")
        if self._lost_at is None:
            self._lost_at = asyncio.get_running_loop().time()

    def frame(self, data: bytes) -> None:
        """A frame is delivered."""
        try:
            message: Any = msgspec.json.decode(data)
            content = message.get("serverContent", {})
        except (msgspec.DecodeError, UnicodeDecodeError, AttributeError):
            return
        if "setupComplete" in message and self._lost_at is not None:
            self.gaps_s.append(asyncio.get_running_loop().time() - self._lost_at)
            self._lost_at = None
        for answer, piece in PIECE.findall(content.get("outputTranscription", {}).get("text", "")):
            self.pieces[int(answer), int(piece)] += 1
        if "usageMetadata" in message and (content.get("generationComplete") or content.get("turnComplete")):
            answer = message["usageMetadata"]["totalTokenCount"]
            if answer not in self.complete:
                self._note(f"a{answer} is complete")
            self.complete.add(answer)


class _Observed:
    """A receiver in front of the client's."""

    def __init__(self, tap: Tap, receiver: Receiver) -> None:
        self._tap = tap
        self._receiver = receiver
        self.ended = False

    def frame_received(self, frame: bytes) -> None:
        if self.ended:
            self._tap.breaches.append("a frame after the end")
        self._tap.frame(frame)
        self._receiver.frame_received(frame)

    def connection_lost(self, code: int, reason: str) -> None:
        if self.ended:
            self._tap.breaches.append("ended twice")
        self.ended = True
        self._tap.open -= 1
        self._tap.lost(code, reason)
        self._receiver.connection_lost(code, reason)

    def pong_received(self) -> None:
        self._receiver.pong_received()
