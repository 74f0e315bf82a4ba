from __future__ import annotations

from gemini_realtime.protocol.calls import MAX_OPEN_CALLS, Calls
from gemini_realtime.protocol.messages import FunctionCall


def call(call_id: str | None, name: str = "f") -> FunctionCall:
    return FunctionCall(id=call_id, name=name)


def test_an_answer_closes_its_call_and_tells_when_it_came() -> None:
    calls = Calls()
    calls.opened(call("7"), 3.0)
    assert (len(calls), calls.known("7")) == (1, (call("7"), 3.0))
    calls.answered("7")
    assert (len(calls), calls.known("7")) == (0, (None, 0.0))


def test_calls_without_an_id_get_ones_of_their_own() -> None:
    calls = Calls()
    ids = [calls.opened(call(None, name), 0.0) for name in "ab"]
    assert [calls.known(call_id)[0] for call_id in ids] == [call(None, "a"), call(None, "b")]


def test_a_session_taken_up_again_knows_the_calls_that_came_before_its_handle_only() -> None:
    calls = Calls()
    for call_id, at in (("before", 1.0), ("with", 2.0), ("after", 3.0)):
        calls.opened(call(call_id), at)
    assert calls.lost(2.0) == ["after"]
    assert (len(calls), list(calls.orphans)) == (2, ["after"])


def test_a_new_session_knows_no_call() -> None:
    calls = Calls()
    calls.opened(call("1"), 1.0)
    assert calls.lost(None) == ["1"]
    assert not calls


def test_what_was_cancelled_is_an_orphan_and_what_was_never_open_is_not() -> None:
    calls = Calls()
    calls.opened(call("1"), 1.0)
    calls.cancelled(["1", "2"])
    assert (len(calls), list(calls.orphans)) == (0, ["1"])


def test_a_call_made_again_under_its_id_is_no_orphan_any_more() -> None:
    calls = Calls()
    calls.opened(call("1"), 1.0)
    calls.lost(None)
    calls.opened(call("1"), 2.0)
    assert (len(calls), list(calls.orphans)) == (1, [])


def test_calls_that_nobody_answers_do_not_pile_up() -> None:
    calls = Calls()
    for number in range(MAX_OPEN_CALLS + 2):
        calls.opened(call(str(number)), 0.0)
    assert len(calls) == MAX_OPEN_CALLS
    assert calls.known("1") == (None, 0.0)
    assert calls.known("2")[0] is not None
