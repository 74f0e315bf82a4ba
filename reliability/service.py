"""A Gemini Live service in memory, written apart from the embedded server, that keeps book of what it takes in.

It answers every question and every utterance with numbered pieces, calls a function where a question asks for it, can
be interrupted, sends handles between turns, and ends connections as the real one does. What it does wrong is in
`Manner`.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec

from reliability.network import Line
from reliability.sessions import Answer, Branch, Item, Kind, Snapshot
from reliability.sound import chunks_in

PIECE_S = 0.2
"""Speech in one frame of an answer."""

FASTER = 3.3
"""How much faster than it is spoken an answer arrives."""

BARGE_IN_MS = 100
"""Speech after which the user is heard to interrupt."""

SETTLED_AFTER_S = 3.0
HANDLE_AFTER_TURN_S = 0.1
HANDLE_EVERY_S = 5.0

SPEECH = base64.b64encode(b"\x00\x20\x00\xe0" * int(24_000 * PIECE_S / 2)).decode()
NOISE = base64.b64encode(b"\x01\x00\xff\xff" * int(24_000 * PIECE_S / 2)).decode()

NOT_FOUND = (1008, "BidiGenerateContent session not found")
IN_USE = (1008, "The operation was aborted.")
INVALID = (1007, "Request contains an invalid argument.")
IGNORED_GO_AWAY = (
    1008,
    "Connection aborted because the client failed to close the connection after receiving a GoAway signal once the "
    "session durat",
)


@dataclass
class Manner:
    """How the service behaves; numbers count down as the thing happens.

    Attributes:
        lifetime_s: of a connection, before it is announced to end; None for ever.
        notice_s: what goAway announces, and keeps.
        handles: whether it sends any.
        late_setups: connections confirmed late.
        setup_delay_s: how late.
        missing_setups: connections never confirmed.
        refused_handles: resumptions refused.
        lingering_s: for how long a connection that has ended still counts as open.
        empty_turns: turns in which nothing is said.
        turn_complete: whether turns are completed.
        cancelled_calls: calls cancelled as soon as they are made.
        faint: whether speech is noise at the edge of hearing.
        rate: seconds of speech that arrive in a second.
        waits_to_be_heard: whether a turn is completed only when it has been played.
        writes_first: whether all words of an answer come before its first sound.
        eager_handles: whether a handle comes as soon as something is asked, which holds the question and no answer.
        poisoned: whether sessions that exist already are closed, with 1011, as soon as they are resumed.
        exhausted: whether they are sent away then.
        chokes: whether the next question is one that the connection is closed on, with 1011, whenever it comes.
        mute: whether sessions that exist already answer nothing any more when they are resumed.
        interrupts: whether what is said or asked cuts an answer off; otherwise it is answered after it, one by one.
        calls_block: whether the next question waits for the result of a call then.
        sent_away: connections that are sent away, without any notice, as soon as they are confirmed.
        lost_calls_block: whether a resumed session still waits for the calls that were open when it was left, so that
            the next input only ends that exchange.
    """

    lifetime_s: float | None = None
    notice_s: float = 50.0
    handles: bool = True
    late_setups: int = 0
    setup_delay_s: float = 0.0
    missing_setups: int = 0
    refused_handles: int = 0
    lingering_s: float = 0.0
    empty_turns: int = 0
    turn_complete: bool = True
    cancelled_calls: int = 0
    faint: bool = False
    rate: float = FASTER
    waits_to_be_heard: bool = True
    writes_first: bool = False
    eager_handles: bool = False
    poisoned: bool = False
    exhausted: bool = False
    chokes: bool = False
    mute: bool = False
    interrupts: bool = True
    calls_block: bool = True
    sent_away: int = 0
    lost_calls_block: bool = True


class Service:
    """The service: sessions, and the connections to them.

    Args:
        random: for times and lengths.
        chunk_ms: of the microphone's audio.
        note: takes a line for the timeline.

    Attributes:
        manner: how it behaves; may be changed at any time.
        connections: that were ever accepted and set up or not, in order.
        branches: of all sessions.
        answers: how many there are.
        violations: what the client did that the protocol forbids.
        heard: how much of the microphone's audio there was, up to the last chunk.
    """

    def __init__(self, random: Random, chunk_ms: int, note: Callable[[str], None]) -> None:
        self.manner = Manner()
        self.random = random
        self.chunk_ms = chunk_ms
        self.note = note
        self.branches: list[Branch] = []
        self.answers = 0
        self.violations: list[str] = []
        self.heard = 0
        self.present: Connection | None = None
        self.first_setup: dict[str, Any] | None = None
        self.choked_on: str | None = None
        self.last_instructions = ""
        self.lost_calls: dict[int, set[str]] = {}  # that a session waits for, though its connection is gone
        self.made_calls: dict[int, set[str]] = {}  # by session
        self._snapshots: dict[str, Snapshot] = {}
        self._calls = 0
        self._in_use: dict[int, float] = {}

    def accept(self, line: Line) -> Connection:
        """A client connects."""
        return Connection(self, line)

    def handle(self, branch: Branch) -> str:
        """A new handle for a branch as it is."""
        name = f"handle-{len(self._snapshots) + 1}"
        self._snapshots[name] = branch.snapshot()
        return name

    def open_branch(self, handle: str | None) -> Branch | tuple[int, str]:
        """Begin a session, or go on with one; why not, if that cannot be."""
        if handle is None:
            branch = Branch(session=len(self.branches))
        else:
            snapshot = self._snapshots.get(handle)
            if self.manner.refused_handles > 0:
                self.manner.refused_handles -= 1
                return NOT_FOUND
            if snapshot is None:
                return NOT_FOUND
            if self._in_use.get(snapshot.branch.session, 0.0) > asyncio.get_running_loop().time():
                return IN_USE
            branch = Branch(snapshot.branch.session, snapshot, listening=snapshot.listening)
        self.branches.append(branch)
        self._in_use[branch.session] = float("inf")
        return branch

    def left(self, branch: Branch) -> None:
        """Nobody is connected to it any more."""
        self._in_use[branch.session] = asyncio.get_running_loop().time() + self.manner.lingering_s

    def new_call(self) -> str:
        """An id that no other call has."""
        self._calls += 1
        return f"call-{self._calls}"


class Connection:
    """The service's end of one connection, from setup to its end."""

    def __init__(self, service: Service, line: Line) -> None:
        self.service = service
        self.line = line
        self.branch: Branch | None = None
        self._confirmed_at: float | None = None
        self._handles = False
        self._turn: asyncio.Task[None] | None = None
        self._answer: Answer | None = None
        self._calls: dict[str, str] = {}
        self._waits_for: set[str] = set()  # calls that were lost with an earlier connection
        self._mute = False
        self._speech_ms = 0
        self._timers: list[asyncio.TimerHandle] = []
        self._heard_since_handle = False

    @property
    def busy(self) -> bool:
        """Whether an answer is under way, or a call."""
        return self._turn is not None or bool(self._calls)

    @property
    def settled(self) -> bool:
        """Whether what was sent again when it began has had the time to arrive, and nothing is under way."""
        return self._confirmed_at is not None and self._now() > self._confirmed_at + SETTLED_AFTER_S and not self.busy

    # --- the connection

    def received(self, frame: bytes) -> None:
        """A frame of the client."""
        message = msgspec.json.decode(frame)
        (kind, body), *more = message.items()
        if more:
            self.service.violations.append("a message of several kinds")
        if kind == "setup":
            self._setup(body)
        elif self.branch is None or self._confirmed_at is None:
            self.service.violations.append(f"{kind} before the session was confirmed")
        else:
            getattr(self, f"_{kind}")(body)

    def ended(self, code: int) -> None:
        """The client has left, or the line is broken."""
        self.service.note(f"connection ended with {code}")
        self._leave()

    def hang_up(self, code: int, reason: str) -> None:
        """Close the connection."""
        self.service.note(f"closes with {code} {reason}")
        self.line.hang_up(code, reason)
        self._leave()

    def say(self, message: dict[str, Any]) -> None:
        """Send a message."""
        self.line.say(msgspec.json.encode(message))

    def go_away(self, notice_s: float) -> None:
        """Announce the end of the connection, and keep to it."""
        self.service.note(f"goAway, {notice_s:g} s left")
        self.say({"goAway": {"timeLeft": f"{notice_s:g}s"}})
        self._later(notice_s, lambda: self.hang_up(*IGNORED_GO_AWAY))

    def phantom_interruption(self) -> None:
        """Say that it was interrupted, though nobody spoke."""
        self.say({"serverContent": {"interrupted": True}})

    def _leave(self) -> None:
        for timer in self._timers:
            timer.cancel()
        if self._turn is not None:
            self._turn.cancel()
        if self.service.present is self:
            self.service.present = None
        if self.branch is not None:
            self.service.left(self.branch)
            self.service.lost_calls.setdefault(self.branch.session, set()).update(self._calls)

    def _later(self, delay_s: float, action: Callable[[], None]) -> None:
        self._timers = [timer for timer in self._timers if not timer.cancelled() and timer.when() > self._now()]
        self._timers.append(asyncio.get_running_loop().call_later(delay_s, action))

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    # --- setup

    def _setup(self, setup: dict[str, Any]) -> None:
        service, manner = self.service, self.service.manner
        if self.branch is not None:
            service.violations.append("a second setup")
            return
        resumption = setup.pop("sessionResumption", None)
        self._check_setup(setup)
        branch = service.open_branch((resumption or {}).get("handle"))
        service.note(f"setup {resumption}")
        if isinstance(branch, tuple):
            self.hang_up(*branch)
            return
        self.branch, self._handles, service.present = branch, resumption is not None, self
        if manner.missing_setups > 0:
            manner.missing_setups -= 1
        elif manner.late_setups > 0:
            manner.late_setups -= 1
            self._later(manner.setup_delay_s, self._confirm)
        else:
            self._later(0.05, self._confirm)

    def _check_setup(self, setup: dict[str, Any]) -> None:
        """The setup stays what it was at first, but for what each connection has of its own."""
        setup.pop("historyConfig", None)
        parts = setup.pop("systemInstruction", {"parts": []})["parts"]
        self.service.last_instructions = " ".join(part["text"] for part in parts)
        if self.service.first_setup is None:
            self.service.first_setup = setup
        elif self.service.first_setup != setup:
            self.service.violations.append("a setup that differs from the first")

    def _confirm(self) -> None:
        assert self.branch is not None
        self._confirmed_at = self._now()
        self._waits_for = self.service.lost_calls.pop(self.branch.session, set())
        self.say({"setupComplete": {}})
        self._later(HANDLE_AFTER_TURN_S, self._offer_handle)
        self._later(HANDLE_EVERY_S, self._handle_now_and_then)
        self._disappoint()
        if self.service.manner.lifetime_s is not None:
            self._later(self.service.manner.lifetime_s, lambda: self.go_away(self.service.manner.notice_s))

    def _disappoint(self) -> None:
        """End what has only just begun, where that is the manner."""
        manner = self.service.manner
        if manner.sent_away > 0:
            manner.sent_away -= 1
            self.go_away(0.0)
        elif self._is_old and manner.poisoned:
            self._later(0.05, lambda: self.hang_up(1011, "Internal error encountered."))
        elif self._is_old and manner.exhausted:
            self.go_away(2.0)
        self._mute = self._is_old and manner.mute

    @property
    def _is_old(self) -> bool:
        """Whether a session goes on that was there before the trouble began."""
        assert self.branch is not None
        return self.branch.session == 0

    def _handle_now_and_then(self) -> None:
        if self._heard_since_handle:
            self._offer_handle()
        self._later(HANDLE_EVERY_S, self._handle_now_and_then)

    def _offer_handle(self) -> None:
        if not self._handles or not self.service.manner.handles:
            return
        self._heard_since_handle = False
        if self.busy:
            self.say({"sessionResumptionUpdate": {}})
        else:
            self._give_handle()

    def _give_handle(self) -> None:
        assert self.branch is not None
        handle = self.service.handle(self.branch)
        self.service.note(f"gives {handle}")
        self.say({"sessionResumptionUpdate": {"newHandle": handle, "resumable": True}})

    # --- what the client says; the names are those of the messages

    def _clientContent(self, content: dict[str, Any]) -> None:
        turns, asks = content.get("turns", []), content.get("turnComplete", False)
        texts = [line for turn in turns for part in turn["parts"] for line in part["text"].split("\n")]
        is_history = len(texts) > 1 or any(turn.get("role") == "model" for turn in turns)
        if asks and not is_history and self._chokes_on(texts):
            return
        for text in texts:
            self._take("seed" if is_history else "ask" if asks else "note", text)
        if is_history:
            assert self.branch is not None
            self.branch.answered = self.branch.close_item()
        else:
            self._interrupt()
            if asks:
                self._begin()

    def _chokes_on(self, texts: list[str]) -> bool:
        """Close on the question that is not taken; returns whether this is the one."""
        service = self.service
        if service.manner.chokes and service.choked_on is None and texts:
            service.choked_on = texts[0]
        if service.choked_on not in texts:
            return False
        self.hang_up(1011, "Internal error encountered.")
        return True

    def _realtimeInput(self, item: dict[str, Any]) -> None:
        if "text" in item:
            if self._chokes_on([item["text"]]):
                return
            self._take("ask", item["text"])
            self._interrupt()
            self._begin()
        elif "audio" in item:
            self._audio(base64.b64decode(item["audio"]["data"]))
        elif "audioStreamEnd" not in item:
            self.service.violations.append(f"realtimeInput {'/'.join(item)} where none is expected")

    def _toolResponse(self, response: dict[str, Any]) -> None:
        assert self.branch is not None
        for result in response["functionResponses"]:
            call_id = result["id"]
            lost = call_id in self.service.made_calls.get(self.branch.session, ()) and not self._knows(call_id)
            if lost and call_id not in self._calls and "error" in result["response"]:
                self.service.note(f"is told that {call_id} is lost")
                self._waits_for.discard(call_id)
            elif any(call_id in snapshot.branch.cancelled for snapshot in self._lineage()):
                self.service.note(f"has no use for the result of {call_id}")
            elif self._calls.pop(call_id, None) is not None:
                self._take("result", call_id)
                self.branch.calling.discard(self.branch.called_for[call_id])
                if not self._calls or not self.service.manner.calls_block:
                    self._begin()
            elif self._knows(call_id):
                self._take("result", call_id)
            else:
                self.service.violations.append(f"a result for {call_id}, which this session does not know")

    def _knows(self, call_id: str) -> bool:
        """Whether the session has the result already."""
        parts = (snapshot.branch.items[: snapshot.length] for snapshot in self._lineage())
        return any(item.kind == "result" and item.key == call_id for items in parts for item in items)

    def _lineage(self) -> Iterator[Snapshot]:
        assert self.branch is not None
        return self.branch.lineage()

    def _contextUpdate(self, update: dict[str, Any]) -> None:
        text = " ".join(part["text"] for part in update.get("systemInstruction", {"parts": []})["parts"])
        self._take("context", text)
        self.service.last_instructions = text

    def _take(self, kind: Kind, key: str) -> None:
        assert self.branch is not None
        self._heard_since_handle = True
        self.service.note(f"takes {kind} {key}")
        self.branch.take(Item(kind, key))

    # --- listening

    def _audio(self, audio: bytes) -> None:
        assert self.branch is not None
        self._heard_since_handle = True
        try:
            chunks = chunks_in(audio, self.service.chunk_ms)
        except ValueError as error:
            self.service.violations.append(str(error))
            return
        for number, utterance in chunks:
            self.branch.take(Item("audio", "", number, number, utterance))
            self.service.heard = max(self.service.heard, number + 1)
            self._speech_ms = self._speech_ms + self.service.chunk_ms if utterance else 0
            if self._speech_ms == BARGE_IN_MS // self.service.chunk_ms * self.service.chunk_ms:
                self._interrupt()
            before = self.branch.listening.utterance
            if before and utterance and utterance != before:  # no silence between them: both are one to the model
                self._hear(before)
            if self.branch.hear(utterance, self.service.chunk_ms):
                self._hear(before)
                self._interrupt()
                self._begin()

    def _hear(self, utterance: int) -> None:
        self._take("heard", f"utterance {utterance}")
        self.say({"serverContent": {"inputTranscription": {"text": f"utterance {utterance}"}}})

    # --- answering

    def _interrupt(self) -> None:
        if not self.service.manner.interrupts:
            return
        self._cancel_calls()
        if self._turn is not None and self.branch is not None:
            self._turn.cancel()
            self._turn = None
            answer = self.branch.answers[-1]
            if answer.ended is None:
                answer.ended, answer.interrupted = self.branch.close_item(), True
            self.service.note("is interrupted")
            self.say({"serverContent": {"interrupted": True}})
            if self.service.manner.turn_complete:
                self.say({"serverContent": {"turnComplete": True}})

    def _begin(self) -> None:
        assert self.branch is not None
        if self._waits_for and self.service.manner.lost_calls_block:
            self.service.note(f"gives up {', '.join(self._waits_for)}, and answers nothing")
            self._waits_for.clear()
            return
        if self._mute:
            self.service.note(f"does not answer {[*self.branch.inherited(), *self.branch.pending()]}")
            return
        manner, branch = self.service.manner, self.branch
        if not manner.interrupts and (self._turn is not None or (self._calls and manner.calls_block)):
            return
        if not manner.interrupts and not (branch.inherited() or branch.pending()):
            return
        self.service.answers += 1
        answer = self.branch.answer(self.service.answers, one_question=not self.service.manner.interrupts)
        if self._handles and self.service.manner.eager_handles:
            self._later(0.1, self._give_handle)
        self._turn = asyncio.get_running_loop().create_task(self._speak(self.branch, answer))

    async def _speak(self, branch: Branch, answer: Answer) -> None:
        random, manner = self.service.random, self.service.manner
        await asyncio.sleep(random.uniform(0.2, 1.0))
        questions = [*answer.inherited, *answer.covers]
        wanted = [key for key in questions if key.endswith("call")]
        if wanted and not any(key.startswith("call-") for key in questions):
            self._call(branch, answer, wanted[-1])
            return
        began = self._now()
        answer.pieces = random.randint(3, 20)
        if manner.empty_turns > 0:
            manner.empty_turns -= 1
            answer.pieces = 0
        self.service.note(f"answers {questions} with a{answer.number}, {answer.pieces} pieces")
        if manner.writes_first:
            self._write(answer)
            await asyncio.sleep(random.uniform(0.2, 2.0))
        for piece in range(answer.pieces):
            message = _piece(answer.number, piece, NOISE if manner.faint else SPEECH)
            if manner.writes_first:
                del message["serverContent"]["outputTranscription"]
            self.say(message)
            await asyncio.sleep(PIECE_S / manner.rate)
        usage = {"totalTokenCount": answer.number}
        branch.has_answered(answer)
        if answer.pieces:
            self.say({"serverContent": {"generationComplete": True}, "usageMetadata": usage})
        if manner.waits_to_be_heard:
            await asyncio.sleep(max(0.0, began + answer.pieces * PIECE_S - self._now()))
        self._turn = None
        if manner.turn_complete:
            self.say({"serverContent": {"turnComplete": True}, "usageMetadata": usage})
        self._later(HANDLE_AFTER_TURN_S, self._offer_handle)
        if not manner.interrupts:
            self._begin()

    def _write(self, answer: Answer) -> None:
        """Say in writing what is to be heard."""
        words = "".join(f"a{answer.number}.{piece} " for piece in range(answer.pieces))
        self.say({"serverContent": {"outputTranscription": {"text": words}}})

    def _call(self, branch: Branch, answer: Answer, ask: str) -> None:
        """Ask for a function; the answer comes after its result, as another one."""
        self._turn = None
        branch.answers.remove(answer)
        call_id = self.service.new_call()
        self._calls[call_id] = branch.called_for[call_id] = ask
        self.service.made_calls.setdefault(branch.session, set()).add(call_id)
        self.service.note(f"calls {call_id} for {ask}")
        self.say({"toolCall": {"functionCalls": [{"id": call_id, "name": "look_up", "args": {"ask": ask}}]}})
        manner = self.service.manner
        if manner.cancelled_calls > 0:
            manner.cancelled_calls -= 1
            self._later(0.02, self._do_without)
        if not (manner.interrupts or manner.calls_block or answer.inherited):
            branch.calling.add(ask)
            self._begin()

    def _cancel_calls(self) -> None:
        if self._calls and self.branch is not None:
            self.say({"toolCallCancellation": {"ids": list(self._calls)}})
            self.branch.cancelled.update(self._calls)
            self._calls.clear()

    def _do_without(self) -> None:
        """Take the calls back, and answer without them."""
        if self._calls:
            self._cancel_calls()
            self._take("result", "call-none")
            self._begin()


def _piece(answer: int, piece: int, audio: str) -> dict[str, Any]:
    blob = {"mimeType": "audio/pcm;rate=24000", "data": audio}
    return {
        "serverContent": {
            "modelTurn": {"parts": [{"inlineData": blob}]},
            "outputTranscription": {"text": f"a{answer}.{piece} "},
        }
    }
