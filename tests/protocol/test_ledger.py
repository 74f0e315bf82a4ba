from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from gemini_realtime.protocol import ledger as module
from gemini_realtime.protocol.ledger import (
    ENTRY_BYTES,
    MAX_EARLY_AUDIO_MS,
    MAX_SENT_BYTES,
    TRIMMED_AT_ONCE_MS,
    Entry,
    Ledger,
    Rewound,
)

ROUND_TRIP_S, MARGIN_S = 0.2, 0.25


def drained(ledger: Ledger, now: float = 0.0) -> list[bytes]:
    """What goes out now."""
    return list(iter(lambda: ledger.next(now), None))


def told(*frames: bytes, at: float = 0.0, asks: bool = False) -> Ledger:
    """A ledger whose texts have gone out, a second apart."""
    ledger = Ledger(15.0)
    ledger.may_flow(at)
    for number, frame in enumerate(frames):
        ledger.add("text", frame, at + number, label=frame.decode(), role="user", asks=asks)
        ledger.next(at + number)
    return ledger


def asked(*frames: bytes, at: float = 0.0) -> Ledger:
    """A ledger whose questions have gone out, a second apart."""
    return told(*frames, at=at, asks=True)


def labels(entries: Iterable[Entry]) -> list[str]:
    return [entry.label for entry in entries]


def answer(ledger: Ledger, begins: float, *, handle_at: float | None = None) -> list[Entry]:
    ledger.answer_begins(begins)
    return ledger.answer_over(ROUND_TRIP_S, MARGIN_S, handle_at)


def speak(ledger: Ledger, start: float, pieces: int, duration_ms: float = 100.0) -> None:
    """Audio that goes out at once, from then on."""
    for number in range(pieces):
        ledger.audio_sent(b"a%d" % number, duration_ms, start + number * duration_ms / 1000)


def replayed_audio_ms(rewound: Rewound) -> float:
    return sum(entry.duration_ms for entry in rewound.again if entry.kind == "audio")


# --- order


def test_everything_goes_out_in_the_order_it_was_given() -> None:
    ledger = Ledger(15.0)
    ledger.add("text", b"one", 0.0)
    ledger.add_audio(b"sound", 20.0, 0.0)
    ledger.add("activity", b"two", 0.0)
    ledger.add_audio(b"more sound", 20.0, 0.0)
    assert drained(ledger) == [b"one", b"sound", b"two", b"more sound"]
    assert not ledger.waits


def test_what_is_sent_again_precedes_what_waits_and_keeps_its_order_among_audio() -> None:
    ledger = asked(b"one")
    ledger.audio_sent(b"sound", 20.0, 0.5)
    ledger.add("text", b"two", 0.6)
    drained(ledger, 0.6)
    ledger.add("text", b"three", 0.7)
    ledger.add_audio(b"later", 20.0, 0.7)
    ledger.rewind(None)
    assert drained(ledger, 1.0) == [b"one", b"sound", b"two", b"three", b"later"]


def test_nothing_goes_out_twice_without_a_loss() -> None:
    ledger = asked(b"one")
    assert drained(ledger) == []


def test_bytes_that_wait_are_counted_without_audio() -> None:
    ledger = Ledger(15.0)
    ledger.add("text", b"1234", 0.0)
    ledger.add_audio(b"123456", 20.0, 0.0)
    assert ledger.waiting_bytes == 4
    drained(ledger)
    assert ledger.waiting_bytes == 0
    ledger.rewind(None)
    assert ledger.waiting_bytes == 4


# --- handles


def test_a_handle_consumes_what_was_sent_long_enough_before_it() -> None:
    ledger = told(b"one", b"two", b"three")
    assert labels(ledger.saved(1.0)) == ["one", "two"]
    assert labels(ledger.rewind(1.3).again) == ["three"]


def test_a_question_inside_a_handle_is_asked_again_where_the_handle_is_refused_and_nobody_has_answered() -> None:
    ledger = asked(b"one", b"two")
    assert labels(ledger.saved(1.0)) == []
    assert labels(ledger.rewind(1.3).again) == []
    assert ledger.owed
    assert labels(ledger.rewind(None).again) == ["one", "two"]
    assert not ledger.owed


