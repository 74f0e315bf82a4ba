"""The conversation of one connection: who said what, and the model's turn from question to end.

`TRANSITIONS` is the whole machine. A reply of the model is known by its id; what is told about another reply than the
one under way comes too late and is dropped, so nothing of an interrupted reply is sent after `interrupted`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum
from typing import Any, Final, Literal

from gemini_realtime.local.session.actions import Note, Outbox, Respond, Stop
from gemini_realtime.local.session.backlog import Backlog, Question
from gemini_realtime.local.session.calls import Calls, OpenCall
from gemini_realtime.local.session.content import Role, SpokenTurn, Told
from gemini_realtime.local.session.history import History, LostCall, Saved
from gemini_realtime.local.session.options import Options
from gemini_realtime.local.session.reply import Reply
from gemini_realtime.local.session.reply_writer import ReplyWriter
from gemini_realtime.local.session.usage import Usage
from gemini_realtime.local.thinking import Request, ToolResult, Turn
from gemini_realtime.protocol import messages

Pace = Literal["realtime", "instant"]
"""When a turn is complete: once its audio would have been heard, or as soon as it is sent."""


class State(Enum):
    """Where the connection stands."""

    NEW = "waiting for setup"
    LISTENING = "listening"
    GENERATING = "generating"
    WAITING = "waiting for tool results"
    PLAYING = "being heard"
    CLOSED = "closed"


class Trigger(Enum):
    """What moves it."""

    SETUP = "setup"
    ASKED = "the user's turn is over"
    CALLED = "the reply ends in calls that block"
    LEFT = "the turn ends before the results are in"
    ANSWERED = "the last result is in"
    GENERATED = "the reply is complete"
    PLAYED = "the reply would have been heard"
    INTERRUPTED = "the user or the client cuts in"


TRANSITIONS: Final = {
    (State.NEW, Trigger.SETUP): State.LISTENING,
    (State.LISTENING, Trigger.ASKED): State.GENERATING,
    (State.GENERATING, Trigger.CALLED): State.WAITING,
    (State.WAITING, Trigger.LEFT): State.WAITING,
    (State.WAITING, Trigger.ANSWERED): State.GENERATING,
    (State.GENERATING, Trigger.GENERATED): State.PLAYING,
    (State.PLAYING, Trigger.PLAYED): State.LISTENING,
    (State.GENERATING, Trigger.INTERRUPTED): State.LISTENING,
    (State.WAITING, Trigger.INTERRUPTED): State.LISTENING,
    (State.PLAYING, Trigger.INTERRUPTED): State.LISTENING,
}
"""Beside these, every state may end in CLOSED: by a refusal, or with the connection."""


class Conversation:
    """Who said what, and the model's turn: its words, its calls, its interruption, its end.

    Args:
        session_id: what the ids of function calls follow from.
        outbox: where its actions go.
        pace: when a turn is complete.
    """

    def __init__(self, session_id: str, outbox: Outbox, pace: Pace) -> None:
        self.state = State.NEW
        self.options = Options()
        self.history = History()
        self.usage = Usage()
        self._session_id = session_id
        self._outbox = outbox
        self._pace = pace
        self._writer = ReplyWriter(self.options, outbox)
        self._calls = Calls(session_id)
        self._reply: Reply | None = None
        self._left: Request | None = None
        self._leaves_at: float | None = None
        self._replies = 0
        self._backlog = Backlog()

    @property
    def begun(self) -> bool:
        """Whether the model has had a turn."""
        return self._replies > 0

    @property
    def resumable(self) -> bool:
        """Whether the session can be taken up from here: nothing is being generated, and no result is waited for.

        Where handles are not withheld, one includes a session whose calls are open; what becomes of these is lost.
        """
        waits = self._calls.open and self.options.profile.withholds_handles
        return self.state is State.LISTENING and not waits

    def begin(self, options: Options, saved: Saved | None) -> None:
        """Start with these options; a saved session goes on where it stood."""
        self.options = options
        self._writer = ReplyWriter(options, self._outbox)
        self._calls = Calls(self._session_id, options.profile.call_ids)
        turns, prompt = (saved.turns, saved.prompt_tokens) if saved else ((), {})
        lost = saved.lost_calls if saved and options.family.lost_calls_block else ()
        self._calls.lose(lost)
        self.history, self.usage = History(turns), Usage(prompt, vertex=options.profile.vertex)
        if saved is None:
            self.usage.read(options.instructions)
        self._move(Trigger.SETUP)
        self._writer.set_up(self._session_id)

    def heard(self, text: str) -> None:
        """Tell the client what the user said."""
        self._writer.heard(text)

    def hears(self, text: str) -> None:
        """Tell the client what the user has said so far."""
        self._writer.hears(text)

    def transcribed(self) -> None:
        """Tell the client that an utterance is over, of which only the words were wanted."""
        self._writer.transcribed()

    def tell(self, told: Sequence[Told], *, answer: bool) -> None:
        """Take what the client tells; to be answered, or with nothing told to be opened by the model, or just kept."""
        profile = self.options.profile
        if profile.family.content_interrupts and not self.keeps_text_waiting:
            self.interrupt()
        self._backlog.add(Question(told=tuple(told), answer=answer))
        self.next_question()

    def nudge(self) -> None:
        """Answer what stands, if anything does and the model is free; one that never had a turn opens."""
        if self.state is State.LISTENING and (self._calls.lost or self.history.stands or not self.begun):
            self._backlog.add(Question(told=()))
            self.next_question()

    def ask(self, heard: str, *, interrupts: bool, spoken: bool = False) -> None:
        """Answer what the user said: now, or after the reply under way when that may not be cut."""
        if interrupts:
            self.interrupt()
        self._backlog.add(Question(heard, knows_all=not (spoken and self.options.family.seeds_wait)))
        self.next_question()

    def next_question(self) -> None:
        """Take up what waits, if the model is free."""
        while self.state is State.LISTENING and (question := self._backlog.take()) is not None:
            self._take_up(question)

    def check_backlog(self) -> None:
        """Refuse to keep more waiting than the model could keep in mind; raises `Refused`."""
        self._backlog.check()

    @property
    def keeps_text_waiting(self) -> bool:
        """Whether text has to wait for the results of calls."""
        return self.state is State.WAITING and self.options.profile.text_waits_for_calls

    def _take_up(self, question: Question) -> None:
        if question.told is not None:
            self._take_told(question.told, answer=question.answer)
        elif question.results:
            before = self.history.turns()
            self._keep_results(question.results)
            self._start(question.heard, before, question.results)
        else:
            before = self.history.ask(question.heard, knows_all=question.knows_all)
            if not self._end_lost_exchange():
                self._start(question.heard, before)

    def _take_told(self, told: Sequence[Told], *, answer: bool) -> None:
        for item in told:
            self.usage.read(str(item.response) if isinstance(item, ToolResult) else _words(item)[1])
        waits = self.options.family.seeds_wait and not self.begun and not answer
        self.history.seed([item if isinstance(item, ToolResult) else _words(item) for item in told], seen=not waits)
        if answer and not self._end_lost_exchange():
            heard, results, before = self.history.question()
            self._start(heard, before, results)

    def _end_lost_exchange(self) -> bool:
        """End the exchange in which calls were lost, if there is one: nothing is said in it."""
        if not self._calls.lost:
            return False
        self._calls.lose(())
        self._complete(cut=False, more=False)
        return True

    def interrupt(self) -> None:
        """Cut the reply under way, if there is one: what was sent of it stays said, the rest never was."""
        if self._reply is None:
            if self.state is State.WAITING:
                self._writer.cancelled(self._calls.cancel())
                self._move(Trigger.INTERRUPTED)
            return
        self._outbox.put(Stop(self._reply.id))
        cancelled: list[str] = []
        if self.options.profile.discards_calls:
            self._calls.discard(self._reply.id)
        else:
            cancelled = self._calls.cancel()
        self._writer.interrupted(cancelled)
        self._end(Trigger.INTERRUPTED)

    def spoke(self, reply_id: int, audio: bytes, text: str, now: float) -> None:
        """Send a piece of speech and its words."""
        reply = self._speaker(reply_id)
        if reply is None:
            return
        if not self.options.profile.transcript_first:
            self._say(reply, audio, text, now)
        elif not reply.hold(audio, text):
            self._say_held(reply, now)

    def _say(self, reply: Reply, audio: bytes, text: str, now: float) -> None:
        reply.say(text, audio, now)
        self.usage.spoke(audio)
        self._writer.say(audio, text)

    def _say_held(self, reply: Reply, now: float) -> None:
        """Send the words that were kept back, and then their sound."""
        text, pieces = reply.take_held()
        if text:
            self._say(reply, b"", text, now)
        for audio in pieces:
            self._say(reply, audio, "", now)

    def wrote(self, reply_id: int, text: str, now: float) -> None:
        """Send a piece of text, in deltas."""
        reply = self._speaker(reply_id)
        if reply is None:
            return
        reply.say(text, b"", now)
        self.usage.wrote(text)
        self._writer.write(text)

    def thought(self, reply_id: int, text: str) -> None:
        """Send a thought, in place of the one that is made up when the responder tells none."""
        reply = self._reply
        if reply is None or reply.id != reply_id or self.state is not State.GENERATING:
            return
        if not reply.begun:
            reply.begun = reply.going_on = True
            self._writer.open()
        self.usage.thought(text)
        self._writer.think(text)

    def sends(self, reply_id: int, message: dict[str, Any]) -> None:
        """Send a message as it is."""
        if self._speaker(reply_id) is not None:
            self._writer.as_is(message)

    def wants_call(self, reply_id: int, name: str, args: dict[str, Any]) -> None:
        """Note a call; those that follow each other go into one message."""
        if self._reply is not None and self._reply.id == reply_id and self.state is State.GENERATING:
            self._calls.want(OpenCall(name, args, self.options.blocks(name), self._reply.request.heard, reply_id))

    def reply_ended(self, reply_id: int, now: float) -> None:
        """Wait for results when calls block; else only the sound of the turn is left."""
        if self._reply is None or self._reply.id != reply_id or self.state is not State.GENERATING:
            return
        self._say_held(self._reply, now)
        self._open(self._reply)
        if self._calls.block:
            self._writer.wait_for_results()
            self._move(Trigger.CALLED)
            after_s = self.options.profile.turn_ends_at_calls_s
            heard_until = self._reply.heard_until if self._pace == "realtime" else now
            self._leaves_at = None if after_s is None else max(now, heard_until) + after_s
            return
        self._writer.generated()
        self._move(Trigger.GENERATED)
        self.play(now)

    def result(self, response: messages.FunctionResponse, *, user_speaks: bool) -> None:
        """Take the result of a call; once none blocks any more, the reply goes on."""
        if self._calls.is_lost(response):
            left = [call for call in self._calls.lost if call.id != response.id]
            if left:
                self._calls.lose(left)
            else:
                self._end_lost_exchange()
            return
        call = self._calls.answer(response, by_name=not self.options.profile.results_need_ids)
        if call is None:
            self._outbox.put(Note(f"a result for {response.id or response.name!r} is ignored: no such call is open"))
            return
        self.usage.read(str(response.response or ""))
        if self.state is State.WAITING:
            self._go_on()
        elif not call.blocks and self._calls.answered:
            waits = user_speaks and self.options.profile.defers_interrupts
            self._tell_later(call, "WHEN_IDLE" if waits and response.scheduling == "INTERRUPT" else response.scheduling)

    def play(self, now: float) -> None:
        """Complete the turn when its audio would have been heard, or when no result has come for long enough."""
        heard_until = self._heard_until
        if heard_until is not None and (now >= heard_until or self._pace == "instant"):
            self._end(Trigger.PLAYED)
        elif self._leaves_at is not None and now >= self._leaves_at:
            self._leave_turn()

    def _leave_turn(self) -> None:
        """End the turn whose calls wait for results: what is said about them is another."""
        assert self._reply is not None
        self._left, self._leaves_at = self._reply.request, None
        self._writer.leave()
        self._end(Trigger.LEFT)

    def saved(self, session_id: str) -> Saved:
        """The conversation as a handle is to find it again."""
        turns = self.history.to_keep(seeded_results=self.options.family.seed_functions != "lost on resume")
        return Saved(session_id, turns, dict(self.usage.prompt), self.options.setup.model)

    @property
    def lost_calls(self) -> tuple[LostCall, ...]:
        """What the model would wait for if the connection were gone now."""
        return (*self._calls.lost, *(LostCall(i, call.name) for i, call in self._calls.blocking.items()))

    def due(self) -> float | None:
        """When `play` has something to do; None when never."""
        return self._leaves_at if self._leaves_at is not None else self._heard_until

    @property
    def _heard_until(self) -> float | None:
        """When the complete reply will have been heard; None when there is no such reply."""
        return self._reply.heard_until if self._reply is not None and self.state is State.PLAYING else None

    def hold_s(self, now: float) -> float:
        """How long to keep the next piece of speech back; see `Reply.hold_s`."""
        return 0.0 if self._reply is None or self._pace == "instant" else self._reply.hold_s(now)

    def close(self) -> None:
        """Say nothing any more."""
        if self._reply is not None:
            self._outbox.put(Stop(self._reply.id))
            self._reply = None
        self._backlog.clear()
        self.state = State.CLOSED

    def _start(self, heard: str, before: Sequence[Turn], results: tuple[ToolResult, ...] = ()) -> None:
        self._replies += 1
        request = Request(heard, before, self.options.tools, self.options.instructions, results)
        self._reply = Reply(self._replies, request)
        self._move(Trigger.ASKED)
        self._calls.want_again(self._replies)
        self._outbox.put(Respond(self._replies, request))

    def _go_on(self) -> None:
        """All results are in: go on with the turn, or with one of its own where that has ended."""
        if self._calls.block:
            return
        if self._reply is not None and self.options.profile.generated_at_calls:
            self._leave_turn()
        if self._reply is not None:
            self.history.add("model", self._reply.take_said())
            asked = self._reply.request
            self._reply.going_on = False
        else:
            asked = self._left or Request("")
            self._replies += 1
            self._reply = Reply(self._replies, asked)
        self._move(Trigger.ANSWERED)
        results = self._calls.take_results()
        request = replace(asked, history=self.history.turns(), results=results)
        self._keep_results(results)
        self._outbox.put(Respond(self._replies, request))

    def _keep_results(self, results: Sequence[ToolResult]) -> None:
        for result in results:
            self.history.add_result(result)

    def _tell_later(self, call: OpenCall, scheduling: str | None) -> None:
        """Source: https://ai.google.dev/gemini-api/docs/live-tools, asynchronous function calling."""
        results = self._calls.take_results()
        if scheduling == "SILENT":
            self.history.add_result(results[-1], answered=False)
            return
        if scheduling == "INTERRUPT":
            self.interrupt()
        self._backlog.add(Question(call.heard, results))

    def _speaker(self, reply_id: int) -> Reply | None:
        """The reply, if it is under way and may speak: not while calls block."""
        if self._reply is None or self._reply.id != reply_id or self.state is not State.GENERATING or self._calls.block:
            return None
        self._open(self._reply)
        return self._reply

    def _open(self, reply: Reply) -> None:
        """Send what comes ahead of the next thing said, or of the end: the beginning, and calls."""
        if not reply.begun:
            self.usage.thought(self._writer.open_turn(reply.id))
        elif not reply.going_on:
            self._writer.open()
        reply.begun = reply.going_on = True
        if not self.options.profile.calls_after_turn:
            self._call()

    def _call(self) -> None:
        if unsent := self._calls.take_unsent():
            self._writer.call(unsent)

    def _end(self, trigger: Trigger) -> None:
        if self._reply is not None:
            self.history.add("model", self._reply.take_said())
            self._reply = None
        more = self._calls.open or bool(self._backlog)
        self._complete(cut=trigger is Trigger.INTERRUPTED, more=more)
        self._call()
        self._move(trigger)

    def _complete(self, *, cut: bool, more: bool) -> None:
        """End the turn, and forget the oldest where the context is longer than the client wants it."""
        self._writer.complete(self.usage, self._replies, cut=cut, more=more)
        window = self.options.window
        if window is not None and (share := self.usage.compress(window)) < 1:
            self.history.keep(share)

    def _move(self, trigger: Trigger) -> None:
        self.state = TRANSITIONS[self.state, trigger]
        if self.state is not State.WAITING:
            self._leaves_at = self._left = None


def _words(item: tuple[Role, str] | SpokenTurn) -> tuple[Role, str]:
    return (item.role, item.text or "") if isinstance(item, SpokenTurn) else item
