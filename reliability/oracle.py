"""Was a word lost, or said twice? Compares what the application sent with what the service holds of it.

What counts is what the conversation is at its end: the branch of the session that is connected, and those that it went
on from, as far as it did. What other branches took in is gone, unless its answer reached the client completely: then
it has done its work, and nobody wants it again. So for each text, result and piece of audio

    count = how often the surviving branches hold it + how often a dead branch answered it completely

which must be 1; more only where the client said that it may have been sent twice, and 0 never, except results that
were reported as orphaned, messages that were reported as rejected, and audio that was reported as dropped.

A new session that is told the history holds what is in it: what was answered before, what the user cut off, and what
was understood of speech that is too old to be sent again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import NamedTuple

from reliability.evidence import Record, Tap
from reliability.sessions import Answer, Branch, Item

UTTERANCE = re.compile(r"utterance (\d+)")

SHOWN = 5
"""How many of many are named."""


@dataclass
class Verdict:
    """What became of a conversation.

    Attributes:
        lost: what was sent, and is nowhere, or never answered.
        doubled: what was sent or answered twice without a word about it.
        wrong: everything else that may not be.
        uncertain: how many messages the client called uncertain.
        worst_gap_s: the longest time without a session.
        hung: it did not end.
        resumed: how often the conversation was taken up again.
        new_sessions: how often that was a new session.
        ended: the error it ended with, if any.
    """

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    uncertain: int = 0
    worst_gap_s: float = 0.0
    hung: bool = False
    resumed: int = 0
    new_sessions: int = 0
    ended: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing is to be said against the client."""
        return not (self.lost or self.doubled or self.wrong or self.hung)


class Count(NamedTuple):
    """How often something is there: for certain, and at most."""

    least: int
    most: int


class Holdings:
    """What the service holds in the end.

    Args:
        branches: all there ever were.
        final: the one that is connected.
        tap: knows which answers reached the client.
    """

    def __init__(self, branches: Iterable[Branch], final: Branch, tap: Tap) -> None:
        self._branches = list(branches)
        self._complete = tap.complete
        self._begun = {answer for answer, _ in tap.pieces}
        self._alive = {snapshot.branch: snapshot.length for snapshot in final.lineage()}
        self._went_on: dict[tuple[Branch, str], int] = {}  # how much of a branch was there when it was answered later
        for branch in self._branches:
            keys = {"", *(key for answer in self._whole(branch) for key in (*answer.covers, *answer.inherited))}
            before = islice(branch.lineage(), 1, None)
            for snapshot in before if any(self._whole(branch)) else ():
                for key in keys:
                    known = self._went_on.get((snapshot.branch, key), 0)
                    self._went_on[snapshot.branch, key] = max(known, snapshot.length)
        self._lineage = [item for branch in reversed(self._alive) for item in branch.items[: self._alive[branch]]]

    def keys(self, *kinds: str) -> list[str]:
        """What survives, audio aside, in order."""
        return [item.key for item in self._lineage if item.kind in kinds]

    def counts(self) -> Counter[str]:
        """How often each text and result is there."""
        counts = Counter(self.keys("ask", "note", "result"))
        gone = Counter(
            item.key for item, count in self._dead() if count.least and item.kind in ("ask", "note", "result")
        )
        # The history that a new session is given tells what was answered before. It is no second question; but where
        # it stands for something that was never answered, or twice for the same, it counts.
        seeds = Counter(self.keys("seed"))
        return counts + gone + (seeds - gone)

    def audio(self, chunks: int) -> tuple[bytearray, bytearray]:
        """How often each chunk is there: for certain, and at most."""
        least, most = bytearray(chunks), bytearray(chunks)
        alive = ((item, Count(1, 1)) for item in self._lineage)
        for item, count in (*alive, *self._dead()):
            if item.kind == "audio":
                for number in range(item.first, min(item.last + 1, chunks)):
                    least[number] += count.least
                    most[number] += count.most
        return least, most

    def audio_order(self) -> list[int]:
        """Where surviving audio goes back: the chunks that come after later ones."""
        backwards, latest = [], -1
        for item in self._lineage:
            if item.kind == "audio":
                if item.first <= latest:
                    backwards.append(item.first)
                latest = max(latest, item.last)
        return backwards

    def answered(self) -> Counter[str]:
        """How often each question was answered completely."""
        answers = [answer for branch in self._branches for answer in branch.answers if answer.number in self._complete]
        answered = Counter(key for answer in answers for key in set(answer.covers))
        return answered | Counter({key for answer in answers for key in answer.inherited})

    def told(self) -> set[str]:
        """What the user cut off and a new session knows from its history: questions, and the results for them."""
        seeds = set(self.keys("seed"))
        answers = (answer for branch in self._branches for answer in branch.answers)
        cut_off = (set(answer.covers) for answer in answers if answer.interrupted and answer.number in self._begun)
        return {
            key for covers in cut_off if covers & seeds for key in covers if key in seeds or key.startswith("call-")
        }

    def told_utterances(self) -> set[int]:
        """What was said aloud and a new session knows in words."""
        return {int(number) for words in self.keys("seed", "ask", "note") for number in UTTERANCE.findall(words)}

    def _dead(self) -> Iterator[tuple[Item, Count]]:
        """What is gone, and whether it did its work before."""
        for branch in self._branches:
            start = self._alive.get(branch, 0)
            for place, item in enumerate(branch.items[start:], start):
                count = self._work_done(item, place, branch)
                if count.most:
                    yield item, count

    def _work_done(self, item: Item, place: int, branch: Branch) -> Count:
        """Whether something that is gone was answered."""
        answers = [answer for answer in self._whole(branch) if answer.begun > place]
        if item.kind in ("ask", "result"):
            answered = any(item.key in answer.covers for answer in self._whole(branch))
            done = answered or self._answered_later(item.key, place, branch)
            return Count(done, done)
        if item.kind != "audio":
            done = bool(answers) or self._answered_later("", place, branch)
            return Count(done, done)
        if item.utterance:
            key = f"utterance {item.utterance}"
            heard = any(key in answer.covers for answer in answers) or self._answered_later(key, place, branch)
            return Count(heard, heard or any(answer.apart is None for answer in answers))
        # Nobody answers silence: it is enough that an answer was over after it, or that a handle was given for it which
        # was refused later.
        over = any(answer.ended is not None and answer.ended > place for answer in branch.answers)
        return Count(bool(answers), over or place < branch.saved)

    def _answered_later(self, key: str, place: int, branch: Branch) -> bool:
        """Whether it was answered in a branch that went on from this one, and died later; "" for anything."""
        return self._went_on.get((branch, key), 0) > place

    def _whole(self, branch: Branch) -> Iterator[Answer]:
        """The answers of a branch that reached the client completely."""
        return (answer for answer in branch.answers if answer.number in self._complete)