def test_a_question_inside_a_handle_is_consumed_by_its_answer() -> None:
    ledger = asked(b"one")
    ledger.saved(0.5)
    assert labels(answer(ledger, 1.0)) == ["one"]
    assert labels(ledger.rewind(None).again) == []


def test_what_was_under_way_when_the_handle_came_is_sent_again_as_uncertain_and_what_came_after_it_is_not() -> None:
    ledger = asked(b"one", b"two", b"three")
    ledger.saved(0.5)
    assert [(entry.label, entry.uncertain) for entry in ledger.rewind(1.5).again] == [("two", True), ("three", False)]


def test_a_transparent_handle_leaves_no_doubt() -> None:
    ledger = told(b"one", b"two", b"three")
    assert labels(ledger.saved_messages(2)) == ["one", "two"]
    assert [(entry.label, entry.uncertain) for entry in ledger.rewind(9.0, exact=True).again] == [("three", False)]


def test_what_a_transparent_handle_counts_begins_anew_with_each_connection() -> None:
    ledger = told(b"one", b"two")
    ledger.rewind(None)
    ledger.count_sent()  # a history
    drained(ledger, 5.0)
    assert labels(ledger.saved_messages(2)) == ["one"]


def test_audio_and_video_count_as_messages_too() -> None:
    ledger = Ledger(15.0)
    ledger.audio_sent(b"sound", 20.0, 0.0)
    ledger.count_sent()
    ledger.add("text", b"one", 0.0, label="one")
    drained(ledger)
    assert ledger.saved_messages(2) == []
    assert labels(ledger.saved_messages(3)) == ["one"]


def test_a_new_session_has_nothing_and_so_nothing_is_uncertain() -> None:
    ledger = asked(b"one", b"two")
    assert [entry.uncertain for entry in ledger.rewind(None).again] == [False, False]


def test_what_was_uncertain_once_stays_uncertain() -> None:
    ledger = asked(b"one")
    ledger.rewind(0.1)
    drained(ledger, 5.0)
    assert [entry.uncertain for entry in ledger.rewind(0.1).again] == [True]


# --- answers


def test_a_complete_answer_consumes_what_was_sent_a_round_trip_before_it_began() -> None:
    ledger = asked(b"one", b"two")
    assert labels(answer(ledger, 1.2)) == ["one", "two"]
    assert ledger.rewind(None).again == []


def test_what_crossed_with_an_answer_stays_and_is_uncertain() -> None:
    ledger = asked(b"one", b"two")
    assert labels(answer(ledger, 1.1)) == ["one"]
    assert [(entry.label, entry.uncertain) for entry in ledger.rewind(None).again] == [("two", True)]


def test_what_was_asked_during_an_answer_is_not_answered_by_it() -> None:
    ledger = asked(b"one")
    ledger.answer_begins(1.0)
    ledger.add("text", b"two", 1.5, label="two", asks=True)
    drained(ledger, 1.5)
    assert labels(ledger.answer_over(ROUND_TRIP_S, MARGIN_S, None)) == ["one"]
    assert [(entry.label, entry.uncertain) for entry in ledger.rewind(None).again] == [("two", False)]


def test_half_an_answer_is_no_evidence() -> None:
    ledger = asked(b"one")
    ledger.answer_begins(1.0)
    assert labels(ledger.rewind(None).again) == ["one"]
    assert ledger.answer_over(ROUND_TRIP_S, MARGIN_S, None) == []


def test_an_answer_that_was_cut_off_is_no_evidence_and_the_next_one_is_of_all() -> None:
    ledger = asked(b"one")
    ledger.answer_begins(0.5)
    ledger.answer_cut()
    assert ledger.asking()
    ledger.add("text", b"two", 1.0, label="two", asks=True)
    drained(ledger, 1.0)
    assert labels(answer(ledger, 2.0)) == ["one", "two"]


def test_an_end_without_an_answer_consumes_nothing() -> None:
    ledger = asked(b"one")
    assert ledger.answer_over(ROUND_TRIP_S, MARGIN_S, None) == []
    assert ledger.asking()


