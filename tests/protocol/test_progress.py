"""What the service says, and what that means: late output, ends that are left out, answers one by one."""

from __future__ import annotations

import pytest

from gemini_realtime.protocol.calls import Calls
from gemini_realtime.protocol.events import (
    AudioDelta,
    FunctionCall,
    GenerationComplete,
    InputTranscript,
    Interrupted,
    OutputTranscript,
    RealtimeEvent,
    TextDelta,
    TurnComplete,
)
from gemini_realtime.protocol.health import Health, read_health
from gemini_realtime.protocol.history import Said
from gemini_realtime.protocol.ledger import Ledger
from gemini_realtime.protocol.models import profile_for
from gemini_realtime.protocol.progress import LOST_REASON, NOT_COMPLETED_REASON, Progress
from gemini_realtime.protocol.turns import END_WITHIN_S, LATE_OUTPUT_S, Turns

SECOND = AudioDelta(delta="A" * (24000 * 2 // 3 * 4))
GENERATED, COMPLETE, INTERRUPTED = GenerationComplete(), TurnComplete(), Interrupted()


class Conversation:
    """Progress, and a clock."""

    def __init__(self, model: str = "gemini-3.8-live") -> None:
        profile = profile_for(model)
        turns, self.calls, self.ledger = Turns(), Calls(profile), Ledger(15.0)
        health = Health(read_health("off"), turns, self.calls)
        self.progress = Progress(profile, turns, self.calls, self.ledger, health)
        self.now = 10.0

    def hear(self, *events: RealtimeEvent) -> list[RealtimeEvent]:
        return [told for event in events for told in self.progress.note([event], self.now)[0]]

    def wait(self, seconds: float) -> list[RealtimeEvent]:
        self.now += seconds
        return self.progress.due(self.now)

    def type(self, text: str) -> None:
        number = self.ledger.add("text", b"{}", label=text, role="user", asks=True)
        self.progress.typed(number, "user", text)
        self.progress.asked(self.now)
        self.ledger.next(self.now)


def ends(told: list[RealtimeEvent]) -> list[tuple[str | None, bool]]:
    return [(event.reason, event.interrupted) for event in told if isinstance(event, TurnComplete)]


# --- late output


def test_audio_between_an_interruption_and_the_end_of_that_turn_is_stale() -> None:
    talk = Conversation()
    told = talk.hear(SECOND, INTERRUPTED, SECOND, COMPLETE, SECOND)
    assert [event.stale for event in told if isinstance(event, AudioDelta)] == [False, True, False]


@pytest.mark.parametrize(
    "late", [SECOND, TextDelta(text="x"), OutputTranscript(text="x")], ids=lambda event: event.type
)
def test_late_output_of_any_kind_begins_no_turn(late: RealtimeEvent) -> None:
    talk = Conversation()
    talk.hear(SECOND, INTERRUPTED, late)
    assert ends(talk.progress.connection_lost(talk.now)) == [(LOST_REASON, True)]


@pytest.mark.parametrize("lost", [False, True])
def test_a_turn_that_begins_after_one_that_was_ended_here_gets_its_end(lost: bool) -> None:
    talk = Conversation()
    talk.hear(SECOND, GENERATED)
    assert ends(talk.wait(60.0)) == [(NOT_COMPLETED_REASON, False)]
    if lost:
        talk.progress.connection_lost(talk.now)
    assert ends(talk.hear(INTERRUPTED, COMPLETE)) == [(None, False)]


def test_a_whole_answer_right_after_an_interruption_leaves_doubt_about_what_was_asked() -> None:
    talk = Conversation()
    talk.type("one")
    talk.hear(INTERRUPTED, SECOND, GENERATED, COMPLETE)
    assert [entry.uncertain for entry in talk.ledger._sent] == [True]


@pytest.mark.parametrize("said", ["typed", "spoken", "long ago"])
def test_an_answer_to_what_was_said_after_an_interruption_is_not_stale_though_that_turn_never_ends(said: str) -> None:
    talk = Conversation()
    talk.hear(SECOND, INTERRUPTED)
    if said == "typed":
        talk.type("And now?")
    elif said == "spoken":
        talk.hear(InputTranscript(text="And now?"))
    else:
        talk.now += LATE_OUTPUT_S
    ended, answer = talk.hear(SECOND)
    assert ended == TurnComplete(reason=NOT_COMPLETED_REASON, interrupted=True)
    assert isinstance(answer, AudioDelta)
    assert not answer.stale


# --- ends that are left out


def test_a_turn_that_nobody_completes_ends_when_its_audio_is_over() -> None:
    talk = Conversation()
    talk.hear(SECOND, SECOND, GENERATED)
    assert talk.wait(2.0 + END_WITHIN_S - 0.01) == []
    assert talk.wait(0.02) == [TurnComplete(reason=NOT_COMPLETED_REASON)]
    assert talk.wait(60.0) == []


def test_new_output_ends_the_turn_before_it_that_nobody_completed() -> None:
    talk = Conversation("gemini-3.1-flash-live-preview")
    told = talk.hear(SECOND, GENERATED, SECOND, GENERATED, COMPLETE)
    assert ends(told) == [(NOT_COMPLETED_REASON, False), (None, False)]


def test_an_end_that_comes_after_all_is_not_told_twice() -> None:
    talk = Conversation()
    talk.hear(SECOND, GENERATED)
    talk.wait(60.0)
    assert ends(talk.hear(COMPLETE)) == []
    assert ends(talk.hear(SECOND, GENERATED, COMPLETE)) == [(None, False)]


def test_an_interrupted_turn_ends_though_the_service_says_nothing_more() -> None:
    talk = Conversation()
    talk.hear(SECOND, INTERRUPTED)
    assert ends(talk.wait(END_WITHIN_S)) == [(NOT_COMPLETED_REASON, True)]


def test_a_filler_and_a_call_that_runs_end_no_turn() -> None:
    filler = Conversation("gemini-3.8-live-extended-thinking")
    filler.hear(SECOND, GENERATED)
    assert filler.wait(60.0) == []
    calling = Conversation("gemini-2.5-flash-native-audio")
    calling.calls.opened("1", "f", {}, calling.now)
    calling.hear(FunctionCall(name="f", arguments={}, call_id="1"), GENERATED)
    assert calling.wait(60.0) == []


# --- words before their sound


@pytest.mark.parametrize("asked", ["typed", "spoken", "unasked"])
def test_words_that_come_before_their_sound_begin_the_turn(asked: str) -> None:
    talk = Conversation()
    talk.hear(SECOND, GENERATED, COMPLETE)
    if asked == "typed":
        talk.type("And now?")
    elif asked == "spoken":
        talk.hear(InputTranscript(text="And now?"))
    else:
        talk.now += 10.0
    talk.hear(OutputTranscript(text="Now I will"))
    assert not talk.progress.between_turns()
    assert ends(talk.progress.connection_lost(talk.now)) == [(LOST_REASON, False)]


def test_words_that_come_shortly_after_the_end_of_a_turn_are_of_that_turn() -> None:
    talk = Conversation()
    talk.hear(SECOND, GENERATED, COMPLETE, OutputTranscript(text="the end."))
    assert talk.progress.between_turns()


# --- what is owed


def test_where_questions_are_answered_one_by_one_the_second_is_owed_an_answer_after_the_first() -> None:
    talk = Conversation()
    talk.ledger.questions.configured(one_by_one=True, announced=False)
    talk.type("one")
    talk.type("two")
    talk.now += 1.0
    talk.hear(SECOND, GENERATED, COMPLETE)
    assert not talk.progress.between_turns()
    assert talk.progress.said() == [Said("user", "one")]
    talk.now += 5.0
    talk.hear(SECOND, GENERATED, COMPLETE)
    assert talk.progress.between_turns()


@pytest.mark.parametrize(("model", "waits"), [("gemini-3.8-live", False), ("gemini-2.5-flash-native-audio", True)])
def test_a_function_that_the_model_does_not_wait_for_keeps_no_connection_that_has_a_handle(
    model: str, waits: bool
) -> None:
    talk = Conversation(model)
    talk.progress.handle_received(None, talk.now - 5.0)
    talk.type("book it")
    talk.calls.opened("1", "book", {}, talk.now)
    talk.hear(FunctionCall(name="book", arguments={}, call_id="1"), SECOND, GENERATED, COMPLETE)
    assert not talk.progress.between_turns()
    talk.now += 1.0
    talk.progress.handle_received(None, talk.now)
    assert talk.progress.between_turns() is not waits


def test_a_complete_answer_is_said_before_its_turn_is_over_and_half_of_one_is_not() -> None:
    talk = Conversation()
    talk.type("Hello")
    talk.now += 1.0
    talk.hear(SECOND, OutputTranscript(text="Hi!"))
    assert talk.progress.said() == []
    talk.hear(GENERATED)
    assert talk.progress.said() == [Said("user", "Hello"), Said("model", "Hi!")]
    talk.progress.connection_lost(talk.now)
    assert talk.progress.said() == [Said("user", "Hello"), Said("model", "Hi!")]
