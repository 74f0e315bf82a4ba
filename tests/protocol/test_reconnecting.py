"""One conversation over several connections; the service is played by the test, message by message."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
import pybase64
import pytest

from gemini_realtime.errors import ConnectionClosed, GeminiRealtimeError, HandshakeError, ServiceError, SetupTimeout
from gemini_realtime.protocol import events, messages
from gemini_realtime.protocol.closing import close_error
from gemini_realtime.protocol.doubts import HOLDS_S
from gemini_realtime.protocol.events import RealtimeEvent
from gemini_realtime.protocol.handover import MAX_SPREAD_S
from gemini_realtime.protocol.health import HealthPolicy, read_health
from gemini_realtime.protocol.models import profile_for
from gemini_realtime.protocol.options import SessionOptions
from gemini_realtime.protocol.pings import PONG_LOST_S
from gemini_realtime.protocol.progress import LOST_REASON
from gemini_realtime.protocol.resumption import HANDLE_VALID_S, MAX_CLOSED_IN_SETUP, Reconnect
from gemini_realtime.protocol.session import UPDATE_WITHIN_S, Session, State

MODEL = "gemini-2.5-flash-native-audio"
SETUP: dict[str, Any] = {"model": f"models/{MODEL}", "sessionResumption": {}}
ROUND_TRIP_S = 0.1
BROKEN = close_error(1006, "")
NORMAL = close_error(1000, "")

Event = TypeVar("Event", bound=RealtimeEvent)


class Call:
    """A session, its service, and the clock between them.

    Attributes:
        session: under test.
        now: seconds.
        told: every event so far.
    """

    def __init__(self, model: str = MODEL, *, health: HealthPolicy | None = None, **reconnect: Any) -> None:
        policy = Reconnect(**{"jitter": lambda: 1.0, **reconnect})
        self.session = Session(profile_for(model), reconnect=policy, health=health or read_health("off"))
        self.now = 100.0
        self.told: list[RealtimeEvent] = []

    def begin(self, setup: dict[str, Any] = SETUP, history: Sequence[messages.Content] = ()) -> Call:
        self.session.prepare(setup, SessionOptions(given={"history": msgspec.to_builtins(history)}))
        self.session.begin(self.now)
        self.confirm()
        return self

    def confirm(self) -> list[dict[str, Any]]:
        """The service takes the setup, and confirms it; returns what goes out then."""
        (sent,) = self.sent()
        assert "setup" in sent
        self.wait(ROUND_TRIP_S)
        self.hear({"setupComplete": {}})
        return self.sent()

    def wait(self, seconds: float) -> Call:
        """Let time pass as a timer would."""
        end, session = self.now + seconds, self.session
        while (deadline := session.deadline()) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            self.told += session.deadline_reached(self.now)
            later = session.deadline()
            assert later is None or later > self.now, "a timer would run in a circle"
        self.now = end
        return self

    def hear(self, *said: dict[str, Any]) -> list[RealtimeEvent]:
        heard = [event for message in said for event in self.session.receive(json.dumps(message).encode(), self.now)]
        self.told += heard
        return heard

    def lose(self, error: GeminiRealtimeError = BROKEN) -> list[RealtimeEvent]:
        heard = self.session.connection_ended(error, self.now)
        self.told += heard
        return heard

    def dial(self) -> dict[str, Any]:
        """Connect when it is time; returns the setup."""
        assert self.session.state is State.AWAY
        self.now = max(self.now, self.session.resumption.dial_at)
        self.session.connected(self.now)
        (sent,) = self.sent()
        setup: dict[str, Any] = sent["setup"]
        return setup

    def ready(self) -> list[dict[str, Any]]:
        """The service confirms the setup after a loss; returns what goes out then."""
        self.wait(ROUND_TRIP_S)
        self.hear({"setupComplete": {}})
        return self.sent()

    def reconnect(self) -> list[dict[str, Any]]:
        self.dial()
        return self.ready()

    def sent(self) -> list[dict[str, Any]]:
        return [json.loads(frame) for frame in iter(lambda: self.session.next_frame(self.now), None)]

    def ask(self, text: str, *, turn_complete: bool = True) -> None:
        self.session.send_text("user", text, turn_complete, self.now)
        self.sent()

    def give(self, call_id: str) -> RealtimeEvent | None:
        told = self.session.send_function_result(call_id, {"output": "3"}, self.now)
        self.sent()
        return told

    def mic(self, *samples: int, pieces: int = 1) -> None:
        """Pieces of audio, 20 ms each and as far apart."""
        pcm = struct.pack("<320h", *samples, *([0] * (320 - len(samples))))
        for _ in range(pieces):
            if (audio := self.session.audio).room >= len(pcm):
                audio.send(pcm, pybase64.b64encode(pcm), self.now)
            else:
                self.session.send_audio(pcm, pybase64.b64encode(pcm), 16000, 20.0, self.now)
            if self.session.state is not State.AWAY:
                self.sent()
            self.now += 0.02

    def got(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.told if isinstance(event, kind)]

    @property
    def resumed(self) -> events.SessionResumed:
        return self.got(events.SessionResumed)[-1]


def handle(name: str, **more: Any) -> dict[str, Any]:
    return {"sessionResumptionUpdate": {"newHandle": name, "resumable": True, **more}}


def say(text: str) -> dict[str, Any]:
    return {"serverContent": {"modelTurn": {"parts": [{"text": text}]}}}


def call(call_id: str) -> dict[str, Any]:
    return {"toolCall": {"functionCalls": [{"id": call_id, "name": "f"}]}}


def go_away(seconds: float) -> dict[str, Any]:
    return {"goAway": {"timeLeft": f"{seconds}s"}}


GENERATED: dict[str, Any] = {"serverContent": {"generationComplete": True}}
COMPLETE: dict[str, Any] = {"serverContent": {"turnComplete": True}}
INTERRUPTED: dict[str, Any] = {"serverContent": {"interrupted": True}}
WITHHELD: dict[str, Any] = {"sessionResumptionUpdate": {}}


def texts(sent: Sequence[dict[str, Any]]) -> list[str]:
    """The words in what was sent, turn by turn."""
    return [
        part["text"]
        for frame in sent
        for turn in frame.get("clientContent", {}).get("turns", [])
        for part in turn["parts"]
    ]


def kinds_of(told: Sequence[RealtimeEvent]) -> list[str]:
    return [event.type for event in told]


def kinds(items: Sequence[events.ReplayedItem]) -> list[str]:
    return [item.kind for item in items]


# --- a loss


def test_a_lost_connection_is_taken_up_with_the_last_good_handle() -> None:
    line = Call().begin()
    line.hear(handle("h1"), WITHHELD)
    (lost,) = line.lose(close_error(1011, "Internal error encountered."))
    assert lost == events.ConnectionLost(code=1011, reason="Internal error encountered.")
    assert line.session.state is State.AWAY
    assert line.dial()["sessionResumption"] == {"handle": "h1"}
    line.ready()
    assert (line.session.state, line.resumed.new_session) == (State.READY, False)


def test_what_no_handle_holds_is_sent_again_in_order_and_once_before_what_was_given_meanwhile() -> None:
    line = Call().begin()
    line.ask("one")
    line.wait(1.0).hear(handle("h1"))
    line.wait(1.0).ask("two")
    line.ask("three", turn_complete=False)
    line.lose()
    line.ask("four")
    assert texts(line.reconnect()) == ["two", "three", "four"]
    assert [item.text for item in line.resumed.items] == ["two", "three"]
    assert line.sent() == []


def test_what_was_sent_shortly_before_the_handle_came_is_sent_again_and_called_uncertain() -> None:
    line = Call().begin()
    line.ask("long before")
    line.wait(1.0).ask("shortly before")
    line.wait(0.1).hear(handle("h1"))
    line.wait(0.1).ask("after")
    line.lose()
    assert texts(line.reconnect()) == ["shortly before", "after"]
    assert [item.uncertain for item in line.resumed.items] == [True, False]
    assert (line.resumed.replayed, line.resumed.uncertain) == (2, 1)


def test_the_gap_is_measured_from_the_loss_to_the_confirmation() -> None:
    line = Call(backoff_s=1.0).begin()
    line.lose()
    line.reconnect()
    assert line.resumed.gap_ms == 1100


def test_a_transparent_handle_settles_what_is_inside() -> None:
    line = Call().begin({**SETUP, "sessionResumption": {"transparent": True}})
    for text in ("one", "two", "three"):
        line.ask(text)
    line.hear(handle("h1", lastConsumedClientMessageIndex="2"))
    line.lose()
    assert line.dial()["sessionResumption"] == {"transparent": True, "handle": "h1"}
    assert texts(line.ready()) == ["three"]
    assert line.resumed.uncertain == 0


def test_a_history_counts_among_the_messages_of_a_transparent_handle() -> None:
    line = Call().begin()
    line.ask("before")
    line.wait(1.0).hear(say("yes"), GENERATED, COMPLETE)
    line.lose()
    assert len(line.reconnect()) == 1
    line.ask("one")
    line.ask("two")
    line.hear(handle("h1", lastConsumedClientMessageIndex="2"))
    line.lose()
    assert texts(line.reconnect()) == ["two"]


def test_a_handle_before_the_confirmation_says_nothing_of_what_was_sent_before_the_loss() -> None:
    line = Call().begin()
    line.hear(handle("h1"))
    line.wait(1.0).ask("one")
    line.lose()
    line.dial()
    line.wait(5.0).hear(handle("h2"))
    assert texts(line.ready()) == ["one"]


def test_a_late_handle_of_the_connection_that_is_being_left_still_counts() -> None:
    line = Call().begin()
    line.ask("one")
    line.lose()
    line.wait(1.0).hear(handle("h1"))
    assert line.dial()["sessionResumption"] == {"handle": "h1"}
    line.ready()
    assert line.resumed.items == []


# --- turns


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        ([], []),
        ([say("x")], [(LOST_REASON, False)]),
        ([say("x"), INTERRUPTED], [(LOST_REASON, True)]),
        ([say("x"), GENERATED], [(None, False)]),
        ([say("x"), GENERATED, COMPLETE], [(None, False)]),
    ],
)
def test_every_turn_has_one_end_also_when_its_connection_has(
    said: list[dict[str, Any]], ends: list[tuple[str | None, bool]]
) -> None:
    line = Call().begin()
    line.hear(*said)
    line.lose()
    line.reconnect()
    assert [(event.reason, event.interrupted) for event in line.got(events.TurnComplete)] == ends


def test_a_question_whose_answer_was_cut_is_asked_again_and_one_that_was_answered_is_not() -> None:
    line = Call().begin()
    line.ask("answered")
    line.wait(1.0).hear(say("yes"), GENERATED, COMPLETE)
    line.ask("cut")
    line.wait(1.0).hear(say("n"))
    line.hear(handle("h1"))
    line.lose()
    line.wait(1.0)
    again = line.reconnect()
    assert again == [{"clientContent": {"turnComplete": True}}]


def test_a_question_that_the_handle_holds_is_answered_on_request() -> None:
    line = Call().begin()
    line.ask("one")
    line.wait(1.0).hear(handle("h1"))
    line.lose()
    assert line.reconnect() == [{"clientContent": {"turnComplete": True}}]


def test_a_question_that_was_refused_is_not_asked_again_and_does_not_keep_the_connection() -> None:
    line = Call().begin()
    line.hear(handle("h1"))
    line.ask("one")
    line.wait(1.0).hear({"serverContent": {"turnComplete": True, "turnCompleteReason": "PROHIBITED_INPUT_CONTENT"}})
    assert line.session._outbox._progress.between_turns()
    line.lose()
    assert line.reconnect() == []


def test_a_question_after_the_one_that_was_refused_is_asked_again() -> None:
    line = Call().begin()
    line.hear(handle("h1"))
    line.ask("one")
    line.wait(1.0).ask("two")
    line.wait(0.05).hear({"serverContent": {"turnComplete": True, "turnCompleteReason": "RESPONSE_REJECTED"}})
    line.lose()
    assert texts(line.reconnect()) == ["two"]


def test_a_question_that_the_handle_holds_is_answered_on_request_in_another_process_too() -> None:
    line, other = Call().begin(), Call()
    line.ask("one")
    line.wait(1.0).hear(handle("h1"))
    other.session.restore(json.loads(json.dumps(line.session.saved_state(line.now))), other.now)
    other.session.prepare(SETUP)
    other.session.begin(other.now)
    assert other.confirm() == [{"clientContent": {"turnComplete": True}}]
    other.wait(1.0).hear(say("yes"), GENERATED, COMPLETE)
    other.hear(handle("h2"))
    other.lose()
    assert other.reconnect() == []


# --- how long messages are under way


def pinged(line: Call) -> bool:
    line.session.stirred = False
    return line.session.take_actions().ping


def test_a_handle_asks_for_the_round_trip_and_no_answer_to_an_earlier_ping_is_taken_for_it() -> None:
    line = Call().begin()
    line.hear(handle("h1"))
    assert pinged(line)
    line.wait(0.5).hear(handle("h2"))
    assert not pinged(line)
    line.now += 0.1
    line.session.pong(line.now)
    assert line.session._outbox._progress.round_trip_s == pytest.approx(0.6)
    line.hear(handle("h3"))
    assert pinged(line)


def test_of_two_pings_that_are_out_the_last_answer_is_measured() -> None:
    line = Call(health=HealthPolicy(ping_after_s=1.0)).begin()
    line.hear(handle("h1"))
    line.wait(1.5)  # nothing comes, which is a reason for another ping
    assert pinged(line)
    line.session.pong(line.now)
    assert line.session._outbox._progress.round_trip_s == pytest.approx(ROUND_TRIP_S)
    line.now += 0.2
    line.session.pong(line.now)
    assert line.session._outbox._progress.round_trip_s == pytest.approx(0.7)


@pytest.mark.parametrize("lost", ["the pong", "the connection"])
def test_a_ping_that_is_never_answered_does_not_keep_the_next_from_being_sent(lost: str) -> None:
    line = Call().begin()
    line.hear(handle("h1"))
    assert pinged(line)
    if lost == "the connection":
        line.lose()
        line.reconnect()
    else:
        line.wait(PONG_LOST_S)
    line.hear(handle("h2"))
    assert pinged(line)


def test_nothing_is_requested_where_the_answer_was_complete() -> None:
    line = Call().begin()
    line.ask("one")
    line.wait(0.05).hear(say("yes"), GENERATED, COMPLETE)
    line.wait(1.0).hear(handle("h1"))
    line.lose()
    assert line.reconnect() == []


def test_where_a_turn_may_be_a_filler_its_end_says_whether_the_question_was_answered() -> None:
    line = Call("gemini-3.8-live-extended-thinking").begin()
    line.ask("one")
    line.wait(1.0).hear(say("let me see"), GENERATED)
    line.lose()
    assert texts(line.reconnect()) == ["one"]
    assert [event.reason for event in line.got(events.TurnComplete)] == [LOST_REASON]


def test_an_error_in_a_message_is_a_loss_and_no_end_of_an_answer() -> None:
    line = Call(health=HealthPolicy(empty_turn="resume")).begin()
    line.ask("one")
    line.wait(5.0).hear(say("ye"))
    heard = line.hear({"error": {"code": 503, "status": "UNAVAILABLE", "message": "busy"}})
    assert [event.type for event in heard] == ["unknown", "session.connection_lost", "response.done"]
    assert texts(line.reconnect()) == ["one"]


def test_one_frame_that_ends_turn_and_connection_ends_the_turn_once() -> None:
    line = Call(health=HealthPolicy(near_silence="resume")).begin()
    silence = pybase64.b64encode(b"\0" * 48_000).decode()
    inline = {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": silence}}
    line.hear({"serverContent": {"modelTurn": {"parts": [inline]}}})
    line.hear({"serverContent": {"generationComplete": True, "turnComplete": True}})
    assert line.session.state is State.AWAY
    assert len(line.got(events.TurnComplete)) == 1


# --- a new session


def test_without_a_handle_a_new_session_is_told_what_was_said() -> None:
    line = Call().begin()
    line.ask("Who are you?")
    line.wait(1.0)
    line.hear({"serverContent": {"outputTranscription": {"text": "I am "}}}, say(""), GENERATED, COMPLETE)
    line.hear({"serverContent": {"inputTranscription": {"text": "Really?"}}}, say("Yes."), GENERATED, COMPLETE)
    line.ask("Why?")
    line.lose()
    assert line.dial()["sessionResumption"] == {}
    history, question = line.ready()
    assert [(turn["role"], turn["parts"][0]["text"]) for turn in history["clientContent"]["turns"]] == [
        ("user", "Who are you?"),
        ("model", "I am"),
        ("user", "Really?"),
        ("model", "Yes."),
    ]
    assert texts([question]) == ["Why?"]
    assert line.resumed.new_session


def test_the_history_that_was_given_opens_each_new_session() -> None:
    line = Call().begin(history=[messages.Content(role="user", parts=[messages.Part(text="long ago")])])
    line.lose()
    assert texts(line.reconnect()) == ["long ago"]


def test_a_new_session_is_told_nothing_where_that_is_not_wanted() -> None:
    line = Call(seed_history=False).begin()
    line.ask("one")
    line.wait(1.0).hear(say("yes"), GENERATED, COMPLETE)
    line.lose()
    assert line.reconnect() == []


def test_a_history_is_announced_where_the_model_wants_that() -> None:
    line = Call("gemini-3.1-flash-live-preview").begin()
    line.ask("one")
    line.wait(1.0).hear(say("yes"), GENERATED, COMPLETE)
    line.lose()
    assert line.dial()["historyConfig"] == {"initialHistoryInClientContent": True}
    (history,) = line.ready()
    assert history["clientContent"]["turnComplete"] is True


def test_a_handle_that_is_refused_leads_to_a_new_session() -> None:
    line = Call().begin()
    line.hear(handle("h1"))
    line.wait(1.0).ask("one")
    line.lose()
    line.dial()
    finding, waiting = line.lose(close_error(1008, "BidiGenerateContent session not found"))
    assert isinstance(finding, events.VoiceHealth)
    assert isinstance(waiting, events.Reconnecting)
    assert finding.finding == "handle_refused"
    assert line.dial()["sessionResumption"] == {}
    assert texts(line.ready()) == ["one"]
    assert line.resumed.new_session


def test_a_close_that_passes_is_not_held_against_the_handle() -> None:
    line = Call().begin()
    line.hear(handle("h1"))
    line.lose()
    line.dial()
    assert kinds_of(line.lose(close_error(1008, "The operation was aborted."))) == ["session.reconnecting"]
    assert line.dial()["sessionResumption"] == {"handle": "h1"}


def test_a_service_that_closes_on_a_handle_again_and_again_gets_a_new_session() -> None:
    line = Call().begin()
    line.hear(handle("h1"))
    line.lose()
    for _ in range(MAX_CLOSED_IN_SETUP - 1):
        assert line.dial()["sessionResumption"] == {"handle": "h1"}
        assert kinds_of(line.lose(close_error(1011, "Internal error encountered."))) == ["session.reconnecting"]
    line.dial()
    finding, _ = line.lose(close_error(1011, "Internal error encountered."))
    assert isinstance(finding, events.VoiceHealth)
    assert finding.finding == "handle_refused"
    assert line.dial()["sessionResumption"] == {}


def test_a_network_that_breaks_again_and_again_says_nothing_against_the_handle() -> None:
    line = Call().begin()
    line.hear(handle("h1"))
    line.lose()
    for _ in range(MAX_CLOSED_IN_SETUP + 1):
        assert line.dial()["sessionResumption"] == {"handle": "h1"}
        assert kinds_of(line.lose()) == ["session.reconnecting"]


def test_a_handle_of_the_application_is_not_given_up_for_another_session() -> None:
    line = Call()
    line.session.prepare({"model": MODEL, "sessionResumption": {"handle": "mine"}})
    line.session.begin(line.now)
    assert line.sent()[0]["setup"]["sessionResumption"] == {"handle": "mine"}
    line.lose(close_error(1008, "BidiGenerateContent session not found"))
    assert line.session.state is State.CLOSED
    assert isinstance(line.session.failure, ConnectionClosed)


def test_a_handle_that_is_too_old_is_not_tried() -> None:
    line = Call().begin()
    line.hear(handle("h1"))
    line.now += HANDLE_VALID_S + 1
    line.lose()
    assert line.dial()["sessionResumption"] == {}


# --- function calls


def test_a_result_whose_call_came_after_the_handle_is_reported_and_not_sent() -> None:
    line = Call().begin()
    line.hear(handle("h1"))
    line.wait(0.1).hear(call("given"), call("open"))
    line.give("given")
    line.lose()
    assert line.reconnect() == [{"clientContent": {"turnComplete": True}}]  # whatever they were made for
    (cancelled,) = line.got(events.FunctionCallCancelled)
    assert cancelled.call_ids == ["open"]
    orphan = line.give("open")
    assert isinstance(orphan, events.VoiceHealth)
    assert [event.finding for event in (*line.got(events.VoiceHealth), orphan)] == ["orphaned_result"] * 2


def test_a_result_whose_call_the_handle_knows_is_sent_again() -> None:
    line = Call().begin()
    line.hear(call("1"))
    line.wait(0.1).hear(handle("h1"))
    line.wait(1.0)
    line.give("1")
    line.lose()
    (again,) = line.reconnect()
    assert again["toolResponse"]["functionResponses"][0]["id"] == "1"


def test_a_result_given_while_away_goes_to_a_session_that_knows_the_call_only() -> None:
    for calls_first, results in ((True, 1), (False, 0)):
        line = Call().begin()
        for message in (call("1"), handle("h1"))[:: 1 if calls_first else -1]:
            line.wait(0.1).hear(message)
        line.lose()
        line.give("1")
        assert len([frame for frame in line.reconnect() if "toolResponse" in frame]) == results
        assert len(line.got(events.VoiceHealth)) == 1 - results


def test_a_call_that_is_made_again_under_its_id_gets_its_result() -> None:
    line = Call().begin()
    line.hear(handle("h1"))
    line.wait(0.1).hear(call("1"))
    line.lose()
    line.reconnect()
    line.hear(call("1"))
    assert line.session.send_function_result("1", {"output": "3"}, line.now) is None
    assert len(line.sent()) == 1


def test_the_result_of_a_cancelled_call_is_reported_and_not_sent() -> None:
    line = Call().begin()
    line.hear(call("1"), {"toolCallCancellation": {"ids": ["1"]}})
    assert isinstance(line.session.send_function_result("1", {"output": "3"}, line.now), events.VoiceHealth)
    assert line.sent() == []


LOUD = 9000


@pytest.mark.parametrize("model", [MODEL, "gemini-3.8-live", "gemini-3.1-flash-live-preview"])
@pytest.mark.parametrize("heard", [True, False], ids=["transcribed", "not transcribed"])
def test_a_spoken_question_that_the_handle_holds_is_answered_on_request(model: str, heard: bool) -> None:
    line = Call(model).begin()
    line.mic(LOUD, pieces=50)
    line.mic(pieces=25)
    line.wait(1.0)
    if heard:
        line.hear({"serverContent": {"inputTranscription": {"text": "And now?"}}})
    line.hear(handle("h1"))
    line.wait(0.1).mic(pieces=20)  # silence
    line.hear(say("No"))
    line.lose()
    sent = [frame for frame in line.reconnect() if "audio" not in frame.get("realtimeInput", {})]
    assert sent == [{"clientContent": {"turnComplete": True}}]


def test_a_spoken_question_that_is_heard_again_is_not_asked_for_besides() -> None:
    line = Call().begin()
    line.hear(handle("h1"))
    line.wait(1.0).mic(LOUD, pieces=50)
    line.wait(1.0).hear(say("No"))
    line.lose()
    assert {next(iter(frame)) for frame in line.reconnect()} == {"realtimeInput"}


def test_the_question_before_a_call_that_runs_on_is_asked_again_though_the_model_said_that_it_is_on_it() -> None:
    line = Call("gemini-3.8-live").begin()
    line.hear(handle("h1"))
    line.wait(1.0).ask("book it")
    line.wait(1.0).hear(call("1"), say("I am on it."), GENERATED, COMPLETE)
    line.wait(1.0).lose()
    assert texts(line.reconnect()) == ["book it"]
    assert line.got(events.FunctionCallCancelled)[-1].call_ids == ["1"]


def test_a_resumed_session_that_may_wait_for_lost_calls_is_told_of_them_before_anything_else() -> None:
    line = Call("gemini-3.8-live").begin()
    line.hear(handle("h1"))
    line.wait(1.0).ask("look it up")
    line.wait(1.0).hear(call("1"))
    line.lose()
    told, asked = line.reconnect()
    (response,) = told["toolResponse"]["functionResponses"]
    assert (response["id"], list(response["response"])) == ("1", ["error"])
    assert texts([asked]) == ["look it up"]


def test_words_before_their_sound_keep_the_connection_that_is_to_be_left() -> None:
    line = Call().begin()
    line.hear(handle("h1"))
    line.wait(1.0).ask("one")
    line.wait(0.5).hear({"serverContent": {"outputTranscription": {"text": "The answer"}}}, go_away(50))
    line.wait(0.3).hear(handle("h2"))
    assert line.session.state is State.GOING_AWAY
    line.lose()
    assert line.reconnect() == [{"clientContent": {"turnComplete": True}}]


def test_that_an_answer_is_complete_counts_though_its_connection_was_left_meanwhile() -> None:
    line = Call().begin()
    line.hear(handle("h1"))
    line.wait(1.0).ask("one")
    line.wait(1.0).hear(say("y"), go_away(0))
    assert line.session.state is State.AWAY
    line.hear(say("es"), GENERATED, COMPLETE)
    assert line.reconnect() == []


# --- what was said, told to a new session


def seeded(line: Call) -> list[tuple[str, str]]:
    """What a new session is told."""
    line.session.resumption.forget()
    line.lose()
    turns = line.reconnect()[0]["clientContent"]["turns"]
    return [(turn["role"], turn["parts"][0]["text"]) for turn in turns]


def test_a_transcript_that_comes_after_the_answer_stands_before_it() -> None:
    line = Call().begin()
    words = {"serverContent": {"outputTranscription": {"text": "Paris."}}}
    line.wait(5.0).hear(say(""), words, GENERATED, COMPLETE)
    line.wait(0.3).hear({"serverContent": {"inputTranscription": {"text": "The capital of France?"}}})
    assert seeded(line) == [("user", "The capital of France?"), ("model", "Paris.")]


def test_an_uncompleted_seed_is_completed_when_somebody_has_spoken_and_is_silent() -> None:
    line = Call().begin(history=[messages.Content(role="user", parts=[messages.Part(text="I am Ada.")])])
    line.mic(LOUD, pieces=25)
    line.hear({"serverContent": {"inputTranscription": {"text": "Who am I?"}}})
    line.wait(0.4)
    assert line.sent() == []
    line.wait(0.6)
    assert line.sent() == [{"clientContent": {"turnComplete": True}}]
    line.hear({"serverContent": {"inputTranscription": {"text": "Well?"}}})
    assert line.wait(5.0).sent() == []


# --- audio


def test_audio_since_the_handle_is_sent_again_with_what_was_said_meanwhile() -> None:
    line = Call().begin()
    line.mic(pieces=50)
    line.wait(1.0).hear(handle("h1"))
    line.wait(0.01).mic(pieces=10)
    line.lose()
    line.mic(pieces=5)
    assert len(line.reconnect()) == 15
    (item,) = line.resumed.items
    assert (item.kind, item.start_ms, item.duration_ms, item.uncertain) == ("audio", 1000, 200, False)


def test_audio_around_the_handle_is_one_stretch_that_is_uncertain_and_one_that_is_not() -> None:
    line = Call().begin()
    line.mic(pieces=50)
    line.hear(handle("h1"))
    line.wait(0.01).mic(pieces=10)
    line.lose()
    line.reconnect()
    assert [(item.duration_ms, item.uncertain) for item in line.resumed.items] == [(340, True), (200, False)]


def test_audio_that_is_sent_again_has_time_to_go_out_through_a_slow_network() -> None:
    line = Call().begin()
    line.hear(handle("h1"))
    line.now += 1.0
    line.mic(pieces=250)
    line.lose()
    line.dial()
    line.wait(ROUND_TRIP_S).hear({"setupComplete": {}})
    session, again = line.session, 0
    for _ in range(250):  # it takes as much as is said meanwhile, and no more
        line.now += 0.02
        session.network(line.now, stalled=False)
        again += session.next_frame(line.now) is not None
        session.network(line.now, stalled=True)
        session.send_audio(bytes(640), pybase64.b64encode(bytes(640)), 16000, 20.0, line.now)
    assert (again, session.take_dropped()) == (250, None)


def test_speech_that_was_cut_is_sent_again_from_its_beginning() -> None:
    line = Call().begin()
    line.mic(pieces=100)
    line.hear({"voiceActivity": {"type": "ACTIVITY_START"}})
    line.mic(pieces=100)
    line.hear(handle("h1"))
    line.lose()
    line.reconnect()
    assert line.resumed.items[0].duration_ms == 2000 + 1100


def test_audio_goes_out_at_once_again_when_all_that_waited_has_gone_out() -> None:
    line = Call().begin()
    line.mic()
    line.lose()
    line.mic()
    assert line.session.send_audio(b"\0\0\0", b"AAAA", 16000, 20.0, line.now) is None
    assert len(line.reconnect()) == 3
    assert line.session.send_audio(b"\0\0\0", b"AAAA", 16000, 20.0, line.now) is not None


# --- giving up


def test_a_request_that_is_wrong_is_not_repeated() -> None:
    for error in (
        close_error(1007, "API key expired"),
        HandshakeError("key", status=401),
        HandshakeError("p", status=407),
    ):
        line = Call().begin()
        line.lose()
        line.lose(error)
        assert (line.session.state, line.session.failure) == (State.CLOSED, error)


def test_a_refusal_of_the_very_first_setup_is_the_end() -> None:
    line = Call()
    line.session.prepare(SETUP)
    line.session.begin(line.now)
    line.lose(close_error(1007, "Request contains an invalid argument."))
    assert line.session.state is State.CLOSED


def test_dialling_goes_on_until_a_limit_and_the_last_error_is_the_failure() -> None:
    line = Call(attempts=3, backoff_s=1.0).begin()
    line.lose()
    dialled = []
    while line.session.state is State.AWAY:
        line.now = line.session.resumption.dial_at
        dialled.append(line.now)
        told = line.lose(HandshakeError(f"no route {len(dialled)}"))
        assert kinds_of(told) == ["session.reconnecting"] * (len(dialled) < 3)
    assert len(dialled) == 3
    assert isinstance(line.session.failure, HandshakeError)
    assert line.session.failure.problem == "no route 3"


def test_retry_after_is_heeded() -> None:
    line = Call().begin()
    line.lose()
    line.lose(HandshakeError("busy", status=503, retry_after_s=20.0))
    assert line.session.resumption.dial_at == line.now + 20.0


def test_a_first_setup_that_is_never_confirmed_fails_after_its_time() -> None:
    line = Call()
    line.session.prepare(SETUP)
    line.session.begin(line.now, timeout_s=5.0)
    line.sent()
    line.wait(4.9)
    assert line.session.state is State.SETTING_UP
    line.wait(0.1)
    assert isinstance(line.session.failure, SetupTimeout)


def test_a_later_setup_that_is_never_confirmed_is_tried_again() -> None:
    line = Call(attempts=2).begin()
    line.lose()
    for _ in range(2):
        line.dial()
        line.wait(30.0)
    assert isinstance(line.session.failure, SetupTimeout)
    assert line.session.failure.__notes__ == ["Gave up after 2 attempts in 61 s."]


def test_an_attempt_that_failed_is_told_with_what_is_waited_for() -> None:
    line = Call(backoff_s=1.0).begin()
    line.lose()
    line.lose(HandshakeError("busy", status=503, retry_after_s=20.0))
    (waiting,) = line.got(events.Reconnecting)
    assert (waiting.attempt, waiting.wait_ms) == (2, 20_000)
    assert "busy" in waiting.reason


def test_with_reconnect_off_a_loss_is_the_end() -> None:
    line = Call(enabled=False).begin()
    line.hear(say("x"))
    line.lose()
    assert (line.session.state, line.session.failure) == (State.CLOSED, BROKEN)


def test_an_error_in_a_message_that_will_not_pass_is_the_end() -> None:
    line = Call().begin()
    line.hear({"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "no"}})
    assert isinstance(line.session.failure, ServiceError)


def test_a_normal_close_is_the_end_but_for_the_connection_that_was_left() -> None:
    line = Call().begin()
    line.lose()
    line.lose(NORMAL)
    assert line.session.state is State.AWAY
    line.reconnect()
    line.lose(NORMAL)
    assert (line.session.state, line.session.failure) == (State.CLOSED, None)


def test_the_end_by_the_application_is_final() -> None:
    line = Call().begin()
    line.lose()
    line.session.end()
    line.lose()
    line.session.connected(line.now)
    assert (line.session.state, line.session.deadline(), line.sent()) == (State.CLOSED, None, [])


def test_nothing_goes_out_while_there_is_no_connection() -> None:
    line = Call(health=HealthPolicy(empty_turn="nudge")).begin()
    line.wait(5.0)
    line.hear(COMPLETE)
    assert line.session.stirred
    line.lose()
    line.ask("one")
    assert line.sent() == []


def test_a_connection_lost_before_the_conversation_begins_is_made_again_when_it_does() -> None:
    line = Call()
    line.lose()
    line.now += 1000.0
    line.session.prepare(SETUP)
    line.session.begin(line.now)
    assert line.session.state is State.AWAY
    assert line.session.resumption.dial_at == line.now
    assert line.dial() == SETUP
    line.ready()
    assert [event.type for event in line.told] == ["session.created"]


# --- handing over


def test_go_away_between_turns_is_heeded_at_once() -> None:
    line = Call(jitter=lambda: 0.0).begin()
    line.hear(handle("h1"))
    line.wait(0.01).hear(go_away(50))
    assert line.session.state is State.AWAY
    assert line.dial()["sessionResumption"] == {"handle": "h1"}
    line.ready()
    assert line.got(events.ConnectionLost) == []
    assert line.resumed.gap_ms == 100


def test_go_away_in_a_turn_is_heeded_when_the_turn_is_over_and_saved() -> None:
    line = Call(jitter=lambda: 0.0).begin()
    line.hear(handle("h0"))
    line.ask("one")
    line.wait(1.0).hear(say("y"), go_away(50))
    line.wait(5.0).hear(say("es"), GENERATED, COMPLETE)
    assert line.wait(0.0).session.state is State.GOING_AWAY
    line.wait(0.1).hear(handle("h1"))
    assert line.session.state is State.AWAY
    line.reconnect()
    assert line.resumed.items == []


def test_a_turn_that_is_never_saved_is_waited_for_while_there_is_plenty_of_time() -> None:
    line = Call().begin()
    line.hear(handle("h0"))
    line.wait(0.1).hear(say("x"), go_away(50), GENERATED, COMPLETE)
    assert line.wait(22.0).session.state is State.GOING_AWAY
    assert line.wait(1.0).session.state is State.AWAY


def test_new_options_do_not_wait_long_for_a_turn_that_is_never_saved() -> None:
    line = Call().begin()
    line.hear(handle("h0"))
    line.wait(0.1).hear(say("x"))
    line.session.update(NEW, SessionOptions(), line.now)
    line.hear(GENERATED, COMPLETE)
    assert line.wait(1.4).session.state is State.GOING_AWAY
    assert line.wait(0.4).session.state is State.AWAY


def test_go_away_waits_for_what_is_asked_and_for_functions_that_run() -> None:
    line = Call(jitter=lambda: 0.0).begin()
    line.hear(handle("h0"))
    line.ask("one")
    line.hear(go_away(50))
    line.wait(10.0).hear(call("1"))
    assert line.wait(10.0).session.state is State.GOING_AWAY
    line.give("1")
    line.hear(say("3"), GENERATED, COMPLETE)
    line.wait(1.0).hear(handle("h1"))
    assert line.session.state is State.AWAY


def test_go_away_waits_for_a_pause_in_speech() -> None:
    line = Call(jitter=lambda: 0.0).begin()
    line.hear(handle("h0"))
    line.mic(9000, pieces=5)
    line.hear(go_away(50))
    for _ in range(10):
        line.mic(9000, pieces=10)
        line.wait(0.0)
        assert line.session.state is State.GOING_AWAY
    line.mic(100, pieces=40)
    line.wait(2.0)
    assert line.session.state is State.AWAY


def test_a_connection_is_left_before_its_end_whatever_is_going_on_and_its_turn_with_it() -> None:
    line = Call().begin()
    line.hear(handle("h0"))
    line.wait(1.0).ask("one")
    line.wait(1.0).hear(say("y"), go_away(10))
    assert line.wait(7.9).session.state is State.GOING_AWAY
    assert line.wait(0.2).session.state is State.AWAY
    assert texts(line.reconnect()) == ["one"]
    kept = [event.type for event in line.told if isinstance(event, events.TurnComplete | events.SessionResumed)]
    assert kept == ["response.done", "session.resumed"]


def test_go_away_without_a_handle_waits_for_one_until_the_end() -> None:
    line = Call().begin()
    line.hear(go_away(10))
    assert line.wait(7.9).session.state is State.GOING_AWAY
    assert line.wait(0.2).session.state is State.AWAY


def test_without_hand_over_the_service_closes_and_the_conversation_comes_back_then() -> None:
    line = Call(hand_over=False).begin()
    line.hear(handle("h1"), go_away(10))
    assert line.wait(60.0).session.state is State.GOING_AWAY
    line.lose(close_error(1008, "failed to close the connection after receiving a GoAway signal"))
    assert line.dial()["sessionResumption"] == {"handle": "h1"}


def test_a_service_that_sends_away_each_connection_at_once_is_not_dialled_in_a_circle() -> None:
    line = Call(backoff_s=1.0).begin()
    line.hear(handle("h1"))
    gaps = []
    for _ in range(4):
        line.hear(go_away(0))
        gaps.append(line.session.resumption.dial_at - line.now)
        line.reconnect()
    assert gaps == [1.0, 2.0, 4.0, 8.0]


# --- new options


NEW: dict[str, Any] = {**SETUP, "generationConfig": {"temperature": 1}}


def test_new_options_take_a_new_connection_between_turns_and_are_told_when_in_force() -> None:
    line = Call().begin()
    line.hear(handle("h1"))
    line.hear(say("x"))
    assert line.session.update(NEW, SessionOptions(), line.now) == []
    line.hear(GENERATED, COMPLETE)
    line.wait(0.1).hear(handle("h2"))
    assert line.dial() == {**NEW, "sessionResumption": {"handle": "h2"}}
    line.ready()
    assert [event.type for event in line.told[-2:]] == ["session.resumed", "session.updated"]


@pytest.mark.parametrize("where", ["setting up", "away"])
def test_options_that_change_between_connections_come_with_the_next_one(where: str) -> None:
    line = Call().begin()
    line.hear(handle("h1"))
    line.lose()
    if where == "setting up":
        line.dial()
    assert line.session.update(NEW, SessionOptions(), line.now) == []
    line.ready() if where == "setting up" else line.reconnect()
    if where == "setting up":
        assert line.got(events.SessionUpdated) == []
        line.wait(5.0)
        line.reconnect()
    assert len(line.got(events.SessionUpdated)) == 1


def test_options_are_in_force_by_a_minute_at_the_latest() -> None:
    line = Call().begin()
    line.hear(handle("h1"), say("endless"))
    line.session.update(NEW, SessionOptions(), line.now)
    assert line.wait(UPDATE_WITHIN_S - 5.1).session.state is State.GOING_AWAY
    assert line.wait(0.2).session.state is State.AWAY


def test_options_that_are_refused_are_given_up_for_those_that_were_in_force() -> None:
    line = Call().begin()
    line.hear(handle("h1"))
    line.session.update(NEW, SessionOptions(), line.now)
    line.wait(2.0)
    line.dial()
    finding, _ = line.lose(close_error(1007, "Request contains an invalid argument."))
    assert isinstance(finding, events.VoiceHealth)
    assert finding.finding == "update_refused"
    assert line.dial() == {**SETUP, "sessionResumption": {"handle": "h1"}}
    line.ready()
    assert (line.session.state, line.got(events.SessionUpdated)) == (State.READY, [])


def test_new_options_need_no_permission_to_hand_over() -> None:
    line = Call(hand_over=False).begin()
    line.hear(handle("h1"))
    line.session.update(NEW, SessionOptions(), line.now)
    assert line.wait(2.0).session.state is State.AWAY


@pytest.mark.parametrize("lost_before", [False, True])
def test_a_session_that_begins_afresh_is_told_nothing_but_what_was_not_answered(lost_before: bool) -> None:
    line = Call().begin()
    line.hear(handle("h1"))
    line.ask("My name is Ada.")
    line.hear(say("Hello, Ada."))  # so soon that the two may have crossed
    assert line.session.update(NEW, SessionOptions(), line.now, afresh=True) == []
    line.hear(GENERATED, COMPLETE, handle("h2")) if not lost_before else line.lose()
    line.ask("How are you?")
    assert line.dial() == {**NEW, "sessionResumption": {}}
    assert texts(line.ready()) == (["My name is Ada.", "How are you?"] if lost_before else ["How are you?"])
    assert [event.type for event in line.told[-2:]] == ["session.resumed", "session.updated"]
    assert line.resumed.new_session
    line.hear(handle("h3"))
    line.lose()
    assert line.dial()["sessionResumption"] == {"handle": "h3"}


def test_a_session_begins_afresh_where_the_service_gives_no_handles() -> None:
    line = Call().begin({"model": MODEL})
    assert line.session.update({"model": MODEL}, SessionOptions(), line.now, afresh=True) == []
    assert line.dial() == {"model": MODEL}


@pytest.mark.parametrize(
    "prepare",
    [
        lambda: Call(enabled=False).begin(),
        lambda: Call().begin({"model": MODEL}),
        lambda: _ended(),
    ],
    ids=["reconnect off", "no handles", "ended"],
)
def test_options_that_cannot_take_effect_any_more_are_refused(prepare: Callable[[], Call]) -> None:
    line = prepare()
    state = line.session.state
    assert line.session.update(NEW, SessionOptions(), line.now) is None
    assert line.session.state is state


def _ended() -> Call:
    line = Call().begin()
    line.session.end()
    return line


# --- the watchdog


def test_a_dead_connection_is_pinged_then_given_up_and_taken_up_again() -> None:
    line = Call(health=HealthPolicy()).begin()
    line.hear(handle("h1"))
    line.session.take_actions()
    line.wait(20.1)
    assert line.session.take_actions().ping
    line.wait(60.0)
    assert line.session.state is State.AWAY
    (lost,) = line.got(events.ConnectionLost)
    assert (lost.code, lost.reason) == (1006, "dead_connection")
    line.reconnect()
    assert not line.resumed.new_session


def test_a_question_that_waits_since_a_loss_is_owed_an_answer_from_its_new_sending() -> None:
    line = Call(health=HealthPolicy(dead_connection="off", answer_within_s=10.0)).begin()
    line.ask("one")
    line.wait(5.0).lose()
    line.reconnect()
    line.wait(9.9)
    assert line.got(events.VoiceHealth) == []
    line.wait(0.2)
    assert [event.finding for event in line.got(events.VoiceHealth)] == ["no_answer"]


def test_nothing_is_owed_while_a_function_runs_on_after_a_loss() -> None:
    line = Call(health=HealthPolicy(dead_connection="off")).begin()
    line.ask("one")
    line.wait(1.0).hear(call("1"))
    line.wait(0.1).hear(handle("h1"))
    line.lose()
    line.reconnect()
    line.wait(100.0)
    assert line.got(events.VoiceHealth) == []


# --- closes of the service


REFUSED = close_error(1008, "Operation is not implemented, or supported, or enabled.")
INTERNAL = close_error(1011, "Internal error encountered.")
ENDED = close_error(1000, "The operation was cancelled.")


def talked(setup: dict[str, Any] = SETUP, **reconnect: Any) -> Call:
    """A conversation in which a question has had its answer, and which a handle holds."""
    line = Call(**reconnect).begin(setup)
    line.ask("first")
    line.wait(1.0).hear(say("yes"), GENERATED, COMPLETE)
    line.wait(1.0).hear(handle("h1"))
    return line


@pytest.mark.parametrize("error", [ENDED, REFUSED, close_error(1007, "no"), INTERNAL], ids=str)
def test_a_close_between_turns_is_resumed_with_the_handle(error: ConnectionClosed) -> None:
    line = talked()
    line.lose(error)
    assert line.dial()["sessionResumption"] == {"handle": "h1"}
    line.ready()
    assert not line.resumed.new_session


@pytest.mark.parametrize("error", [ENDED, REFUSED, close_error(1007, "no"), INTERNAL], ids=str)
def test_a_close_in_mid_answer_is_resumed_and_the_question_asked_again(error: ConnectionClosed) -> None:
    line = talked()
    line.ask("second")
    line.wait(0.5).hear(say("half an "))
    line.lose(error)
    line.dial()
    assert texts(line.ready()) == ["second"]


def test_a_normal_close_ends_the_reader_where_that_is_wanted() -> None:
    line = talked(after_normal_close=False)
    line.ask("second")
    line.lose(ENDED)
    assert (line.session.state, line.session.failure) == (State.CLOSED, None)


def test_with_reconnect_off_a_normal_close_ends_the_reader() -> None:
    line = talked(enabled=False)
    line.ask("second")
    line.lose(ENDED)
    assert (line.session.state, line.session.failure) == (State.CLOSED, None)


def test_the_same_refusal_again_leads_to_a_new_session_and_then_to_the_error_that_says_both() -> None:
    line = talked()
    line.lose(REFUSED)
    line.reconnect()
    line.lose(close_error(1007, "no"))
    assert [event.finding for event in line.got(events.VoiceHealth)] == ["handle_doubted"]
    assert line.dial()["sessionResumption"] == {}
    line.ready()
    assert line.resumed.new_session
    line.lose(INTERNAL)
    assert line.session.state is State.CLOSED
    assert "again after 1007 'no'" in str(line.session.failure)


def test_a_refusal_after_another_answer_is_a_first_one() -> None:
    line = talked()
    for name in ("h2", "h3", "h4"):
        line.lose(REFUSED)
        line.reconnect()
        line.ask(name)
        line.wait(1.0).hear(say("yes"), GENERATED, COMPLETE)
        line.wait(1.0).hear(handle(name))
    assert line.got(events.VoiceHealth) == []


def test_a_message_that_the_session_is_closed_on_twice_is_not_sent_a_third_time() -> None:
    line = talked()
    line.ask("poison")
    line.lose(INTERNAL)
    line.dial()
    assert texts(line.ready()) == ["poison"]
    line.lose(INTERNAL)
    line.dial()
    assert texts([*line.ready(), *line.wait(HOLDS_S).sent()]) == []
    (finding,) = line.got(events.VoiceHealth)
    assert (finding.finding, finding.action) == ("message_rejected", "not sent again")
    assert "poison" in finding.detail
    line.session.send_text("user", "hello", True, line.now)
    assert texts(line.sent()) == ["hello"]


def test_a_call_whose_result_is_rejected_twice_gets_an_error_in_its_place() -> None:
    line = Call("gemini-3.8-live").begin({**SETUP, "tools": [{"functionDeclarations": [{"name": "f"}]}]})
    line.hear(call("c1"), handle("h1"))
    line.give("c1")
    line.ask("and now?")
    line.lose(INTERNAL)
    line.reconnect()
    line.lose(INTERNAL)
    line.reconnect()
    answer, *_ = line.wait(HOLDS_S).sent()
    (error,) = answer["toolResponse"]["functionResponses"]
    assert (error["id"], error["name"], [*error["response"]]) == ("c1", "f", ["error"])
    assert "the result for the call c1" in line.got(events.VoiceHealth)[0].detail
    line.wait(60.0).lose(BROKEN)
    assert "toolResponse" in line.reconnect()[0], "it is kept until the service has it"


def test_an_error_that_is_rejected_as_well_is_given_up() -> None:
    line = Call("gemini-3.8-live").begin()
    line.hear(call("c1"), handle("h1"))
    line.give("c1")
    for _ in range(2):
        line.lose(INTERNAL)
        line.reconnect()
    assert len(line.wait(HOLDS_S).sent()) == 1
    line.hear(say("Well."), COMPLETE)
    for _ in range(2):
        line.lose(INTERNAL)
        line.reconnect()
    assert line.wait(HOLDS_S).sent() == []


@pytest.mark.parametrize(("model", "asked_again"), [(MODEL, ["two"]), ("gemini-3.8-live", [])])
def test_where_typed_questions_wait_for_their_turn_each_has_an_answer_of_its_own(
    model: str, asked_again: list[str]
) -> None:
    line = Call(model, seed_history=False).begin()
    line.ask("one")
    line.wait(0.5).ask("two")
    line.wait(1.0).hear(say("To the first."), GENERATED, COMPLETE)
    assert line.session._outbox._progress.between_turns() is (asked_again == [])
    line.wait(1.0).lose()
    assert texts(line.reconnect()) == asked_again
    line.wait(1.0).hear(say("To the second."), GENERATED, COMPLETE)
    line.wait(1.0).lose()
    assert texts(line.reconnect()) == []


def test_what_was_typed_while_a_function_ran_waits_for_its_turn() -> None:
    line = Call(seed_history=False).begin()
    line.ask("one")
    line.hear(call("c1"))
    line.wait(0.5).ask("two")
    line.give("c1")
    line.wait(1.0).hear(say("To the first."), GENERATED, COMPLETE)
    line.wait(1.0).lose()
    assert texts(line.reconnect()) == ["two"]


def test_one_answer_is_to_all_that_was_typed_when_somebody_spoke_as_well() -> None:
    line = Call(seed_history=False).begin()
    line.ask("one")
    line.wait(0.5).mic(9000, -9000, pieces=30)
    line.ask("two")
    line.wait(1.0).hear(say("To both."), GENERATED, COMPLETE)
    line.wait(1.0).lose()
    assert texts(line.reconnect()) == []


def test_a_handle_that_is_closed_on_is_told_from_a_message_that_is() -> None:
    line = talked()
    line.ask("question")
    line.lose(INTERNAL)
    line.dial()
    assert texts(line.ready()) == ["question"]
    line.lose(INTERNAL)
    line.dial()
    assert texts(line.ready()) == []
    line.wait(HOLDS_S / 2).lose(INTERNAL)
    assert [event.finding for event in line.got(events.VoiceHealth)] == ["handle_doubted"]
    line.dial()
    assert texts(line.ready())[-1] == "question"


def test_without_a_handle_to_doubt_it_is_the_message() -> None:
    line = Call().begin()
    line.ask("poison")
    for _ in range(2):
        line.lose(INTERNAL)
        line.reconnect()
    assert [event.finding for event in line.got(events.VoiceHealth)] == ["message_rejected"]
    assert line.session.state is State.READY


def test_nobody_waits_for_the_answer_to_a_message_that_is_rejected() -> None:
    line = talked(health=HealthPolicy(dead_connection="off"))
    line.ask("poison")
    for _ in range(2):
        line.lose(INTERNAL)
        line.reconnect()
    line.wait(300.0)
    assert [event.finding for event in line.got(events.VoiceHealth)] == ["message_rejected"]
    assert line.session.state is State.READY


def test_when_every_message_is_rejected_it_is_not_the_messages() -> None:
    line = talked()
    for text in ("one", "two", "three", "four", "five"):
        if line.session.state is State.CLOSED:
            break
        line.ask(text)
        for _ in range(2):
            line.lose(REFUSED)
            if line.session.state is State.AWAY:
                line.reconnect()
                line.wait(HOLDS_S).sent()
    assert isinstance(line.session.failure, ConnectionClosed)
    assert "again after 1008" in str(line.session.failure)


def test_sound_that_the_session_is_closed_on_again_and_again_is_given_up_last() -> None:
    line = talked()
    line.mic(9000, pieces=10)
    for _ in range(3):
        line.lose(INTERNAL)
        line.reconnect()
        line.wait(HOLDS_S).sent()
    assert [event.finding for event in line.got(events.VoiceHealth)] == ["handle_doubted", "message_rejected"]
    assert "200 ms of audio" in line.got(events.VoiceHealth)[-1].detail
    assert line.session.state is State.READY


def test_a_handle_may_be_refused_after_the_confirmation_too() -> None:
    line = talked()
    line.lose()
    line.reconnect()
    line.lose(close_error(1008, "BidiGenerateContent session not found"))
    assert [event.finding for event in line.got(events.VoiceHealth)] == ["handle_refused"]
    assert line.dial()["sessionResumption"] == {}


@pytest.mark.parametrize("asked", ["before the loss", "since"])
def test_a_resumed_session_that_never_answers_is_given_up_for_a_new_one(asked: str) -> None:
    line = talked(health=read_health({"answer_within_s": 5.0}))
    if asked == "before the loss":
        line.ask("question")
    line.lose()
    line.reconnect()
    if asked == "since":
        line.ask("question")
    line.wait(5.0)
    assert [(event.finding, event.action) for event in line.got(events.VoiceHealth)] == [
        ("no_answer", "resume"),
        ("handle_doubted", "opening a new session"),
    ]
    assert line.dial()["sessionResumption"] == {}
    assert texts(line.ready())[-1] == "question"
    assert line.resumed.new_session


@pytest.mark.parametrize("resumed", [False, True])
def test_a_session_that_has_answered_is_left_to_be_slow(resumed: bool) -> None:
    line = talked(health=read_health({"answer_within_s": 5.0}))
    if resumed:
        line.lose()
        line.reconnect()
        line.ask("one")
        line.wait(1.0).hear(say("yes"), GENERATED, COMPLETE)
    line.ask("two")
    line.wait(5.0)
    assert [(event.finding, event.action) for event in line.got(events.VoiceHealth)] == [("no_answer", "report")]
    assert line.session.state is State.READY


def test_a_resumed_session_may_be_three_times_as_slow_as_the_conversation_ever_was() -> None:
    line = talked(health=read_health({"answer_within_s": 5.0}))
    line.ask("slow")
    line.wait(4.0).hear(say("yes"), GENERATED, COMPLETE, handle("h2"))
    line.lose()
    line.reconnect()
    line.ask("slower")
    line.wait(11.9)
    assert line.got(events.VoiceHealth) == []
    line.wait(0.2)
    assert [event.finding for event in line.got(events.VoiceHealth)] == ["no_answer", "handle_doubted"]


def test_a_resumed_session_that_may_choose_to_be_silent_is_kept() -> None:
    line = talked(
        health=read_health({"answer_within_s": 5.0}), setup={**SETUP, "proactivity": {"proactiveAudio": True}}
    )
    line.lose()
    line.reconnect()
    line.ask("by the way")
    line.wait(60.0)
    assert (line.got(events.VoiceHealth), line.session.state) == ([], State.READY)


def test_a_new_session_is_told_in_words_what_is_too_old_to_be_sent_again() -> None:
    line = talked(audio_ring_s=1.0)
    line.mic(LOUD, pieces=25)
    line.hear({"serverContent": {"inputTranscription": {"text": "Hello?"}}})
    line.mic(pieces=100)
    line.mic(LOUD, pieces=25)
    line.hear({"serverContent": {"inputTranscription": {"text": "Anybody there?"}}})
    line.wait(1.0).hear(handle("h2"))
    line.lose()
    line.dial()
    line.lose(close_error(1008, "BidiGenerateContent session not found"))
    seed, *again = line.reconnect()
    assert line.resumed.new_session
    assert texts([seed])[-1] == "Hello?"
    assert [message for message in again if "audio" in message.get("realtimeInput", {})]


def test_a_session_that_is_sent_away_as_soon_as_it_is_resumed_is_given_up() -> None:
    line = talked(jitter=lambda: 0.0)
    line.hear(go_away(10))
    line.reconnect()
    line.wait(0.1).hear(handle("h2"), go_away(2))
    assert [event.finding for event in line.got(events.VoiceHealth)] == ["handle_doubted"]
    line.wait(2.0)
    assert line.dial()["sessionResumption"] == {}


def test_a_service_that_sends_every_connection_away_is_given_up() -> None:
    line = talked(attempts=3, backoff_s=0.01)
    for _ in range(6):
        if line.session.state is State.CLOSED:
            break
        line.hear(go_away(0))
        if line.session.state is State.AWAY:
            line.reconnect()
    assert isinstance(line.session.failure, ConnectionClosed)
    assert line.session.failure.__notes__[0].startswith("Gave up after 3 attempts")


def test_clients_that_are_sent_away_together_leave_one_after_the_other() -> None:
    left_at = []
    for jitter in (0.0, 0.5, 1.0):
        line = talked(jitter=lambda jitter=jitter: jitter)
        begin = line.now
        line.hear(go_away(50))
        while line.session.state is State.GOING_AWAY:
            line.wait(0.05)
        left_at.append(line.now - begin)
    assert left_at[0] < 0.1
    assert left_at[1] == pytest.approx(MAX_SPREAD_S / 2, abs=0.3)
    assert left_at[2] == pytest.approx(MAX_SPREAD_S, abs=0.3)