def test_context_is_kept_until_a_handle_holds_it_and_blocks_nothing_behind_it() -> None:
    ledger = Ledger(15.0)
    ledger.add("context", b"be brief", 0.0)
    ledger.add("text", b"one", 0.0, label="one", asks=True)
    drained(ledger)
    assert labels(answer(ledger, 1.0, handle_at=0.0)) == ["one"]
    assert [entry.kind for entry in ledger.rewind(0.0).again] == ["context"]
    drained(ledger, 2.0)
    assert [entry.kind for entry in ledger.saved(3.0)] == ["context"]


@pytest.mark.parametrize(("handle_at", "kept"), [(2.0, True), (0.5, False), (None, False)])
def test_a_result_that_was_answered_is_kept_while_the_last_handle_waits_for_it(
    handle_at: float | None, kept: bool
) -> None:
    ledger = Ledger(15.0)
    ledger.add("function_result", b"3", 2.5, label="call", since=1.0)
    drained(ledger, 2.5)
    assert labels(answer(ledger, 3.0, handle_at=handle_at)) == ([] if kept else ["call"])
    rewound = ledger.rewind(handle_at)
    assert [(entry.label, entry.uncertain) for entry in rewound.again] == ([("call", True)] if kept else [])
    assert rewound.orphans == []


# --- what is owed


def test_a_question_is_owed_an_answer_from_when_it_goes_out_until_the_answer_is_over() -> None:
    ledger = Ledger(15.0)
    ledger.add("text", b"one", 0.0, asks=True)
    assert not ledger.asking()
    drained(ledger)
    assert ledger.asking()
    answer(ledger, 1.0)
    assert not ledger.asking()


def test_text_that_asks_nothing_is_owed_nothing() -> None:
    ledger = Ledger(15.0)
    ledger.add("text", b"note", 0.0)
    drained(ledger)
    assert not ledger.asking()
    ledger.saved(1.0)
    assert not ledger.owed


def test_a_question_inside_a_handle_is_owed_until_its_answer_is_complete() -> None:
    ledger = asked(b"one")
    ledger.saved(0.5)
    assert ledger.owed
    ledger.answer_begins(1.0)
    assert ledger.owed
    ledger.rewind(0.5)
    assert ledger.owed
    answer(ledger, 2.0)
    assert not ledger.owed


def test_a_question_that_was_answered_before_the_handle_came_is_not_owed() -> None:
    ledger = asked(b"one")
    answer(ledger, 0.1)  # sooner than a round trip
    assert not ledger.asking()
    assert labels(ledger.saved(1.0)) == ["one"]
    assert not ledger.owed


def test_a_question_asked_again_is_owed_again() -> None:
    ledger = asked(b"one")
    answer(ledger, 0.1)
    ledger.rewind(None)
    drained(ledger, 5.0)
    assert ledger.asking()
    ledger.saved(6.0)
    assert ledger.owed


def test_a_question_saved_during_an_answer_to_another_one_stays_owed() -> None:
    ledger = asked(b"one")
    ledger.answer_begins(1.0)
    ledger.add("text", b"two", 1.1, asks=True)
    drained(ledger, 1.1)
    ledger.saved(2.0)
    ledger.answer_over(ROUND_TRIP_S, MARGIN_S, 2.0)
    assert ledger.owed


# --- function results


@pytest.mark.parametrize("sent", [False, True])
@pytest.mark.parametrize(("handle_at", "known"), [(1.0, True), (2.0, True), (0.9, False), (None, False)])
def test_a_result_goes_only_to_a_session_that_knows_its_call(sent: bool, handle_at: float | None, known: bool) -> None:
    ledger = Ledger(15.0)
    ledger.add("function_result", b"3", 3.0, label="call", since=1.0)
    ledger.add("text", b"one", 3.0, label="one")
    if sent:
        drained(ledger, 3.0)
    rewound = ledger.rewind(handle_at)
    assert rewound.orphans == ([] if known else ["call"])
    assert drained(ledger, 4.0) == ([b"3", b"one"] if known else [b"one"])
    assert labels(rewound.again) == (["call", "one"][0 if known else 1 :] if sent else [])


