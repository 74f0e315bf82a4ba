from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from gemini_realtime.protocol import ledger as module
from gemini_realtime.protocol.audio_ring import MAX_EARLY_AUDIO_MS, STRETCH_MS, Piece
from gemini_realtime.protocol.codec import audio_of, decode_base64, encode_base64
from gemini_realtime.protocol.ledger import ENTRY_BYTES, MAX_SENT_BYTES, Entry, Ledger, Resent

ROUND_TRIP_S, MARGIN_S = 0.2, 0.25
SLACK_MS = 2 * STRETCH_MS
"""The ring forgets a stretch at a time."""


def drained(ledger: Ledger, now: float = 0.0) -> list[bytes]:
    """What goes out now; of audio the samples."""
    return [said(frame) for frame in iter(lambda: ledger.next(now), None)]


def said(frame: bytes) -> bytes:
    return decode_base64(audio_of(frame)) if frame.startswith(b'{"realtimeInput"') else frame


def one_by_one() -> Ledger:
    """A ledger for a model that answers one question after the other."""
    ledger = Ledger(15.0)
    ledger.questions.configured(one_by_one=True, announced=False)
    return ledger


def told(*frames: bytes, at: float = 0.0, asks: bool = False) -> Ledger:
    """A ledger whose texts have gone out, a second apart."""
    ledger = Ledger(15.0)
    ledger.session_ready(at)
    for number, frame in enumerate(frames):
        ledger.add("text", frame, label=frame.decode(), role="user", asks=asks)
        ledger.next(at + number)
    return ledger


def asked(*frames: bytes, at: float = 0.0) -> Ledger:
    """A ledger whose questions have gone out, a second apart."""
    return told(*frames, at=at, asks=True)


def labels(entries: Iterable[Entry | Piece]) -> list[str]:
    return [entry.label for entry in entries if isinstance(entry, Entry)]


def kept(ledger: Ledger) -> list[str]:
    """What is not consumed."""
    return labels((*ledger._unanswered, *ledger._sent, *ledger._waiting))


def saved(ledger: Ledger, sent_until: float) -> list[str]:
    """A handle comes that holds what was sent until then; returns what is consumed by it."""
    before = kept(ledger)
    ledger.handle_received(sent_until)
    return [label for label in before if label not in kept(ledger)]


def saved_messages(ledger: Ledger, index: int) -> list[str]:
    before = kept(ledger)
    ledger.transparent_handle_received(index)
    return [label for label in before if label not in kept(ledger)]


def complete(ledger: Ledger, *, handle_at: float | None = None, one_question: bool = False) -> list[str]:
    """The answer is complete; returns what is consumed by it."""
    before = kept(ledger)
    ledger.answer_completed(ROUND_TRIP_S, MARGIN_S, handle_at, one_question=one_question)
    return [label for label in before if label not in kept(ledger)]


def answer(ledger: Ledger, begins: float, *, handle_at: float | None = None, one_question: bool = False) -> list[str]:
    ledger.answer_began(begins)
    return complete(ledger, handle_at=handle_at, one_question=one_question)


def speak(ledger: Ledger, start: float, pieces: int, duration_ms: float = 100.0) -> None:
    """Audio that goes out at once, from then on."""
    for number in range(pieces):
        ledger.audio_sent(b"a%d" % number, 16000, duration_ms, start + number * duration_ms / 1000)


def entries(resent: Resent) -> list[Entry]:
    return [item for item in resent.again if isinstance(item, Entry)]


def pieces(resent: Resent) -> list[Piece]:
    return [item for item in resent.again if isinstance(item, Piece)]


def replayed_audio_ms(resent: Resent) -> float:
    return sum(piece.duration_ms for piece in pieces(resent))


def dropped_ms(ledger: Ledger) -> int:
    """How much audio was dropped since this was asked last."""
    return sum(dropped[0] for dropped in iter(ledger.audio.take_dropped, None))


# --- order


def test_everything_goes_out_in_the_order_it_was_given() -> None:
    ledger = Ledger(15.0)
    ledger.add("text", b"one")
    ledger.add_audio(b"sound", 16000, 20.0, 0.0)
    ledger.add("activity", b"two")
    ledger.add_audio(b"more sound", 16000, 20.0, 0.0)
    assert drained(ledger) == [b"one", b"sound", b"two", b"more sound"]
    assert not ledger.waits