def judge(
    record: Record,
    tap: Tap,
    branches: Iterable[Branch],
    final: Branch | None,
    *,
    chunk_ms: int,
    instructions: str,
    may_end: bool = False,
) -> Verdict:
    """Compare what was sent with what has come of it.

    Args:
        record: of the application.
        tap: of the connection.
        branches: of the service.
        final: that the client is connected to; None if it is not.
        chunk_ms: of the microphone's audio.
        instructions: that the service goes by in the end.
        may_end: whether the conversation may end with an error.
    """
    verdict = Verdict(
        uncertain=record.uncertain.count,
        worst_gap_s=max(tap.gaps_s, default=0.0),
        resumed=record.resumed,
        new_sessions=record.new_sessions,
        ended=type(record.error).__name__ if record.error else "",
    )
    verdict.wrong += tap.breaches
    if record.over:
        if record.error is None or not may_end:
            verdict.wrong.append(f"the conversation ended: {record.error!r}")
        return verdict
    if final is None:
        verdict.wrong.append("no session in the end")
        return verdict
    holdings = Holdings(branches, final, tap)
    _judge_messages(verdict, record, holdings)
    _judge_answers(verdict, record, holdings)
    _judge_audio(verdict, record, holdings, chunk_ms)
    _judge_reading(verdict, record, tap)
    contexts = [sent.key for sent in record.sent if sent.kind == "context" and sent.accepted]
    if contexts and instructions != contexts[-1]:
        verdict.lost.append(f"{contexts[-1]}: the instructions are {instructions!r} in the end")
    return verdict