# --- audio


def test_the_ring_keeps_the_last_seconds_and_tells_of_the_rest_after_a_loss_only() -> None:
    ledger = Ledger(2.0)
    speak(ledger, 0.0, 60)
    assert ledger.take_dropped_ms() == 0
    rewound = ledger.rewind(None)
    assert 2000 <= replayed_audio_ms(rewound) + ledger.take_dropped_ms() == 6000
    assert replayed_audio_ms(rewound) <= 2000 + TRIMMED_AT_ONCE_MS


def test_audio_that_a_handle_holds_is_neither_kept_nor_missed() -> None:
    ledger = Ledger(2.0)
    speak(ledger, 0.0, 60)
    ledger.saved(5.0)
    rewound = ledger.rewind(5.0)
    assert [entry.start_ms for entry in rewound.again] == [pytest.approx(100.0 * piece) for piece in range(51, 60)]
    assert ledger.take_dropped_ms() == 0


@pytest.mark.parametrize("duration_ms", [0.1, 20.0, 1024 * 1000 / 48000, 333.3])
def test_a_ring_of_nothing_keeps_next_to_nothing(duration_ms: float) -> None:
    ledger = Ledger(0.0)
    ledger.may_flow(0.0)
    for _ in range(5):
        for _ in range(int(TRIMMED_AT_ONCE_MS * 2 / duration_ms)):
            ledger.audio_sent(b"a", duration_ms, 0.0)
        ledger.add_audio(b"b", duration_ms, 0.0)
        drained(ledger)
    rewound = ledger.rewind(None)
    drained(ledger)
    assert replayed_audio_ms(rewound) <= TRIMMED_AT_ONCE_MS


def test_audio_that_waits_for_a_connection_makes_room_for_newer_audio() -> None:
    ledger = Ledger(1.0)
    ledger.may_flow(0.0)
    for piece in range(15):
        ledger.add_audio(b"a%d" % piece, 100.0, 0.0)
    assert ledger.take_dropped_ms() == 500
    assert drained(ledger)[0] == b"a5"


def test_audio_given_before_the_conversation_is_kept_for_longer() -> None:
    ledger = Ledger(1.0)
    for _ in range(130):
        ledger.add_audio(b"a", 1000.0, 0.0)
    assert ledger.take_dropped_ms() == 130_000 - MAX_EARLY_AUDIO_MS


def test_what_waits_since_a_loss_and_what_was_sent_before_it_share_the_ring_and_only_what_is_sent_again_is_listed() -> (
    None
):
    ledger = Ledger(1.0)
    ledger.may_flow(0.0)
    speak(ledger, 0.0, 10)
    for piece in range(7):
        ledger.add_audio(b"w%d" % piece, 100.0, 2.0)
    rewound = ledger.rewind(None)
    assert [entry.frame for entry in rewound.again] == [b"a7", b"a8", b"a9"]
    assert ledger.take_dropped_ms() == 700
    assert drained(ledger, 3.0) == [b"a7", b"a8", b"a9", *(b"w%d" % piece for piece in range(7))]


def test_audio_grows_old_while_it_waits_and_not_while_there_was_no_session_nor_at_once_when_there_is() -> None:
    ledger = Ledger(15.0)
    ledger.add_audio(b"early", 100.0, 0.0)
    ledger.may_flow(10.0)
    ledger.add_audio(b"later", 100.0, 25.5)
    ledger.drop_older(25.0)
    assert ledger.take_dropped_ms() == 0
    ledger.drop_older(25.1)
    assert (ledger.take_dropped_ms(), drained(ledger)) == (100, [b"later"])


def test_audio_before_an_answer_belongs_to_it_but_for_the_last_moment() -> None:
    ledger = Ledger(15.0)
    speak(ledger, 0.0, 20)  # until 1.9
    answer(ledger, 1.0)
    again = ledger.rewind(None).again
    assert [round(entry.sent_at, 1) for entry in again] == [round(0.1 * piece, 1) for piece in range(6, 20)]
    assert [entry.uncertain for entry in again] == [entry.sent_at <= 1.0 for entry in again]