def test_what_is_sent_again_precedes_what_waits_and_keeps_its_order_among_audio() -> None:
    ledger = asked(b"one")
    ledger.audio_sent(b"sound", 16000, 20.0, 0.5)
    ledger.add("text", b"two")
    drained(ledger, 0.6)
    ledger.add("text", b"three")
    ledger.add_audio(b"later", 16000, 20.0, 0.7)
    ledger.resend(None)
    assert drained(ledger, 1.0) == [b"one", b"sound", b"two", b"three", b"later"]


def test_audio_that_goes_on_is_noted_as_if_each_piece_were_given_by_itself() -> None:
    def talk(*, goes_on: bool) -> tuple[Resent, list[bytes]]:
        ledger = asked(b"one")
        for second in range(3):
            for place in range(40):
                now = second + place * 0.02
                pcm, audio = b"%02d" % place, ledger.audio.open
                if goes_on and audio.room >= len(pcm):
                    assert said(audio.send(pcm, encode_base64(pcm), now)) == pcm
                else:
                    ledger.audio_sent(pcm, 16000, 20.0, now)
            ledger.add("text", b"and %d" % second)
            ledger.add_audio(b"xx", 16000, 20.0, second + 0.9)
            drained(ledger, second + 0.9)
            ledger.count_sent()
        ledger.transparent_handle_received(60)
        return ledger.resend(1.5), drained(ledger, 4.0)

    assert talk(goes_on=True) == talk(goes_on=False)


def test_nothing_goes_out_twice_without_a_loss() -> None:
    ledger = asked(b"one")
    assert drained(ledger) == []


def test_bytes_that_wait_are_counted_without_audio() -> None:
    ledger = Ledger(15.0)
    ledger.add("text", b"1234")
    ledger.add_audio(b"123456", 16000, 20.0, 0.0)
    assert ledger.waiting_bytes == 4
    drained(ledger)
    assert ledger.waiting_bytes == 0
    ledger.resend(None)
    assert ledger.waiting_bytes == 4


# --- handles


def test_a_handle_consumes_what_was_sent_long_enough_before_it() -> None:
    ledger = told(b"one", b"two", b"three")
    assert saved(ledger, 1.0) == ["one", "two"]
    assert labels(ledger.resend(1.3).again) == ["three"]


def test_a_question_inside_a_handle_is_asked_again_where_the_handle_is_refused_and_nobody_has_answered() -> None:
    ledger = asked(b"one", b"two")
    assert saved(ledger, 1.0) == []
    assert labels(ledger.resend(1.3).again) == []
    assert ledger.owed
    assert labels(ledger.resend(None).again) == ["one", "two"]
    assert not ledger.owed


def test_a_question_inside_a_handle_is_consumed_by_its_answer() -> None:
    ledger = asked(b"one")
    saved(ledger, 0.5)
    assert answer(ledger, 1.0) == ["one"]
    assert labels(ledger.resend(None).again) == []


def test_what_was_under_way_when_the_handle_came_is_sent_again_as_uncertain_and_what_came_after_it_is_not() -> None:
    ledger = asked(b"one", b"two", b"three")
    saved(ledger, 0.5)
    assert [(entry.label, entry.uncertain) for entry in entries(ledger.resend(1.5))] == [
        ("two", True),
        ("three", False),
    ]


def test_a_transparent_handle_leaves_no_doubt() -> None:
    ledger = told(b"one", b"two", b"three")
    assert saved_messages(ledger, 2) == ["one", "two"]
    assert [(entry.label, entry.uncertain) for entry in entries(ledger.resend(9.0, exact=True))] == [("three", False)]


def test_what_a_transparent_handle_counts_begins_anew_with_each_connection() -> None:
    ledger = told(b"one", b"two")
    ledger.resend(None)
    ledger.count_sent()  # a history
    drained(ledger, 5.0)
    assert saved_messages(ledger, 2) == ["one"]


def test_audio_and_video_count_as_messages_too() -> None:
    ledger = Ledger(15.0)
    ledger.audio_sent(b"sound", 16000, 20.0, 0.0)
    ledger.count_sent()
    ledger.add("text", b"one", label="one")
    drained(ledger)
    assert saved_messages(ledger, 2) == []
    assert saved_messages(ledger, 3) == ["one"]


