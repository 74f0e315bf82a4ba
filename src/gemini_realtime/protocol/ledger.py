"""In which order messages go out, and what of them the service may not have: what to send again, and what to report.

    given ──next()──> sent ──the service has it──> consumed, and forgotten here
      ^                │
      └───resend()─────┘  after a loss: what the resumed session does not hold

That the service has something shows in three ways:

- a handle came, which stands for the session as it was; what went out shortly before it may or may not be inside it.
  With a transparent handle the service says how many messages are;
- the model answered, and the answer is complete: then nobody wants it again, inside a handle or not;
- neither, and it is sent again after a loss. What may be inside the handle all the same is called uncertain.

An answer is credited only with what it can have answered: not with what went out too late for it, not with a question
that led to a call which is still open ("I am on it" answers nothing), and, where the model answers one question after
the other, with one question only.

Text, function results, context and activity marks are kept until they are consumed and never change their order. Of
audio the last seconds are kept, see `audio_ring`; which of it belongs together, `utterances` knows, and which question
an answer was to, `questions`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from heapq import merge
from itertools import chain
from math import inf
from operator import attrgetter
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from gemini_realtime.protocol.audio_ring import AudioRing, Piece, is_quiet
from gemini_realtime.protocol.held_back import HeldBack
from gemini_realtime.protocol.questions import Answered, Questions
from gemini_realtime.protocol.utterances import Answering, Utterances

Kind = Literal["text", "function_result", "context", "activity"]

MAX_WAITING_BYTES = 1024 * 1024
"""Text and results that wait for the network, above which the application has to wait."""

ENTRY_BYTES = 256
"""What an entry takes in memory beside its frame and its words."""

MAX_SENT_BYTES = 16 * 1024 * 1024
"""Bound on the memory of messages of which nobody says that the service has them. The oldest are forgotten, and count
as uncertain after a loss."""

MAX_REJECTIONS = 2
"""A message that the service has closed the session on so often is not sent again: it may be why."""

MAX_UNANSWERED = 64
"""Bound on questions and results that a handle holds and nobody answers; the oldest are given up."""


class Entry(msgspec.Struct, gc=False):
    """One message.

    Attributes:
        number: its place in the order in which the application gave them.
        kind: what it is.
        frame: as it travels.
        sent_at: when it last went out, seconds.
        index: how many messages had gone out on its connection, itself included.
        asks: whether an answer is expected.
        answers: whether it is a function's result that the model is to speak of.
        label: the words of a text, the id of a function call.
        role: who says a text, as the service calls them.
        since: for a function result, when its call came.
        uncertain: it was sent again, and may have been inside the handle, or answered.
        crossed: it went out shortly before an answer that is over now, and may be what was answered.
        rejections: how often the service closed the session when it had gone out and was not answered.
    """

    number: int
    kind: Kind
    frame: bytes
    sent_at: float = 0.0
    index: int = 0
    asks: bool = False
    answers: bool = False
    label: str = ""
    role: str = ""
    since: float = 0.0
    uncertain: bool = False
    crossed: bool = False
    rejections: int = 0


class Resent(msgspec.Struct, frozen=True):
    """What becomes of the messages after a loss.

    Attributes:
        again: they are sent again.
        orphans: ids of calls whose results are not sent.
        unheard: those of them whose results may not have reached the service either.
        forgotten: messages that nobody knows of any more.
    """

    again: list[Entry | Piece]
    orphans: list[str]
    unheard: list[str]
    forgotten: int


_number = attrgetter("number")


def is_orphan(entry: Entry, handle_at: float | None) -> bool:
    """Whether it is a result for a call that the session as it was then, or a new one (None), does not know."""
    return entry.kind == "function_result" and (handle_at is None or entry.since > handle_at)


def _in_doubt(entry: Entry, handle_at: float | None) -> bool:
    """Whether the session as it was then may hold a message that went out and is not known to be consumed."""
    return entry.uncertain or (handle_at is not None and entry.sent_at <= handle_at)


def _is_rejected(entry: Entry) -> bool:
    return entry.rejections >= MAX_REJECTIONS


def _size(entry: Entry) -> int:
    return len(entry.frame) + len(entry.label) + ENTRY_BYTES


class Ledger:
    """The messages of one conversation, over all its connections.

    Args:
        ring_s: how much audio is kept.

    Attributes:
        audio: the microphone's.
        utterances: what of it belongs together, and to an answer.
        questions: which of them an answer is to, where each gets one of its own.
        waiting_bytes: text and results that have not gone out.
    """

    def __init__(self, ring_s: float) -> None:
        self.audio = AudioRing(ring_s)
        self.utterances = Utterances()
        self.questions = Questions()
        self.waiting_bytes = 0
        self._given = 0  # the number of the last message that was given, audio that goes on aside
        self._gone = 0  # how many messages went out on this connection with the last one, that aside
        self._said = 0  # the number of the last message, audio aside, that the session has
        self._waiting: list[Entry] = []  # hardly ever long, and ten times smaller than a deque while they are empty
        self._sent: list[Entry] = []
        self._sent_bytes = 0
        self._overflowed = 0
        self._unanswered: list[Entry] = []  # questions and results in a handle; it may be refused before the answer
        self._held_back = HeldBack()

    # --- what the application gives

    @property
    def _number(self) -> int:
        """Of the last message that was given."""
        return max(self._given, self.audio.last)

    @property
    def _index(self) -> int:
        """How many messages went out on this connection."""
        return max(self._gone, self.audio.last_index)

    def add(
        self, kind: Kind, frame: bytes, *, label: str = "", role: str = "", asks: bool = False, answers: bool = False,
        since: float = 0.0, uncertain: bool = False,
    ) -> int:  # fmt: skip
        """Take a message, to be sent after all before it; the rest is as in `Entry`. Returns its number."""
        self._given = number = self._number + 1
        details: dict[str, Any] = {"label": label, "role": role, "asks": asks, "answers": answers, "since": since}
        self._waiting.append(Entry(number, kind, frame, uncertain=uncertain, **details))
        self.waiting_bytes += len(frame)
        return number

    def add_audio(self, pcm: bytes, rate_hz: int, duration_ms: float, now: float) -> None:
        """Take a piece of audio that has to wait."""
        self._given = number = self._number + 1
        self.audio.add(number, pcm, rate_hz, duration_ms, now)

    def audio_sent(self, pcm: bytes, rate_hz: int, duration_ms: float, now: float) -> None:
        """Take note of a piece of audio that goes out at once, since nothing waits."""
        self.audio.sent(self._number + 1, self._index + 1, pcm, rate_hz, duration_ms, now)

    # --- what goes out

    @property
    def unsent(self) -> int:
        """How many messages, audio aside, have not gone out."""
        return len(self._waiting)

    @property
    def waits(self) -> bool:
        """Whether anything has not gone out."""
        return bool(self._waiting) or self.audio.next_number is not None

    def next(self, now: float) -> bytes | None:
        """The frame to send now; it counts as sent."""
        audio_number = self.audio.next_number
        if not self._waiting and audio_number is None:
            return None
        index = self._index + 1
        if audio_number is not None and (not self._waiting or audio_number < self._waiting[0].number):
            return self.audio.next(index, now)
        self._gone = index
        self.audio.interrupt()
        entry = self._waiting.pop(0)
        entry.sent_at, entry.index, self._said = now, index, entry.number
        self.waiting_bytes -= len(entry.frame)
        self._sent.append(entry)
        self._sent_bytes += _size(entry)
        while self._sent_bytes > MAX_SENT_BYTES:
            self._sent_bytes -= _size(self._sent.pop(0))
            self._overflowed += 1
        return entry.frame

    def count_sent(self) -> None:
        """A message went out that is not kept here; the service counts it too."""
        self._gone = self._index + 1
        self.audio.interrupt()

    def will_ask(self) -> bool:
        """Whether a message that waits, audio aside, asks for an answer."""
        return any(entry.asks or entry.answers for entry in self._waiting)

    def will_ask_in_text(self) -> bool:
        """Whether a text that waits does."""
        return any(entry.asks and entry.kind == "text" for entry in self._waiting)

    def unsaved(self) -> bool:
        """Whether anything but audio went out that is not consumed, or waits."""
        return bool(self._sent or self._waiting)

    # --- what happens in the conversation

    def session_ready(self, now: float) -> None:
        """There is a session to send to."""
        self.questions.sent_at_once(self._said, now + self.audio.waiting_s)
        self.audio.session_ready(now)

    def speech_started(self, sent_after: float) -> None:
        """The service hears that somebody has begun to speak, with audio that went out since then, seconds."""
        apart = self.questions.one_by_one
        if apart or self.utterances.first is None or self.utterances.answering is not None:
            number = self.audio.first_sent_after(sent_after)
            self.utterances.started(self._number + 1 if number is None else number, apart=apart)

    def activity_started(self) -> None:
        """The application says that somebody begins to speak, in its next message."""
        self.utterances.started(self._number + 1, apart=self.questions.one_by_one)

    def call_opened(self, call_id: str) -> None:
        """The model calls a function: what was asked before is answered when there has been an answer to its result."""
        last_sent = max(self._said, self.audio.last_sent_by(inf))
        typed = [entry.number for entry in self._asked(last_sent)] if self.questions.one_by_one else []
        first = self.questions.first(typed) if self.questions.one_by_one else None
        self._held_back.call_opened(call_id, last_sent if first is None else first)

    def call_answered(self, call_id: str, number: int, *, silent: bool) -> None:
        """The last result for a call was given.

        Args:
            call_id: of the call.
            number: of the message.
            silent: the model is not to speak of it, so that what it said meanwhile was its answer.
        """
        if silent:
            self._released([call_id])
        else:
            self._held_back.call_answered(call_id, number)

    def calls_cancelled(self, call_ids: Collection[str]) -> None:
        """The service does not wait for these calls any more: results that went out for them are not sent again."""
        self._released(call_ids)

        def cancelled(entry: Entry) -> bool:
            return entry.kind == "function_result" and entry.label in call_ids

        self._unanswered = [entry for entry in self._unanswered if not cancelled(entry)]
        self._consume(cancelled)

    def calls_lost(self, call_ids: Collection[str]) -> None:
        """The session does not know these calls: what they belonged to is asked again."""
        self._held_back.calls_lost(call_ids)

    def _released(self, call_ids: Collection[str]) -> None:
        """There will be no answer to the results of these calls: what was said while they ran was all."""
        after, until, maybe_until = self._held_back.released(call_ids)
        # What a handle holds had reached the service when it began.
        self._unanswered = [entry for entry in self._unanswered if not after < entry.number <= maybe_until]
        self._consume(lambda entry: entry.asks and after < entry.number <= until)
        for entry in self._sent:
            if entry.asks and after < entry.number <= maybe_until:
                entry.uncertain = entry.crossed = True
        self.questions.done(until)

    def _last_sent_by(self, at: float) -> int:
        """The number of the last message that had gone out by then."""
        texts = (entry.number for entry in reversed(self._sent) if entry.sent_at <= at)
        return max(next(texts, 0), self.audio.last_sent_by(at))

    def _asked(self, until: int) -> Iterator[Entry]:
        """The questions up to this number that were written and are not answered, in order."""
        asked = chain(self._unanswered, self._sent)
        return (entry for entry in asked if entry.asks and entry.number <= until)

    # --- what the service has

    def handle_received(self, sent_until: float) -> None:
        """A handle came that holds what was sent until then."""
        held_from = self.utterances.held_from or self._number + 1
        self.audio.saved(min(self.audio.last_sent_by(sent_until), held_from - 1))
        self._saved(lambda entry: entry.sent_at <= sent_until and entry.number < held_from)

    def transparent_handle_received(self, index: int) -> None:
        """A handle came that holds so many messages of this connection."""
        self.audio.saved(self.audio.last_with_index(index))
        self._saved(lambda entry: entry.index <= index)

    def _saved(self, has: Callable[[Entry], bool]) -> None:
        saved = self._consume(has)
        self._overflowed = 0 if saved else self._overflowed  # which were older
        # The handle may yet be refused, and a new session hears again what was not answered.
        self._unanswered += [entry for entry in saved if (entry.asks or entry.answers) and not entry.crossed]
        del self._unanswered[:-MAX_UNANSWERED]

    def answer_began(self, now: float) -> None:
        """The model begins to answer."""
        self.utterances.answer_began(self._said, now)

    def answer_completed(
        self,
        round_trip_s: float,
        margin_s: float,
        handle_at: float | None,
        *,
        one_question: bool = False,
        filler: bool = False,
    ) -> None:
        """The answer is complete, and what it answers is consumed.

        Of context, and of a result whose call the last handle knows, only a handle consumes: whoever resumes the
        session with the last one still has to tell it.

        Args:
            round_trip_s: what went out later than this before the answer began may have crossed with it: it stays, and
                becomes uncertain.
            margin_s: audio that went out later than this, too, belongs to what the user says next.
            handle_at: when the last handle came.
            one_question: the model answers one question after the other.
            filler: it said something beside calling a function, to whose result the answer is yet to come.
        """
        answering = self.utterances.answer_completed()
        if answering is None:
            return
        sent_until = answering.began_at - round_trip_s
        results, asked_until = self._held_back.answer_completed(answering.until, self._last_sent_by(sent_until))
        after = self._held_back.until
        if not one_question:
            answered = self._all_answered(answering.until, after)
        elif filler or (results and not self._is_next(asked_until)):
            answered = Answered(after, answering.until)
        else:
            answered = self._next_answered(answering, after, sent_until)
            if not self.questions.one_by_one:  # questions that came together may have been answered together
                answered = replace(answered, maybe_until=answering.until)
        self._audio_answered(answered.spoken_until, after, sent_until - margin_s, answering.began_at)
        self._take_note(answered, after, sent_until, results, asked_until, handle_at)

    def _all_answered(self, until: int, after: int) -> Answered:
        """An answer to all that had gone out."""
        # What is answered may be what was typed, while the user goes on speaking: that says nothing of the audio.
        typed = any(entry.asks and entry.kind == "text" and after < entry.number <= until for entry in self._sent)
        return Answered(until, until, spoken_until=0 if typed else None)

    def _next_answered(self, answering: Answering, after: int, sent_until: float) -> Answered:
        """An answer to the question whose turn it is."""
        asked = [entry for entry in self._asked(answering.until) if entry.number > after]
        in_time = [entry.number for entry in asked if entry.sent_at <= sent_until]
        answered = self.questions.answered(in_time, after, answering.began_at)
        if answered is not None:
            # With the mark of its end an utterance is answered, as far as the application says where it ends.
            ends = [entry.number for entry in asked if entry.kind == "activity" and entry.number <= answered.until]
            return replace(answered, spoken_until=ends[-1]) if ends else answered
        if asked:  # it reached the service sooner than it seems
            return Answered(asked[0].number)
        began = self.utterances.first  # since the utterance before it was answered
        return Answered(answering.until, spoken_until=None if began is None else began - 1)

    def _is_next(self, asked_until: int) -> bool:
        """Whether what is to be answered next was asked up to this number."""
        first = self.questions.first([entry.number for entry in self._asked(asked_until)])
        return first is not None and first <= asked_until

    def _audio_answered(self, until: int | None, after: int, sent_until: float, began_at: float) -> None:
        """Of audio that went out until then is answered what has numbers between these."""
        last = self.audio.last_sent_by(sent_until)
        self.audio.doubt(sent_until if until is None else -inf, began_at)
        if until != 0:
            self.audio.answered(after, last if until is None else min(last, until))

    def _take_note(
        self,
        answered: Answered,
        after: int,
        sent_until: float,
        results: Collection[int],
        asked_until: int,
        handle_at: float | None,
    ) -> None:
        """Of messages that are answered, and of these results of calls that came of what was asked until then."""
        crossed = any(entry.number in results and entry.sent_at > sent_until for entry in self._sent)
        crossed_until = asked_until if crossed else 0
        kept: list[Entry] = []
        for entry in self._sent:
            if not (after < entry.number <= answered.until or entry.number in results):
                entry.uncertain = entry.uncertain or entry.number <= answered.maybe_until
            elif entry.sent_at > sent_until or entry.number <= crossed_until or entry.kind == "function_result":
                entry.uncertain = entry.crossed = True
                if entry.sent_at <= sent_until and is_orphan(entry, handle_at):
                    continue
            elif entry.kind != "context":
                continue
            kept.append(entry)
        self._keep(kept)
        self._unanswered = [
            entry
            for entry in self._unanswered
            if not (after < entry.number <= answered.until or entry.number in results)
        ]
        for entry in self._unanswered:
            entry.uncertain = entry.uncertain or entry.number <= answered.maybe_until

    def typed_several(self) -> bool:
        """Whether there are several questions that the answer under way may be to, all of them typed."""
        if (answering := self.utterances.answering) is None:
            return False
        asked = list(self._asked(answering.until))
        typed = len(asked) > 1 and all(entry.kind == "text" for entry in asked)
        return typed and is_quiet(self.audio.recent(asked[0].sent_at))

    def begin_afresh(self) -> None:
        """The next session is another: instructions and tools that were changed in mid-session are not its own, and
        what may have crossed with an answer counts as answered."""
        self._consume(lambda entry: entry.kind == "context" or entry.crossed)
        self._unanswered = [entry for entry in self._unanswered if not entry.crossed]

    def heard(self, reached_at: float, margin_s: float, now: float, *, speaks_on: bool) -> None:
        """The service has understood an utterance.

        Args:
            reached_at: it had ended with what went out until then, seconds.
            margin_s: by how much that may be wrong.
            now: seconds.
            speaks_on: it belongs to what was understood just before.
        """
        if not self.questions.one_by_one:
            return
        after, until = self._last_sent_by(reached_at - margin_s), self._last_sent_by(reached_at + margin_s)
        self.questions.heard(after, until, now, speaks_on=speaks_on)

    def may_be_answered(self) -> None:
        """An answer is complete that was taken for the rest of one that was cut off: it may be to anything."""
        for entry in chain(self._unanswered, self._sent):
            entry.uncertain = True

    def answer_cut(self) -> None:
        """The answer was cut off by the user."""
        self.utterances.answer_cut()

    def asking(self) -> bool:
        """Whether an answer is owed to anything that went out, and no open call has to be answered first."""
        return self.owed or any(entry.asks and not entry.crossed for entry in self._sent if self._free(entry))

    @property
    def owed(self) -> bool:
        """Whether a handle holds a question that has not been answered, and no open call has to be answered first."""
        return any(map(self._free, self._unanswered))

    def _free(self, entry: Entry) -> bool:
        return not self._held_back.runs_for(entry.number)

    def kept(self) -> set[int]:
        """The numbers of all messages, audio aside, that are not consumed."""
        return {entry.number for queue in (self._unanswered, self._sent, self._waiting) for entry in queue}

    # --- after a loss

    @property
    def suspects(self) -> bool:
        """Whether the service has closed the session on a message that may be sent to it once more."""
        return any(0 < entry.rejections < MAX_REJECTIONS for entry in self._sent)

    def connection_lost(self) -> None:
        """There is nowhere to send to; that the answer is complete may still arrive."""
        self.audio.connection_lost()

    def closed_on(self) -> None:
        """The service closed the session: what went out, audio aside, and is not answered may be why."""
        for entry in self._sent:
            entry.rejections += 1

    @property
    def on_trial(self) -> bool:
        """Whether the service has closed the session on a message too often for it to be sent once more."""
        return any(map(_is_rejected, self._sent)) or any(map(_is_rejected, self._waiting))

    def acquit(self) -> None:
        """It was not the messages."""
        for queue in (self._sent, self._waiting):
            for entry in queue:
                entry.rejections = 0

    def convict(self, instead: Callable[[Entry], bytes | None]) -> list[Entry]:
        """It was the messages that are on trial: they are forgotten, and returned.

        Args:
            instead: gives the frame that takes the place of one of them, if any does.
        """
        rejected = self._consume(_is_rejected)
        released = [entry for entry in rejected if entry.kind == "function_result"]
        waiting: list[Entry] = []
        for entry in self._waiting:
            if not _is_rejected(entry):
                waiting.append(entry)
                continue
            rejected.append(entry)
            if (frame := instead(entry)) is not None:
                waiting.append(replace(entry, frame=frame, rejections=0))
            elif entry.kind == "function_result":
                released.append(entry)
        self._waiting = waiting
        self.waiting_bytes = sum(len(entry.frame) for entry in waiting)
        self._released([entry.label for entry in released])
        return rejected

    def resend(self, handle_at: float | None, *, exact: bool = False, arrived_until: float = inf) -> Resent:
        """Take back what was sent and is not consumed, to be sent again before all that waits.

        Args:
            handle_at: when the handle came that the session was resumed with; None for a new session.
            exact: the service said what that handle holds.
            arrived_until: what went out until then had reached the service when the connection was lost, seconds.
        """
        new_session = handle_at is None
        self.utterances.connection_lost()
        self.questions.connection_lost(0 if new_session else self.audio.saved_until)
        if new_session:  # what the handle held is gone with it
            self._sent[:0] = self._unanswered
            self._unanswered = []
        in_doubt_until = None if exact else handle_at
        sent = list(self._sent)
        for entry in sent:
            entry.uncertain, entry.crossed = _in_doubt(entry, in_doubt_until), False
        heard_until = self.audio.resend(in_doubt_until, new_session=new_session)
        orphans = [entry for entry in (*sent, *self._waiting) if is_orphan(entry, handle_at)]
        waiting = {entry.number for entry in self._waiting}
        unheard = [entry.label for entry in orphans if entry.number in waiting or entry.sent_at > arrived_until]
        again = [entry for entry in sent if not is_orphan(entry, handle_at)]
        self._waiting = [*again, *(entry for entry in self._waiting if not is_orphan(entry, handle_at))]
        self.waiting_bytes = sum(len(entry.frame) for entry in self._waiting)
        self._sent.clear()
        self._said = again[0].number - 1 if again else self._said  # what came before is inside the handle
        forgotten, self._overflowed, self._sent_bytes, self._gone = self._overflowed, 0, 0, 0
        again_with_audio: list[Entry | Piece] = list(merge(again, self.audio.waiting(heard_until), key=_number))
        return Resent(again_with_audio, [entry.label for entry in orphans], unheard, forgotten)

    # --- saved state

    def saved_state(self, handle_at: float | None) -> list[dict[str, Any]]:
        """What another process would have to send, audio aside, to a session as it was when its handle came."""
        return [
            {
                "kind": entry.kind, "frame": entry.frame.decode(), "label": entry.label, "role": entry.role,
                "asks": entry.asks, "answers": entry.answers, "where": where,
                "uncertain": where == "sent" and _in_doubt(entry, handle_at),
            }
            for where, queue in (("inside", self._unanswered), ("sent", self._sent), ("waiting", self._waiting))
            for entry in queue
            if not is_orphan(entry, handle_at)
        ]  # fmt: skip

    def restore(self, state: list[dict[str, Any]]) -> list[tuple[int, str, str]]:
        """Take over what another process saved, before anything else is given.

        Returns:
            Number, role and words of the texts in it.

        Raises:
            KeyError, TypeError, AttributeError: it is not what `saved_state` gives.
        """
        for item in state:
            frame = item["frame"].encode()
            given = {name: item[name] for name in ("label", "role", "asks", "uncertain")}
            self.add(item["kind"], frame, answers=item.get("answers", False), **given)
            if item["where"] != "waiting":
                entry = self._waiting.pop()
                self.waiting_bytes -= len(frame)
                entry.sent_at, self._said = inf, entry.number  # after every handle
                if item["where"] == "inside":
                    self._unanswered.append(entry)
                else:
                    self._sent.append(entry)
                    self._sent_bytes += _size(entry)
        return [
            (entry.number, entry.role, entry.label)
            for queue in (self._unanswered, self._sent, self._waiting)
            for entry in queue
            if entry.kind == "text"
        ]

    # --- inside

    def _consume(self, has: Callable[[Entry], bool]) -> list[Entry]:
        """Forget what the service has; returns it."""
        consumed = [entry for entry in self._sent if has(entry)]
        if consumed:
            self._keep([entry for entry in self._sent if not has(entry)])
        return consumed

    def _keep(self, sent: list[Entry]) -> None:
        self._sent, self._sent_bytes = sent, sum(map(_size, sent))