def test_no_handle_is_trusted_with_part_of_an_utterance() -> None:
    ledger = Ledger(15.0)
    speak(ledger, 0.0, 30)
    ledger.hold(1.0)
    ledger.saved(2.0)
    again = ledger.rewind(2.5).again
    assert again[0].sent_at == pytest.approx(1.0)
    assert all(entry.uncertain for entry in again if entry.sent_at <= 2.5)


def test_an_utterance_that_was_answered_is_trusted_to_handles_again() -> None:
    ledger = Ledger(15.0)
    speak(ledger, 0.0, 30)
    ledger.hold(1.0)
    answer(ledger, 3.0)
    ledger.saved(2.95)
    assert ledger.rewind(3.2).again == []


def test_the_end_of_an_answer_is_not_that_of_the_utterance_spoken_into_it() -> None:
    ledger = Ledger(15.0)
    speak(ledger, 0.0, 10)
    ledger.hold(0.0)
    ledger.answer_begins(1.5)
    speak(ledger, 2.0, 10)
    ledger.hold(2.0)
    ledger.answer_over(ROUND_TRIP_S, MARGIN_S, None)
    ledger.saved(2.5)
    assert ledger.rewind(2.8).again[0].sent_at == pytest.approx(2.0)


def test_an_utterance_that_is_announced_begins_with_its_announcement() -> None:
    ledger = Ledger(15.0)
    speak(ledger, 0.0, 5)
    ledger.hold_next()
    ledger.add("activity", b"start", 0.5)
    drained(ledger, 0.5)
    speak(ledger, 0.6, 5)
    ledger.saved(0.9)
    assert [entry.kind for entry in ledger.rewind(1.2).again] == ["activity", *["audio"] * 5]


def test_an_utterance_that_was_cut_into_stays_held_from_its_beginning() -> None:
    ledger = Ledger(15.0)
    ledger.hold_next()
    speak(ledger, 0.0, 5)
    ledger.answer_begins(1.0)
    ledger.hold_next()
    speak(ledger, 1.5, 5)
    ledger.answer_cut()
    ledger.saved(3.0)
    assert len(ledger.rewind(3.3).again) == 10


def test_the_newest_audio_comes_first_when_one_listens_for_silence() -> None:
    ledger = Ledger(15.0)
    speak(ledger, 0.0, 10)
    assert list(ledger.recent_audio(0.65)) == [b"a9", b"a8", b"a7"]


# --- bounds


def test_messages_that_nobody_confirms_are_bounded_and_their_number_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SENT_BYTES", 2 * (4 + 4 + ENTRY_BYTES))
    ledger = asked(b"four", b"more", b"text")
    rewound = ledger.rewind(None)
    assert (labels(rewound.again), rewound.forgotten) == (["more", "text"], 1)
    assert ledger.rewind(None).forgotten == 0


def test_what_was_forgotten_is_not_missed_once_something_newer_is_consumed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SENT_BYTES", 2 * (4 + 4 + ENTRY_BYTES))
    ledger = asked(b"four", b"more", b"text")
    ledger.saved(1.0)
    assert ledger.rewind(1.3).forgotten == 0


def test_messages_of_next_to_no_bytes_are_bounded_too() -> None:
    ledger = Ledger(15.0)
    for _ in range(MAX_SENT_BYTES // ENTRY_BYTES):
        ledger.add("activity", b"{}", 0.0)
        ledger.next(0.0)
    assert ledger.rewind(None).forgotten > 0


# --- saved state


def test_another_ledger_goes_on_from_what_was_saved() -> None:
    ledger = asked(b"one", b"two")
    ledger.saved(0.5)
    ledger.add("text", b"three", 2.0, label="three", role="user")
    ledger.add("function_result", b"3", 2.0, label="call", since=9.0)
    ledger.audio_sent(b"sound", 20.0, 2.0)
    other = Ledger(15.0)
    other.restore(json.loads(json.dumps(ledger.saved_state(1.2))), 100.0)
    rewound = other.rewind(99.0)
    assert [(entry.label, entry.uncertain, entry.asks) for entry in rewound.again] == [("two", True, True)]
    assert drained(other, 101.0) == [b"two", b"three"]