def test_a_new_session_has_nothing_and_so_nothing_is_uncertain() -> None:
    ledger = asked(b"one", b"two")
    assert [entry.uncertain for entry in entries(ledger.resend(None))] == [False, False]


def test_what_was_uncertain_once_stays_uncertain() -> None:
    ledger = asked(b"one")
    ledger.resend(0.1)
    drained(ledger, 5.0)
    assert [entry.uncertain for entry in entries(ledger.resend(0.1))] == [True]


# --- answers


def test_a_complete_answer_consumes_what_was_sent_a_round_trip_before_it_began() -> None:
    ledger = asked(b"one", b"two")
    assert answer(ledger, 1.2) == ["one", "two"]
    assert ledger.resend(None).again == []


def test_what_crossed_with_an_answer_stays_and_is_uncertain() -> None:
    ledger = asked(b"one", b"two")
    assert answer(ledger, 1.1) == ["one"]
    assert [(entry.label, entry.uncertain) for entry in entries(ledger.resend(None))] == [("two", True)]


def test_what_was_asked_during_an_answer_is_not_answered_by_it() -> None:
    ledger = asked(b"one")
    ledger.answer_began(1.0)
    ledger.add("text", b"two", label="two", asks=True)
    drained(ledger, 1.5)
    assert complete(ledger) == ["one"]
    assert [(entry.label, entry.uncertain) for entry in entries(ledger.resend(None))] == [("two", False)]


def test_half_an_answer_is_no_evidence() -> None:
    ledger = asked(b"one")
    ledger.answer_began(1.0)
    assert labels(ledger.resend(None).again) == ["one"]
    assert complete(ledger) == []


def test_an_answer_that_was_cut_off_is_no_evidence_and_the_next_one_is_of_all() -> None:
    ledger = asked(b"one")
    ledger.answer_began(0.5)
    ledger.answer_cut()
    assert ledger.asking()
    ledger.add("text", b"two", label="two", asks=True)
    drained(ledger, 1.0)
    assert answer(ledger, 2.0) == ["one", "two"]


def test_an_end_without_an_answer_consumes_nothing() -> None:
    ledger = asked(b"one")
    assert complete(ledger) == []
    assert ledger.asking()


def test_context_is_kept_until_a_handle_holds_it_and_blocks_nothing_behind_it() -> None:
    ledger = Ledger(15.0)
    ledger.add("context", b"be brief", label="context")
    ledger.add("text", b"one", label="one", asks=True)
    drained(ledger)
    assert answer(ledger, 1.0, handle_at=0.0) == ["one"]
    assert [entry.kind for entry in entries(ledger.resend(0.0))] == ["context"]
    drained(ledger, 2.0)
    assert saved(ledger, 3.0) == ["context"]


@pytest.mark.parametrize(("handle_at", "kept"), [(2.0, True), (0.5, False), (None, False)])
def test_a_result_that_was_answered_is_kept_while_the_last_handle_waits_for_it(
    handle_at: float | None, kept: bool
) -> None:
    ledger = Ledger(15.0)
    ledger.add("function_result", b"3", label="call", since=1.0)
    drained(ledger, 2.5)
    assert answer(ledger, 3.0, handle_at=handle_at) == ([] if kept else ["call"])
    resent = ledger.resend(handle_at)
    assert [(entry.label, entry.uncertain) for entry in entries(resent)] == ([("call", True)] if kept else [])
    assert resent.orphans == []


# --- what is owed


def test_a_question_is_owed_an_answer_from_when_it_goes_out_until_the_answer_is_over() -> None:
    ledger = Ledger(15.0)
    ledger.add("text", b"one", asks=True)
    assert not ledger.asking()
    drained(ledger)
    assert ledger.asking()
    answer(ledger, 1.0)
    assert not ledger.asking()


def test_text_that_asks_nothing_is_owed_nothing() -> None:
    ledger = Ledger(15.0)
    ledger.add("text", b"note")
    drained(ledger)
    assert not ledger.asking()
    saved(ledger, 1.0)
    assert not ledger.owed


def test_a_question_inside_a_handle_is_owed_until_its_answer_is_complete() -> None:
    ledger = asked(b"one")
    saved(ledger, 0.5)
    assert ledger.owed
    ledger.answer_began(1.0)
    assert ledger.owed
    ledger.resend(0.5)
    assert ledger.owed
    answer(ledger, 2.0)
    assert not ledger.owed


