"""Any interleaving of what the application, the service, the network and the clock do keeps the ledger's promises.

The service is played along: it takes frames when it likes, answers all that it has been asked, forks its sessions when
they are taken up again, and keeps book. What it is told and says is under way for `FLIGHT_S` at most in each direction.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from math import inf
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gemini_realtime.errors import HandshakeError
from gemini_realtime.protocol import events, messages
from gemini_realtime.protocol.audio_ring import STRETCH_MS
from gemini_realtime.protocol.closing import close_error
from gemini_realtime.protocol.events import RealtimeEvent
from gemini_realtime.protocol.health import HealthPolicy, read_health
from gemini_realtime.protocol.models import profile_for
from gemini_realtime.protocol.options import SessionOptions
from gemini_realtime.protocol.progress import LOST_REASON
from gemini_realtime.protocol.resumption import Reconnect
from gemini_realtime.protocol.session import TRANSITIONS, Session, State
from gemini_realtime.protocol.turns import TurnState

FLIGHT_S = 0.15
RING_S = 0.5
PIECE_MS = 100.0
MODEL = "gemini-2.5-flash-native-audio"
PASSING = [close_error(1006, ""), close_error(1011, ""), close_error(1008, "The operation was aborted.")]
FINAL = [close_error(1007, "API key expired"), HandshakeError("key", status=401)]
OPEN = (State.READY, State.GOING_AWAY)


@dataclass
class Branch:
    """What a session of the service holds.

    Attributes:
        taken: texts, results and contexts, in order.
        calls: ids of all functions that were called in it.
        pending: what is to be answered.
    """

    taken: list[str] = field(default_factory=list)
    calls: set[str] = field(default_factory=set)
    pending: list[str] = field(default_factory=list)

    def fork(self) -> Branch:
        return Branch(list(self.taken), set(self.calls), list(self.pending))


class Connection:
    """The service's end of a connection, and what is under way in both directions.

    Attributes:
        branch: the session; None until it is confirmed.
        up: what the client has sent, and when.
        down: what the service has said, and when.
        answering: what the present answer covers; None between answers.
        asked: whether an answer is due.
        spoke: whether there has been one.
        seeded: whether the next message is the history.
        hears: whether the user has been heard on it.
        speech: whether the user has been heard since the service noticed the last time.
        count: messages taken after the setup.
        given: texts and results as the client has sent them.
    """

    def __init__(self) -> None:
        self.branch: Branch | None = None
        self.setup: dict[str, Any] | None = None
        self.setup_at = 0.0
        self.up: deque[tuple[float, dict[str, Any], bool]] = deque()
        self.down: deque[tuple[float, dict[str, Any], tuple[str, ...]]] = deque()
        self.answering: list[str] | None = None
        self.asked = self.spoke = False
        self.seeded = False
        self.hears = self.speech = False
        self.count = 0
        self.given: list[str] = []


HEARD = "x"
"""What the service understands of speech; a new session may be told of it in words."""


def words(frame: dict[str, Any]) -> list[str]:
    """The names of texts, results and contexts in a message."""
    if "toolResponse" in frame:
        return ["r" + response["id"] for response in frame["toolResponse"]["functionResponses"]]
    turns = [turn for turn in frame.get("clientContent", {}).get("turns", []) if turn["role"] == "user"]
    if "contextUpdate" in frame:
        turns = [frame["contextUpdate"]["systemInstruction"]]
    names = [name for turn in turns for part in turn["parts"] for name in part["text"].split("\n")]
    return [name for name in names if name.strip(HEARD)]


class Conversation(RuleBasedStateMachine):
    """The application, the service, the network and the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.line: Connection | None = None
        self.snapshots: dict[str, Branch] = {}
        self.given: list[str] = []  # everything, in order
        self.asked: set[str] = set()
        self.answered: set[str] = set()
        self.orphaned: set[str] = set()
        self.uncertain: set[str] = set()
        self.gone: set[str] = set()  # cancelled, or with a session that could not be taken up again
        self.calls: list[str] = []
        self.results: set[str] = set()
        self.turn_open = False
        self.state = State.NEW
        self.numbers = 0
        self.begun = False

    @initialize(transparent=st.booleans(), watched=st.booleans(), hand_over=st.booleans(), early=st.booleans())
    def begin(self, transparent: bool, watched: bool, hand_over: bool, early: bool) -> None:
        self.setup: dict[str, Any] = {
            "sessionResumption": {"transparent": True} if transparent else {},
            "realtimeInputConfig": {"automaticActivityDetection": {"disabled": True}},
        }
        self.transparent = transparent
        reconnect = Reconnect(jitter=lambda: 0.5, attempts=8, within_s=60.0, audio_ring_s=RING_S, hand_over=hand_over)
        health = HealthPolicy(empty_turn="nudge", no_answer="nudge", ping_after_s=5.0, pong_within_s=5.0)
        self.session = Session(
            profile_for(MODEL), reconnect=reconnect, health=health if watched else read_health("off")
        )
        if early:
            self.text(asks=True)
        self.session.prepare(self.setup)
        self.session.begin(self.now)
        self.line = Connection()
        self.moved()

    # --- the application

    def name(self, kind: str) -> str:
        self.numbers += 1
        return f"{kind}{self.numbers}"

    @precondition(lambda self: self.state is not State.CLOSED)
    @rule(asks=st.booleans())
    def text(self, asks: bool) -> None:
        name = self.name("t")
        self.session.send_text("user", name, asks, self.tick())
        self.given.append(name)
        self.asked |= {name} if asks else set()
        self.flush()

    @precondition(lambda self: self.state is not State.CLOSED)
    @rule()
    def context(self) -> None:
        name = self.name("c")
        content = messages.Content(parts=[messages.Part(text=name)])
        self.session.send_context_update(messages.ContextUpdate(system_instruction=content), {})
        self.given.append(name)
        self.flush()

    @precondition(lambda self: self.calls and self.state is not State.CLOSED)
    @rule(data=st.data())
    def result(self, data: st.DataObject) -> None:
        self.give(data.draw(st.sampled_from(self.calls)))

    def give(self, call_id: str) -> None:
        self.calls.remove(call_id)
        self.given.append("r" + call_id)
        told = self.session.send_function_result(call_id, {"output": ""}, self.tick())
        self.tell([told] if told is not None else [])

    @precondition(lambda self: self.state is not State.CLOSED)
    @rule(pieces=st.integers(0, 8), stalled=st.booleans(), edge=st.sampled_from([None, None, True, False]))
    def speech(self, pieces: int, stalled: bool, edge: bool | None) -> None:
        if edge is not None:
            self.session.send_activity(self.tick(), start=edge)
        if stalled:
            self.session.network(self.tick(), stalled=True)
        for _ in range(pieces):
            if (audio := self.session.audio).room >= 3:
                self.put(audio.send(b"\0\0\0", b"AAAA", self.tick()))
            elif (frame := self.session.send_audio(b"\0\0\0", b"AAAA", 16000, PIECE_MS, self.tick())) is not None:
                self.put(frame)
        if not stalled:
            self.session.network(self.tick(), stalled=False)
            self.flush()

    @rule()
    def update(self) -> None:
        self.setup = {**self.setup, "generationConfig": {"seed": self.numbers}}
        self.tell(self.session.update(self.setup, SessionOptions(), self.tick()) or [])

    # --- time

    def tick(self) -> float:
        self.now += 0.001
        return self.now

    @rule(seconds=st.sampled_from([0.05, 0.1, 0.3, 1.0, 6.0, 70.0]))
    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while (at := self.next_at()) <= end:
            self.now = max(self.now, at)
            self.arrive()
            deadline = self.session.deadline()
            if deadline is not None and deadline <= self.now:
                self.tell(self.session.deadline_reached(self.now))
                deadline = self.session.deadline()
                assert deadline is None or deadline > self.now
        self.now = max(self.now, end)  # what arrived has taken its time

    def next_at(self) -> float:
        line, times = self.line, [self.session.deadline() or inf]
        if line is not None:
            times += [queue[0][0] + FLIGHT_S for queue in (line.up, line.down) if queue]
        return min(times)

    def arrive(self) -> None:
        """What has been under way for too long arrives."""
        line = self.line
        while line is not None and line is self.line and line.up and line.up[0][0] + FLIGHT_S <= self.now:
            self.take()
        while line is not None and line is self.line and line.down and line.down[0][0] + FLIGHT_S <= self.now:
            self.hear()

    @rule()
    def pong(self) -> None:
        if self.session.take_actions().ping:
            self.wait(2 * FLIGHT_S + 0.01)
            self.session.pong(self.now)

    # --- the network

    def put(self, frame: bytes) -> None:
        """The client sends."""
        line, message = self.line, json.loads(frame)
        assert line is not None
        if line.setup is None:
            assert list(message) == ["setup"]
            line.setup, line.setup_at = message["setup"], self.now
            return
        assert line.branch is not None, "nothing is sent before the setup is confirmed"
        assert "setup" not in message
        seed, line.seeded = line.seeded, False
        line.up.append((self.now, message, seed))
        if not seed:
            line.given += words(message)
            places = [self.given.index(name) for name in line.given]
            assert places == sorted(set(places)), "in order, and nothing twice on one connection"

    def flush(self) -> None:
        while (frame := self.session.next_frame(self.now)) is not None:
            self.put(frame)
        self.moved()

    @precondition(lambda self: self.state in (*OPEN, State.SETTING_UP))
    @rule(error=st.sampled_from(PASSING), back=st.booleans())
    def lose(self, error: Any, back: bool) -> None:
        before, self.line = self.state, None
        self.tell(self.session.connection_ended(error, self.tick()))
        assert self.state is State.AWAY or (self.state is State.CLOSED and self.session.failure)
        if self.state is State.AWAY:
            assert before not in OPEN or not self.turn_open, "the turn ends with its connection"
            if back:
                self.dial()
                self.confirm()

    @precondition(lambda self: self.state in (*OPEN, State.SETTING_UP) and self.numbers > 12)
    @rule(error=st.sampled_from([*FINAL[:1], close_error(1000, "")]))
    def end(self, error: Any) -> None:
        self.line = None
        self.tell(self.session.connection_ended(error, self.tick()))

    @precondition(lambda self: self.state is State.AWAY)
    @rule(status=st.sampled_from([None, 429, 503]), retry_after_s=st.sampled_from([None, 2.0]))
    def fail_to_dial(self, status: int | None, retry_after_s: float | None) -> None:
        self.line = None
        self.now = max(self.now, self.session.resumption.dial_at)
        error = HandshakeError("no", status=status, retry_after_s=retry_after_s)
        self.tell(self.session.connection_ended(error, self.tick()))

    @precondition(lambda self: self.state is State.AWAY)
    @rule()
    def dial(self) -> None:
        self.now = max(self.now, self.session.resumption.dial_at)
        self.line = Connection()
        self.session.connected(self.tick())
        self.flush()

    @precondition(lambda self: self.state is State.SETTING_UP)
    @rule()
    def confirm(self) -> None:
        line = self.line
        assert line is not None
        self.flush()
        assert line.setup is not None
        self.now = max(self.now, line.setup_at + 2 * FLIGHT_S) + 0.001
        if (handle := line.setup["sessionResumption"].get("handle")) is not None:
            line.branch = self.snapshots[handle].fork()
        else:
            line.branch = Branch()
            line.seeded = bool(self.session._outbox._progress.said())  # then the first message is what was said before
            self.gone |= set(self.given) - self.kept()
        self.begun = True
        self.receive({"setupComplete": {}})

    @precondition(lambda self: self.state is State.SETTING_UP and self.session.resumption.handle)
    @rule()
    def refuse(self) -> None:
        self.flush()
        self.line = None
        self.tell(self.session.connection_ended(close_error(1008, "session not found"), self.tick()))

    # --- the service

    def said(self, message: dict[str, Any], *completes: str) -> None:
        assert self.line is not None
        self.line.down.append((self.tick(), message, completes))

    @precondition(lambda self: self.line is not None and self.line.up)
    @rule()
    def take(self) -> None:
        """The service takes the next message."""
        line = self.line
        assert line is not None
        assert line.branch is not None
        _, message, seed = line.up.popleft()
        line.count += 1
        names, branch = words(message), line.branch
        for name in () if seed else names:
            twice = name in branch.taken or name in self.answered
            assert not twice or name in self.uncertain or name[0] == "c", f"{name} is not asked for any more"
            assert name[0] != "r" or name[1:] in branch.calls, f"nobody waits for {name}"
        branch.taken += names
        branch.pending += [name for name in names if name in self.asked - self.answered or name[0] == "r"]
        asks = message.get("clientContent", {}).get("turnComplete", False)
        if asks and line.answering is not None:
            branch.pending = [*line.answering, *branch.pending]
            line.answering = None
            self.said({"serverContent": {"interrupted": True}})
            self.said({"serverContent": {"turnComplete": True}})
        spoken = message.get("realtimeInput", {})
        line.asked |= asks or "toolResponse" in message or "activityEnd" in spoken
        if spoken.keys() & {"audio", "activityStart"}:
            line.hears = line.speech = True

    @precondition(lambda self: self.speaks)
    @rule()
    def speak(self) -> None:
        """The service begins an answer, or goes on with it."""
        line = self.line
        assert line is not None
        assert line.branch is not None
        if line.answering is None:
            line.answering, line.branch.pending, line.asked, line.spoke = line.branch.pending, [], False, True
        self.said({"serverContent": {"modelTurn": {"parts": [{"text": "x"}]}}})

    @precondition(lambda self: self.speaks and self.line.answering is not None)
    @rule(how=st.sampled_from([["generationComplete"], ["turnComplete"], ["generationComplete", "turnComplete"]]))
    def complete(self, how: list[str]) -> None:
        line = self.line
        assert line is not None
        assert line.answering is not None
        self.said({"serverContent": dict.fromkeys(how, True)}, *line.answering)
        line.answering = None
        if "turnComplete" not in how:
            self.said({"serverContent": {"turnComplete": True}})

    @precondition(lambda self: self.speaks and self.line.speech)
    @rule(late=st.booleans())
    def barge_in(self, late: bool) -> None:
        """The service hears the user interrupt; some of what it was saying may come late."""
        line = self.line
        assert line is not None
        assert line.branch is not None
        line.speech = False
        if line.answering is not None:
            line.branch.pending = [*line.answering, *line.branch.pending]
            line.answering = None
        line.asked = True
        self.said({"serverContent": {"interrupted": True}})
        if late:
            self.said({"serverContent": {"modelTurn": {"parts": [{"text": "x"}]}}})
        self.said({"serverContent": {"turnComplete": True}})

    @precondition(lambda self: self.speaks)
    @rule(heard=st.booleans())
    def call(self, heard: bool) -> None:
        assert self.line is not None
        assert self.line.branch is not None
        call_id = self.name("f")
        self.line.branch.calls.add(call_id)
        self.said({"toolCall": {"functionCalls": [{"id": call_id, "name": "f"}]}})
        if heard:
            self.wait(FLIGHT_S)

    @precondition(lambda self: self.speaks and self.calls)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self.said({"toolCallCancellation": {"ids": [data.draw(st.sampled_from(self.calls))]}})

    @precondition(lambda self: self.speaks)
    @rule(heard=st.booleans())
    def offer_handle(self, heard: bool) -> None:
        line = self.line
        assert line is not None
        assert line.branch is not None
        # A question that came shortly before another answer began counts as answered by it, unless one more answer
        # follows: a service that owes one does not offer handles.
        if line.answering is not None or (line.spoke and line.asked):
            self.said({"sessionResumptionUpdate": {}})
            return
        handle = self.name("h")
        self.snapshots[handle] = line.branch.fork()
        index = {"lastConsumedClientMessageIndex": str(line.count)} if self.transparent else {}
        self.said({"sessionResumptionUpdate": {"newHandle": handle, "resumable": True, **index}})
        if heard:
            self.wait(FLIGHT_S)

    @precondition(lambda self: self.speaks)
    @rule(
        message=st.sampled_from(
            [
                {"serverContent": {"outputTranscription": {"text": "x"}}},
                {"serverContent": {"turnComplete": True}},
                {"goAway": {"timeLeft": "10s"}},
                {"goAway": {"timeLeft": "0s"}},
                {"usageMetadata": {"totalTokenCount": 1}},
                {"somethingNew": {}},
                {"error": {"code": 503, "status": "UNAVAILABLE"}},
            ]
        )
    )
    def remark(self, message: dict[str, Any]) -> None:
        if message == {"serverContent": {"turnComplete": True}} and self.line and self.line.answering is not None:
            return
        self.said(message)

    @precondition(lambda self: self.speaks and self.line.hears)
    @rule(
        message=st.sampled_from(
            [
                {"serverContent": {"inputTranscription": {"text": HEARD}}},
                {"voiceActivity": {"type": "ACTIVITY_START"}},
            ]
        )
    )
    def notice(self, message: dict[str, Any]) -> None:
        """The service tells what it hears of the user."""
        self.said(message)

    @precondition(lambda self: self.line is not None and self.line.down)
    @rule()
    def hear(self) -> None:
        """The client hears what the service said next."""
        assert self.line is not None
        self.tell(self.session.receive(b"\xff no JSON", self.tick()))
        _, message, completes = self.line.down.popleft()
        self.answered |= set(completes)
        self.receive(message)

    @property
    def speaks(self) -> bool:
        return self.line is not None and self.line.branch is not None

    # --- what the application is told

    def receive(self, message: dict[str, Any]) -> None:
        frame, now = json.dumps(message).encode(), self.tick()
        event = self.session.speech.next(frame, now)
        self.tell(self.session.receive(frame, now) if event is None else [event])

    def tell(self, told: list[RealtimeEvent]) -> None:
        for event in told:
            if isinstance(event, events.TextDelta | events.Interrupted | events.GenerationComplete):
                self.turn_open = True
            elif isinstance(event, events.OutputTranscript):  # begins a turn unless it comes late
                self.turn_open = self.session._inbox._turns.state is not TurnState.IDLE
            elif isinstance(event, events.TurnComplete):
                assert event.reason != LOST_REASON or self.turn_open, "the end of a turn that had none"
                assert event.raw_message or self.turn_open
                self.turn_open = False
            elif isinstance(event, events.FunctionCall):
                self.calls.append(event.call_id)
            elif isinstance(event, events.FunctionCallCancelled):
                self.gone |= {"r" + call_id for call_id in event.call_ids}
            elif isinstance(event, events.VoiceHealth) and event.finding == "orphaned_result":
                self.orphaned.add("r" + event.detail.split()[-1])
            elif isinstance(event, events.VoiceHealth) and event.finding == "message_rejected":
                kind = event.detail.partition(";")[0]  # contexts have no names, and the service takes all of them
                self.gone |= {name for name in self.given if f" {name.removeprefix('r')};" in event.detail}
                self.gone |= {name for name in self.given if name[0] == kind[0] == "c"}
            elif isinstance(event, events.SessionResumed):
                assert not self.turn_open, "a turn that nobody ends"
                self.uncertain |= {
                    ("r" if item.kind == "function_result" else "") + item.text
                    for item in event.items
                    if item.uncertain
                }
        if self.session.state not in (State.AWAY, State.CLOSED):
            self.flush()
        self.moved()

    def moved(self) -> None:
        """The state has changed along the transitions only."""
        reached = {self.state}
        for _ in State:
            reached |= {after for (before, _), after in TRANSITIONS.items() if before in reached}
        assert self.session.state in reached
        assert self.state is not State.CLOSED or self.session.state is State.CLOSED
        self.state = self.session.state
        if self.state is State.AWAY:
            resumption = self.session.resumption
            assert resumption.lost_at is not None
            assert resumption.lost_at <= resumption.dial_at <= resumption.lost_at + resumption.policy.within_s

    # --- what holds at any time

    def kept(self) -> set[str]:
        """What waits, or was sent and is kept; also what a handle held that was refused."""
        ledger = self.session._outbox._ledger
        inside = ledger._unanswered if self.session.resumption.handle is None else []
        return {
            ("r" if entry.kind == "function_result" else "") + (entry.label or words(json.loads(entry.frame))[0])
            for entry in (*ledger._waiting, *ledger._sent, *inside)
            if entry.kind != "activity"
        }

    @invariant()
    def nothing_is_lost(self) -> None:
        if self.state in (State.NEW, State.CLOSED):
            return
        handle = self.session.resumption.handle
        held = set(self.snapshots[handle].taken) if handle is not None else set()
        missing = set(self.given) - self.kept() - held - self.answered - self.orphaned - self.gone
        told = {name for turn in self.session._outbox._progress.said() for name in turn.text.split("\n")}
        if handle is None:  # a new session has the last context in its setup, and waits for no result
            told |= {name for name in missing if name[0] in "cr"}
        assert not missing - told, f"{missing} is nowhere"

    @invariant()
    def memory_is_bounded(self) -> None:
        if not self.begun:  # what is said before is kept for longer
            return
        ledger = self.session._outbox._ledger
        assert sum(stretch.ms for stretch in ledger.audio._sent) <= RING_S * 1000 + 2 * (STRETCH_MS + PIECE_MS)
        assert sum(piece.duration_ms for piece in ledger.audio._waiting) <= RING_S * 1000 + 2 * (STRETCH_MS + PIECE_MS)
        assert ledger.waiting_bytes == sum(len(entry.frame) for entry in ledger._waiting)

    def teardown(self) -> None:
        """In the end, with a service and an application that are well, every question has been answered."""
        if not hasattr(self, "session"):
            return
        while self.calls and self.state is not State.CLOSED:
            self.give(self.calls[0])
        if self.state in OPEN:
            self.session.network(self.tick(), stalled=False)
            self.flush()
        for _ in range(50):
            if self.state is State.CLOSED:
                return
            if self.state is State.AWAY:
                self.dial()
            elif self.state is State.SETTING_UP:
                self.confirm()
            elif self.line is not None and (self.line.up or self.line.down):
                self.wait(FLIGHT_S)
            elif self.session.waits:  # what may be why the session was closed is held back for a moment
                self.wait(1.0)
            elif self.line is not None and (self.line.answering is not None or self.line.asked):
                self.speak()
                self.complete(["generationComplete", "turnComplete"])
            else:
                break
            self.nothing_is_lost()
        lost = self.asked - self.answered - self.gone
        assert not lost, f"{lost} are never answered"


TestConversation = Conversation.TestCase
TestConversation.settings = settings(max_examples=250, stateful_step_count=60, deadline=None, derandomize=True)
