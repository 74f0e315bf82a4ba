"""The client loses nothing, in a few conversations of each kind; `make reliability` holds thousands."""

from __future__ import annotations

import asyncio
import base64
import logging
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from reliability.application import Habits
from reliability.case import KEY, Case
from reliability.day import day
from reliability.evidence import Record, Sent, Tap
from reliability.oracle import judge
from reliability.run import conversation
from reliability.sessions import Answer, Branch, Item
from reliability.sockets import FAULTS as ON_SOCKETS
from reliability.sound import Chunk, sound_of
from reliability.troubles import TROUBLES

from gemini_realtime import RealtimeEvent
from gemini_realtime.local.faults.table import FAULTS
from gemini_realtime.transport.base import Dial, Receiver, Transport
from gemini_realtime.transport.recording import recording

SHORT = Habits(duration_s=20.0, chunk_ms=40)
SEEDS = (1, 2)

ONLY_ON_SOCKETS = {
    "fragment", "spurious-close", "silent-resume", "close-after-resume", "go-away-after-resume", "repeat-calls",
    "text-turn", "thought-turn", "repeat-turn", "early-transcript", "tone",
}  # fmt: skip
"""The network in memory carries whole messages, and its service has fewer faults."""


@pytest.mark.parametrize("name", TROUBLES)
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost(name: str, seed: int) -> None:
    verdict = conversation(name, seed, SHORT)
    assert verdict.good, verdict


def test_nothing_is_lost_where_one_thing_goes_wrong_after_another() -> None:
    verdict = day(0.25, 1)
    assert verdict.good, verdict
    assert verdict.resumed >= 2


def test_every_fault_of_the_embedded_server_is_there() -> None:
    assert set(FAULTS) - ONLY_ON_SOCKETS <= set(TROUBLES)
    assert set(FAULTS) <= set(ON_SOCKETS)


def test_the_same_seed_is_the_same_conversation() -> None:
    timelines: list[list[str]] = [[], []]
    for timeline in timelines:
        conversation("cuts", 4, SHORT, timeline)
    assert timelines[0] == timelines[1]
    assert len(timelines[0]) > 20


# --- the oracle can fail


class Meddler:
    """Loses, repeats or holds back what the client sends, without the client knowing."""

    def __init__(self, transport: Transport, meddle: Callable[[dict[str, Any], bytes], list[bytes]]) -> None:
        self._transport = transport
        self._meddle = meddle

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def send(self, frame: bytes) -> None:
        for sent in self._meddle(msgspec.json.decode(frame), frame):
            self._transport.send(sent)


def meddling(meddle: Callable[[dict[str, Any], bytes], list[bytes]]) -> Callable[[Dial], Dial]:
    def wrap(dial: Dial) -> Dial:
        async def meddled(url: str, headers: Mapping[str, str], receiver: Receiver) -> Transport:
            return Meddler(await dial(url, headers, receiver), meddle)

        return meddled

    return wrap


def losing(kind: str, words: str = "") -> Callable[[dict[str, Any], bytes], list[bytes]]:
    return lambda message, frame: [] if kind in message and words in frame.decode() else [frame]


def repeating(kind: str) -> Callable[[dict[str, Any], bytes], list[bytes]]:
    return lambda message, frame: [frame, frame] if kind in message else [frame]


def swapping(kind: str) -> Callable[[dict[str, Any], bytes], list[bytes]]:
    held: list[bytes] = []

    def swap(message: dict[str, Any], frame: bytes) -> list[bytes]:
        if kind not in message:
            return [frame]
        held.append(frame)
        return [held.pop(), held.pop()] if len(held) == 2 else []

    return swap


@pytest.mark.parametrize(
    ("meddle", "found"),
    [
        (losing("clientContent"), "lost"),
        (losing("contextUpdate"), "lost"),
        (repeating("toolResponse"), "doubled"),
        (losing("realtimeInput"), "lost"),
        (repeating("clientContent"), "doubled"),
        (repeating("realtimeInput"), "doubled"),
        (repeating("setup"), "wrong"),
        (swapping("clientContent"), "wrong"),
        (swapping("realtimeInput"), "wrong"),
    ],
)
def test_a_client_that_loses_or_repeats_is_found_out(
    meddle: Callable[[dict[str, Any], bytes], list[bytes]], found: str
) -> None:
    verdict = Case(lambda stage: None, 4, "meddler", Habits(duration_s=45.0, chunk_ms=40), wrap=meddling(meddle)).run()
    assert getattr(verdict, found), verdict