def test_a_question_that_was_answered_before_the_handle_came_is_not_owed() -> None:
    ledger = asked(b"one")
    answer(ledger, 0.1)  # sooner than a round trip
    assert not ledger.asking()
    assert saved(ledger, 1.0) == ["one"]
    assert not ledger.owed


def test_a_question_asked_again_is_owed_again() -> None:
    ledger = asked(b"one")
    answer(ledger, 0.1)
    ledger.resend(None)
    drained(ledger, 5.0)
    assert ledger.asking()
    saved(ledger, 6.0)
    assert ledger.owed


def test_a_question_saved_during_an_answer_to_another_one_stays_owed() -> None:
    ledger = asked(b"one")
    ledger.answer_began(1.0)
    ledger.add("text", b"two", asks=True)
    drained(ledger, 1.1)
    saved(ledger, 2.0)
    complete(ledger, handle_at=2.0)
    assert ledger.owed


# --- what an answer can have answered


def test_a_question_that_led_to_a_call_is_not_answered_before_its_result_is() -> None:
    ledger = asked(b"book it")
    ledger.call_opened("1")
    assert answer(ledger, 2.0) == []  # "I am on it"
    ledger.add("text", b"meanwhile", label="meanwhile", asks=True)
    drained(ledger, 3.0)
    assert answer(ledger, 4.0) == ["meanwhile"]
    assert labels(ledger.resend(None).again) == ["book it"]


def test_a_question_that_was_spoken_to_while_its_call_ran_is_asked_again_as_uncertain() -> None:
    ledger = asked(b"one")
    ledger.call_opened("c")
    answer(ledger, 2.0)
    assert [entry.uncertain for entry in entries(ledger.resend(None))] == [True]


def test_the_answer_after_the_result_answers_the_question_that_led_to_the_call() -> None:
    ledger = asked(b"book it")
    ledger.call_opened("1")
    answer(ledger, 2.0)
    number = ledger.add("function_result", b"{}", label="1", since=2.0)
    ledger.call_answered("1", number, silent=False)
    assert answer(ledger, 3.0) == []  # which began before the result went out
    drained(ledger, 5.0)
    assert "book it" in answer(ledger, 6.0)


def test_the_answer_to_a_result_that_a_handle_holds_answers_the_question_too() -> None:
    ledger = asked(b"book it")
    ledger.call_opened("1")
    number = ledger.add("function_result", b"{}", label="1", since=0.5)
    ledger.call_answered("1", number, silent=False)
    drained(ledger, 1.0)
    saved(ledger, 2.0)
    assert answer(ledger, 3.0, handle_at=2.5) == ["book it"]


@pytest.mark.parametrize("how", ["silent", "cancelled"])
@pytest.mark.parametrize("passed", [False, True])
def test_what_was_said_while_a_call_ran_was_all_where_nobody_will_speak_of_its_result(how: str, passed: bool) -> None:
    ledger = asked(b"note it")
    ledger.call_opened("1")
    if passed:
        answer(ledger, 2.0)
    if how == "silent":
        ledger.call_answered("1", ledger.add("function_result", b"{}", label="1"), silent=True)
    else:
        ledger.calls_cancelled(["1"])
    assert ("note it" in kept(ledger)) is not passed


def test_a_question_whose_call_runs_keeps_nobody_waiting() -> None:
    ledger = asked(b"book it")
    ledger.call_opened("1")
    assert not ledger.asking()
    saved(ledger, 1.0)
    assert not ledger.owed
    ledger.calls_lost(["1"])
    assert ledger.owed


def test_speech_that_led_to_a_call_is_kept_until_its_result_is_answered() -> None:
    ledger = Ledger(15.0)
    speak(ledger, 0.0, 10)
    ledger.call_opened("1")
    answer(ledger, 2.0)
    speak(ledger, 3.0, 10)
    answer(ledger, 5.0)
    assert [piece.at for piece in pieces(ledger.resend(None))] == [pytest.approx(n / 10) for n in range(10)]