def _judge_messages(verdict: Verdict, record: Record, holdings: Holdings) -> None:
    counts, told = holdings.counts(), holdings.told()
    for sent in record.sent:
        if sent.kind == "context":
            continue
        count = counts[sent.key]
        if not sent.accepted:
            if count:
                verdict.wrong.append(f"{sent.key} was refused with {sent.error}, and sent")
        elif count == 0 and sent.key not in told and not _excused(sent.key, record):
            verdict.lost.append(sent.key)
        elif count > 1 and sent.key not in record.uncertain.keys:
            verdict.doubled.append(f"{sent.key} ({count} times)")
    order = {sent.key: place for place, sent in enumerate(record.sent)}
    places = [order[key] for key in dict.fromkeys(holdings.keys("ask", "note", "result")) if key in order]
    if places != sorted(places):
        names = [record.sent[place].key for place in places]
        verdict.wrong.append(f"out of order: {_few(_unsorted(places, names))}")


def _excused(key: str, record: Record) -> bool:
    """Whether the client, or the service through it, said that nobody waits for this result, or takes this message."""
    if any(f" {key};" in detail for detail in record.rejected):
        return True
    return key in record.cancelled or any(key in detail for detail in record.orphaned)


def _judge_answers(verdict: Verdict, record: Record, holdings: Holdings) -> None:
    answered, told = holdings.answered(), holdings.told()
    for sent in record.sent:
        if sent.kind == "ask" and sent.accepted and not (sent.key in told and not answered[sent.key]):
            _judge_answer(verdict, record, sent.key, answered[sent.key])
    arrived = holdings.audio(len(record.utterances))[1]
    said = {utterance for utterance in record.utterances if utterance}
    # What was dropped is reported; the service may make nothing of the rest of it.
    cut = {utterance for number, utterance in enumerate(record.utterances) if not arrived[number]}
    for utterance in sorted(said - cut):
        question = f"utterance {utterance}"
        if answered[question] or question not in told:
            _judge_answer(verdict, record, question, answered[question])


def _judge_answer(verdict: Verdict, record: Record, question: str, answers: int) -> None:
    if answers == 0 and not _excused(question, record):
        verdict.lost.append(f"{question} is never answered")
    elif answers > 1 and question not in record.uncertain.keys and not question.startswith("utterance"):
        verdict.doubled.append(f"{question} is answered {answers} times")


def _judge_audio(verdict: Verdict, record: Record, holdings: Holdings, chunk_ms: int) -> None:
    least, most = holdings.audio(len(record.utterances))
    excused, told = record.refused_chunks, holdings.told_utterances()
    lost = [number for number, count in enumerate(most) if not (count or number in excused)]
    lost = [number for number in lost if record.utterances[number] not in told]
    if len(lost) * chunk_ms > record.dropped_ms + 1:
        verdict.lost.append(f"audio: {len(lost) * chunk_ms} ms, {record.dropped_ms:g} ms reported: {_ranges(lost)}")
    uncertain = bytearray(len(least))
    for start_ms, end_ms in record.uncertain.audio_ms:
        for number in range(int(start_ms // chunk_ms), min(int(-(-end_ms // chunk_ms)), len(least))):
            uncertain[number] = 1
    twice = [number for number, count in enumerate(least) if count > 1 and not uncertain[number]]
    if twice:
        verdict.doubled.append(f"audio: {len(twice) * chunk_ms} ms: {_ranges(twice)}")
    backwards = [number for number in holdings.audio_order() if not uncertain[number]]
    if backwards:
        verdict.wrong.append(f"audio out of order: {_ranges(backwards)}")


def _judge_reading(verdict: Verdict, record: Record, tap: Tap) -> None:
    if record.open_turns:
        verdict.wrong.append(f"{record.open_turns} turns were lost without a TurnComplete")
    unread, unheard = tap.pieces - record.pieces, record.pieces - tap.pieces
    if unread:
        verdict.lost.append(f"pieces of answers that were received and not read: {_few(map(str, unread))}")
    if unheard:
        verdict.doubled.append(f"pieces of answers that were read and not received: {_few(map(str, unheard))}")


def _unsorted(places: list[int], names: list[str]) -> list[str]:
    pairs = zip(pairwise(names), pairwise(places), strict=True)
    return [f"{before} before {after}" for (before, after), (first, second) in pairs if first > second]


def _few(things: Iterable[str]) -> str:
    listed = list(things)
    return ", ".join(listed[:SHOWN]) + (f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else "")


def _ranges(numbers: list[int]) -> str:
    """Chunks as ranges."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] + 1 == number:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return _few(f"{first}..{last}" for first, last in ranges)