def test_a_client_that_does_not_come_back_is_found_out() -> None:
    verdict = Case(TROUBLES["cut"].arrange, 1, habits=SHORT, config={"reconnect": "off"}).run()
    assert "the conversation ended" in "".join(verdict.wrong)


def test_a_client_that_hangs_is_found_out() -> None:
    def never(dial: Dial) -> Dial:
        async def stuck(url: str, headers: Mapping[str, str], receiver: Receiver) -> Transport:
            while True:  # also when it is cancelled
                with suppress(asyncio.CancelledError):
                    await asyncio.get_running_loop().create_future()

        return stuck

    assert Case(lambda stage: None, 1, habits=SHORT, wrap=never).run().hung


CHUNK_MS = 20


def verdict_of(record: Record, tap: Tap, *branches: Branch) -> Any:
    """What the oracle makes of it; the last branch is the one that is connected."""
    return judge(record, tap, branches, branches[-1], chunk_ms=CHUNK_MS, instructions="")


@pytest.fixture
def tap() -> Tap:
    return Tap(lambda text: None)


def asked(*keys: str) -> Record:
    return Record(sent=[Sent("ask", key, accepted=True) for key in keys])


def branch_of(*keys: str, answers: int = 0) -> Branch:
    """A session that took in these questions; answered one by one, the first so many."""
    branch = Branch(0)
    for number, key in enumerate(keys, 1):
        branch.take(Item("ask", key))
        if number <= answers:
            branch.answers.append(Answer(number, number, number, [key]))
    return branch


def test_what_a_dead_branch_answered_is_neither_lost_nor_to_be_sent_again(tap: Tap) -> None:
    first = branch_of("ask 1", answers=1)
    tap.complete = {1}
    assert verdict_of(asked("ask 1"), tap, first, Branch(1)).good
    again = branch_of("ask 1")
    assert verdict_of(asked("ask 1"), tap, first, again).doubled


def test_what_a_dead_branch_did_not_answer_to_the_end_is_lost_unless_it_is_sent_again(tap: Tap) -> None:
    first = branch_of("ask 1", answers=1)
    assert verdict_of(asked("ask 1"), tap, first, Branch(1)).lost
    again = branch_of("ask 1")
    again.answers = [Answer(2, 1, 1, ["ask 1"])]
    tap.complete = {2}
    assert verdict_of(asked("ask 1"), tap, first, again).good


def test_twice_is_forgiven_where_it_was_called_uncertain(tap: Tap) -> None:
    branch = branch_of("ask 1", "ask 1", answers=2)
    tap.complete = {1, 2}
    record = asked("ask 1")
    assert len(verdict_of(record, tap, branch).doubled) == 2
    record.uncertain.keys = {"ask 1"}
    assert verdict_of(record, tap, branch).good


def test_a_branch_goes_on_from_its_snapshot_only(tap: Tap) -> None:
    first = branch_of("ask 1", answers=1)
    snapshot = first.snapshot()
    first.take(Item("ask", "ask 2"))
    tap.complete = {1}
    second = Branch(0, snapshot)
    assert verdict_of(asked("ask 1", "ask 2"), tap, first, second).lost[0] == "ask 2"


def test_a_history_does_not_stand_for_a_question_that_was_never_answered(tap: Tap) -> None:
    first = branch_of("ask 1")
    second = Branch(1)
    second.take(Item("seed", "ask 1"))
    assert verdict_of(asked("ask 1"), tap, first, second).lost == ["ask 1 is never answered"]