@pytest.mark.parametrize("in_handle", [False, True])
def test_where_questions_are_answered_one_by_one_an_answer_answers_the_first(in_handle: bool) -> None:
    ledger = asked(b"one", b"two")
    if in_handle:
        ledger.handle_received(2.0)
    assert answer(ledger, 3.0, one_question=True) == ["one"]
    assert ledger.asking()
    (left,) = (*ledger._unanswered, *ledger._sent)
    assert left.uncertain  # nobody said that they are not answered together
    assert answer(ledger, 5.0, one_question=True) == ["two"]


def test_where_utterances_are_answered_one_by_one_the_second_stays() -> None:
    ledger = one_by_one()
    speak(ledger, 0.0, 10)
    ledger.speech_started(0.0)
    speak(ledger, 2.0, 10)
    ledger.speech_started(2.0)
    answer(ledger, 5.0, one_question=True)
    assert pieces(ledger.resend(None))[0].at == pytest.approx(2.0)


def test_where_questions_are_answered_one_by_one_speech_and_text_have_their_turns() -> None:
    ledger = one_by_one()
    speak(ledger, 0.0, 10)
    ledger.heard(1.5, MARGIN_S, 1.6, speaks_on=False)
    ledger.add("text", b"one", label="one", asks=True)
    drained(ledger, 2.0)
    speak(ledger, 3.0, 10)
    ledger.heard(4.5, MARGIN_S, 4.6, speaks_on=False)
    assert answer(ledger, 5.0, one_question=True) == []
    assert answer(ledger, 7.0, one_question=True) == ["one"]
    assert [piece.at for piece in pieces(ledger.resend(None))] == [pytest.approx(3.0 + n / 10) for n in range(10)]


def test_an_utterance_that_nobody_answered_in_time_waits_no_longer() -> None:
    ledger = one_by_one()
    speak(ledger, 0.0, 10)
    ledger.heard(1.5, MARGIN_S, 1.6, speaks_on=False)
    ledger.add("text", b"one", label="one", asks=True)
    drained(ledger, 20.0)
    ledger.questions.given_up(10.0)
    assert answer(ledger, 21.0, one_question=True) == ["one"]


def test_the_words_of_one_utterance_are_answered_once() -> None:
    ledger = one_by_one()
    speak(ledger, 0.0, 10)
    ledger.heard(0.5, MARGIN_S, 0.6, speaks_on=False)
    ledger.heard(1.5, MARGIN_S, 1.6, speaks_on=True)
    ledger.add("text", b"one", label="one", asks=True)
    drained(ledger, 2.0)
    answer(ledger, 3.0, one_question=True)
    assert answer(ledger, 5.0, one_question=True) == ["one"]


def test_a_question_that_went_out_with_speech_may_have_been_answered_in_its_place() -> None:
    ledger = one_by_one()
    speak(ledger, 0.0, 10)
    ledger.add("text", b"one", label="one", asks=True)
    drained(ledger, 1.0)
    ledger.heard(0.9, MARGIN_S, 1.1, speaks_on=False)
    answer(ledger, 3.0, one_question=True)
    (again,) = [entry for entry in ledger.resend(0.0).again if entry.kind == "text"]
    assert again.uncertain


def test_what_changed_places_is_asked_again_as_uncertain_until_both_are_answered() -> None:
    ledger = one_by_one()
    speak(ledger, 0.0, 10)
    ledger.add("text", b"note", label="note")
    ledger.add("text", b"one", label="one", asks=True)
    drained(ledger, 1.0)
    ledger.heard(1.0, MARGIN_S, 1.1, speaks_on=False)
    assert answer(ledger, 3.0, one_question=True) == []
    assert [entry.uncertain for entry in ledger._sent] == [True, True]
    assert answer(ledger, 5.0, one_question=True) == ["note", "one"]


def test_an_utterance_sent_again_at_once_with_questions_is_not_taken_for_answered_before_they_are() -> None:
    ledger = one_by_one()
    speak(ledger, 0.0, 20)
    ledger.add("text", b"one", label="one", asks=True)
    drained(ledger, 2.0)
    ledger.resend(0.0)
    ledger.session_ready(10.0)
    drained(ledger, 10.0)
    ledger.heard(10.4, MARGIN_S, 10.5, speaks_on=False)
    assert answer(ledger, 11.0, one_question=True) == []
    assert len(pieces(ledger.resend(0.0))) == 20


def test_an_utterance_whose_end_was_announced_is_answered_with_its_mark() -> None:
    ledger = Ledger(15.0)
    ledger.questions.configured(one_by_one=True, announced=True)
    for start in (0.0, 2.0):
        ledger.activity_started()
        ledger.add("activity", b"start")
        drained(ledger, start)
        speak(ledger, start, 10)
        ledger.add("activity", b"end", asks=True)
        drained(ledger, start + 1.0)
    answer(ledger, 5.0, one_question=True)
    kinds = [item.kind for item in ledger.resend(0.0).again]
    assert kinds == ["activity", *["audio"] * 10, "activity"]


def test_where_questions_are_answered_one_by_one_a_call_holds_back_the_first_alone() -> None:
    ledger = one_by_one()
    for name in ("one", "two"):
        ledger.add("text", name.encode(), label=name, asks=True)
    drained(ledger, 1.0)
    ledger.call_opened("c")
    assert answer(ledger, 2.0, one_question=True) == ["two"]
    number = ledger.add("function_result", b"r", label="c", since=1.5, answers=True)
    ledger.call_answered("c", number, silent=False)
    drained(ledger, 3.0)
    assert answer(ledger, 4.0, one_question=True) == ["one", "c"]


def test_what_is_said_beside_a_call_answers_nothing() -> None:
    ledger = one_by_one()
    ledger.add("text", b"one", label="one", asks=True)
    drained(ledger, 1.0)
    ledger.answer_began(2.0)
    ledger.call_opened("c")
    ledger.answer_completed(ROUND_TRIP_S, MARGIN_S, None, one_question=True, filler=True)
    assert kept(ledger) == ["one"]
    assert ledger._sent[0].uncertain


def test_an_answer_that_crossed_with_a_result_may_have_been_to_something_else() -> None:
    ledger = asked(b"one")
    ledger.call_opened("c")
    number = ledger.add("function_result", b"r", label="c", since=0.5, answers=True)
    ledger.call_answered("c", number, silent=False)
    drained(ledger, 3.0)
    assert answer(ledger, 3.0 + ROUND_TRIP_S / 2) == []
    assert [entry.uncertain for entry in ledger._sent] == [True, True]


# --- function results


@pytest.mark.parametrize("sent", [False, True])
@pytest.mark.parametrize(("handle_at", "known"), [(1.0, True), (2.0, True), (0.9, False), (None, False)])
def test_a_result_goes_only_to_a_session_that_knows_its_call(sent: bool, handle_at: float | None, known: bool) -> None:
    ledger = Ledger(15.0)
    ledger.add("function_result", b"3", label="call", since=1.0)
    ledger.add("text", b"one", label="one")
    if sent:
        drained(ledger, 3.0)
    resent = ledger.resend(handle_at)
    assert resent.orphans == ([] if known else ["call"])
    assert drained(ledger, 4.0) == ([b"3", b"one"] if known else [b"one"])
    assert labels(resent.again) == (["call", "one"][0 if known else 1 :] if sent else [])


@pytest.mark.parametrize("end", ["none", "answered", "cancelled"])
def test_a_result_inside_a_handle_that_is_refused_is_told_of_unless_nobody_waits_for_it(end: str) -> None:
    ledger = asked(b"book it")
    ledger.call_opened("1")
    number = ledger.add("function_result", b"{}", label="1", since=0.5, answers=True)
    ledger.call_answered("1", number, silent=False)
    drained(ledger, 1.0)
    saved(ledger, 2.0)
    if end == "answered":
        answer(ledger, 3.0, handle_at=2.0)
    elif end == "cancelled":
        ledger.calls_cancelled(["1"])
    assert ledger.resend(None).orphans == (["1"] if end == "none" else [])


# --- audio


def test_the_ring_keeps_the_last_seconds_and_tells_of_the_rest_after_a_loss_only() -> None:
    ledger = Ledger(2.0)
    speak(ledger, 0.0, 60)
    assert dropped_ms(ledger) == 0
    resent = ledger.resend(None)
    assert 2000 <= replayed_audio_ms(resent) + dropped_ms(ledger) == 6000
    assert replayed_audio_ms(resent) <= 2000 + SLACK_MS