def test_audio_is_lost_as_far_as_nothing_is_said_about_it(tap: Tap) -> None:
    branch = Branch(0)
    branch.take(Item("audio", "", 0, 5))
    branch.take(Item("audio", "", 8, 9))
    record = Record(utterances=array("H", bytes(20)))
    assert "40 ms, 0 ms reported: 6..7" in verdict_of(record, tap, branch).lost[0]
    record.dropped_ms = 40
    assert verdict_of(record, tap, branch).good


def test_audio_may_come_twice_where_it_was_called_uncertain(tap: Tap) -> None:
    branch = Branch(0)
    branch.take(Item("audio", "", 0, 5))
    branch.take(Item("audio", "", 4, 9))
    record = Record(utterances=array("H", bytes(20)))
    verdict = verdict_of(record, tap, branch)
    assert verdict.doubled == ["audio: 40 ms: 4..5"]
    assert verdict.wrong == ["audio out of order: 4..4"]
    record.uncertain.audio_ms = [(80, 120)]
    assert verdict_of(record, tap, branch).good


def test_events_that_were_received_and_not_read_are_lost(tap: Tap) -> None:
    tap.pieces[1, 0] = 1
    assert "received and not read" in verdict_of(Record(), tap, Branch(0)).lost[0]


# --- secrets


@pytest.fixture
def overheard() -> Iterator[list[str]]:
    """Everything that is logged by anybody, at every level."""
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(self.format(record))

    root, listener = logging.getLogger(), Listener()
    loggers = [root, logging.getLogger("gemini_realtime"), logging.getLogger("asyncio")]
    levels = [logger.level for logger in loggers]
    root.addHandler(listener)
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    yield said
    root.removeHandler(listener)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> InMemoryMetricReader:
    """Everything that is measured."""
    reader = InMemoryMetricReader()
    monkeypatch.setattr(metrics, "get_meter", MeterProvider(metric_readers=[reader]).get_meter)
    return reader


TOKEN = "ya29.test-token-that-nobody-may-see"
EPHEMERAL = "auth_tokens/test-token-that-nobody-may-see"
IDENTITIES: dict[str, dict[str, Any]] = {
    KEY: {"api_key": KEY},
    EPHEMERAL: {"api_key": EPHEMERAL, "api_version": "v1alpha"},
    TOKEN: {"api_key": None, "project": "my-project", "location": "us-central1", "credentials": lambda: TOKEN},
}
BY_TOKEN = ("cuts", "reject-key", "proxy")


@pytest.mark.parametrize(
    ("name", "secret"),
    [*((name, KEY) for name in TROUBLES), *((name, token) for name in BY_TOKEN for token in (EPHEMERAL, TOKEN))],
)
def test_neither_key_nor_token_nor_audio_is_ever_told(
    name: str, secret: str, overheard: list[str], measured: InMemoryMetricReader, tmp_path: Path
) -> None:
    events: list[RealtimeEvent] = []
    tape = tmp_path / "recording.jsonl"
    case = Case(
        TROUBLES[name].arrange, 2, name, SHORT, may_end=True, config=IDENTITIES[secret],
        wrap=lambda dial: recording(dial, tape), observe=events.append,
    )  # fmt: skip
    verdict = case.run()
    recorded = tape.read_text()
    # What the application says is recorded, and so the tape is what it should be.
    assert '"setup"' in recorded
    assert '"realtimeInput"' in recorded
    told = "\n".join(
        [
            *overheard, *map(repr, events), *(str(event.to_dict()) for event in events), repr(verdict),
            recorded, str(measured.get_metrics_data()),
        ]
    )  # fmt: skip
    assert len(told) > 1000
    assert secret not in told
    assert secret[len(secret) // 2 :] not in told
    for utterance in (0, 1):
        audio = base64.b64encode(sound_of(Chunk(0, utterance), 40)).decode()
        assert audio[40:72] not in told
    speech = base64.b64encode(b"\x00\x20\x00\xe0" * 12).decode()
    assert speech[:32] not in told


def test_the_page_has_a_line_for_every_kind_of_trouble() -> None:
    page = (Path(__file__).parents[1] / "docs" / "reliability.md").read_text("utf-8")
    assert "<!-- measured -->" in page
    if "| fault |" in page:
        assert all(f"| `{name}` |" in page for name in TROUBLES)