def test_audio_that_a_handle_holds_is_neither_kept_nor_missed() -> None:
    ledger = Ledger(2.0)
    speak(ledger, 0.0, 60)
    saved(ledger, 5.0)
    resent = ledger.resend(5.0)
    assert [entry.start_ms for entry in pieces(resent)] == [pytest.approx(100.0 * piece) for piece in range(51, 60)]
    assert dropped_ms(ledger) == 0


@pytest.mark.parametrize("duration_ms", [0.1, 20.0, 1024 * 1000 / 48000, 333.3])
def test_a_ring_of_nothing_keeps_next_to_nothing(duration_ms: float) -> None:
    ledger = Ledger(0.0)
    ledger.session_ready(0.0)
    for _ in range(5):
        for _ in range(int(SLACK_MS * 2 / duration_ms)):
            ledger.audio_sent(b"a", 16000, duration_ms, 0.0)
        ledger.add_audio(b"b", 16000, duration_ms, 0.0)
        drained(ledger)
    resent = ledger.resend(None)
    drained(ledger)
    assert replayed_audio_ms(resent) <= SLACK_MS


def test_audio_that_waits_for_a_connection_makes_room_for_newer_audio() -> None:
    ledger = Ledger(1.0)
    ledger.session_ready(0.0)
    for piece in range(15):
        ledger.add_audio(b"a%d" % piece, 16000, 100.0, 0.0)
    assert dropped_ms(ledger) == 500
    assert drained(ledger)[0] == b"a5"


def test_audio_given_before_the_conversation_is_kept_for_longer() -> None:
    ledger = Ledger(1.0)
    for _ in range(130):
        ledger.add_audio(b"a", 16000, 1000.0, 0.0)
    assert dropped_ms(ledger) == 130_000 - MAX_EARLY_AUDIO_MS


def test_what_waits_since_a_loss_and_what_was_sent_before_it_share_the_ring_and_only_what_is_sent_again_is_listed() -> (
    None
):
    ledger = Ledger(1.0)
    ledger.session_ready(0.0)
    speak(ledger, 0.0, 10)
    for piece in range(7):
        ledger.add_audio(b"w%d" % piece, 16000, 100.0, 2.0)
    resent = ledger.resend(None)
    assert [piece.pcm for piece in pieces(resent)] == [b"a7", b"a8", b"a9"]
    assert dropped_ms(ledger) == 700
    assert drained(ledger, 3.0) == [b"a7", b"a8", b"a9", *(b"w%d" % piece for piece in range(7))]


def test_audio_grows_old_while_it_waits_and_not_while_there_was_no_session_nor_at_once_when_there_is() -> None:
    ledger = Ledger(15.0)
    ledger.add_audio(b"early", 16000, 100.0, 0.0)
    ledger.session_ready(10.0)
    ledger.add_audio(b"later", 16000, 100.0, 25.5)
    ledger.audio.drop_older(25.0)
    assert dropped_ms(ledger) == 0
    ledger.audio.drop_older(25.1)
    assert (dropped_ms(ledger), drained(ledger)) == (100, [b"later"])


def test_audio_before_an_answer_belongs_to_it_but_for_the_last_moment() -> None:
    ledger = Ledger(15.0)
    speak(ledger, 0.0, 20)  # until 1.9
    answer(ledger, 1.0)
    again = pieces(ledger.resend(None))
    assert [round(entry.at, 1) for entry in again] == [round(0.1 * piece, 1) for piece in range(6, 20)]
    assert [entry.uncertain for entry in again] == [entry.at <= 1.0 for entry in again]


def test_no_handle_is_trusted_with_part_of_an_utterance() -> None:
    ledger = Ledger(15.0)
    speak(ledger, 0.0, 30)
    ledger.speech_started(1.0)
    saved(ledger, 2.0)
    again = pieces(ledger.resend(2.5))
    assert again[0].at == pytest.approx(1.0)
    assert all(entry.uncertain for entry in again if entry.at <= 2.5)


def test_an_utterance_that_was_answered_is_trusted_to_handles_again() -> None:
    ledger = Ledger(15.0)
    speak(ledger, 0.0, 30)
    ledger.speech_started(1.0)
    answer(ledger, 3.0)
    saved(ledger, 2.95)
    assert ledger.resend(3.2).again == []


def test_the_end_of_an_answer_is_not_that_of_the_utterance_spoken_into_it() -> None:
    ledger = Ledger(15.0)
    speak(ledger, 0.0, 10)
    ledger.speech_started(0.0)
    ledger.answer_began(1.5)
    speak(ledger, 2.0, 10)
    ledger.speech_started(2.0)
    complete(ledger)
    saved(ledger, 2.5)
    assert pieces(ledger.resend(2.8))[0].at == pytest.approx(2.0)


def test_an_utterance_that_is_announced_begins_with_its_announcement() -> None:
    ledger = Ledger(15.0)
    speak(ledger, 0.0, 5)
    ledger.activity_started()
    ledger.add("activity", b"start")
    drained(ledger, 0.5)
    speak(ledger, 0.6, 5)
    saved(ledger, 0.9)
    assert [entry.kind for entry in ledger.resend(1.2).again] == ["activity", *["audio"] * 5]


def test_an_utterance_that_was_cut_into_stays_held_from_its_beginning() -> None:
    ledger = Ledger(15.0)
    ledger.activity_started()
    speak(ledger, 0.0, 5)
    ledger.answer_began(1.0)
    ledger.activity_started()
    speak(ledger, 1.5, 5)
    ledger.answer_cut()
    saved(ledger, 3.0)
    assert len(ledger.resend(3.3).again) == 10


def test_the_newest_audio_comes_first_when_one_listens_for_silence() -> None:
    ledger = Ledger(15.0)
    speak(ledger, 0.0, 10)
    assert list(ledger.audio.recent(0.65)) == [b"a9", b"a8", b"a7"]


# --- bounds


def test_messages_that_nobody_confirms_are_bounded_and_their_number_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SENT_BYTES", 2 * (4 + 4 + ENTRY_BYTES))
    ledger = asked(b"four", b"more", b"text")
    resent = ledger.resend(None)
    assert (labels(resent.again), resent.forgotten) == (["more", "text"], 1)
    assert ledger.resend(None).forgotten == 0


def test_what_was_forgotten_is_not_missed_once_something_newer_is_consumed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SENT_BYTES", 2 * (4 + 4 + ENTRY_BYTES))
    ledger = asked(b"four", b"more", b"text")
    saved(ledger, 1.0)
    assert ledger.resend(1.3).forgotten == 0


def test_messages_of_next_to_no_bytes_are_bounded_too() -> None:
    ledger = Ledger(15.0)
    for _ in range(MAX_SENT_BYTES // ENTRY_BYTES):
        ledger.add("activity", b"{}")
        ledger.next(0.0)
    assert ledger.resend(None).forgotten > 0


# --- saved state


def test_another_ledger_goes_on_from_what_was_saved() -> None:
    ledger = asked(b"one", b"two")
    saved(ledger, 0.5)
    ledger.add("text", b"three", label="three", role="user")
    ledger.add("function_result", b"3", label="call", since=9.0)
    ledger.audio_sent(b"sound", 16000, 20.0, 2.0)
    other = Ledger(15.0)
    other.restore(json.loads(json.dumps(ledger.saved_state(1.2))))
    resent = other.resend(99.0)
    assert [(entry.label, entry.uncertain, entry.asks) for entry in entries(resent)] == [("two", True, True)]
    assert drained(other, 101.0) == [b"two", b"three"]


# --- what the service closes on


def test_audio_inside_a_handle_that_is_given_up_later_is_heard_again() -> None:
    ledger = Ledger(15.0)
    for number in range(10):
        ledger.audio_sent(bytes(640), 16000, 20.0, float(number))
    ledger.handle_received(4.5)
    assert [piece.number for piece in pieces_of(ledger.resend(4.5))] == [6, 7, 8, 9, 10]
    while ledger.next(20.0) is not None:
        pass
    assert [piece.number for piece in pieces_of(ledger.resend(None))] == list(range(1, 11))


def test_audio_inside_a_handle_that_was_answered_is_not_heard_again() -> None:
    ledger = Ledger(15.0)
    for number in range(10):
        ledger.audio_sent(bytes(640), 16000, 20.0, float(number))
    ledger.handle_received(4.5)
    ledger.resend(4.5)
    while ledger.next(20.0) is not None:
        pass
    ledger.audio.answered(0, 5)
    assert [piece.number for piece in pieces_of(ledger.resend(None))] == [6, 7, 8, 9, 10]


def pieces_of(resent: Resent) -> list[Piece]:
    return [item for item in resent.again if isinstance(item, Piece)]
