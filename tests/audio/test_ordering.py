from __future__ import annotations

from gemini_realtime.audio.ordering import Ordering


def test_what_comes_in_order_is_passed_on_at_once() -> None:
    ordering = Ordering[str](max_waiting=2)
    assert [ordering.push(7 + n, piece) for n, piece in enumerate("abc")] == [["a"], ["b"], ["c"]]


def test_what_comes_early_waits_for_what_is_missing() -> None:
    ordering = Ordering[str](max_waiting=2)
    pushed = [ordering.push(*item) for item in ((1, "a"), (3, "c"), (2, "b"), (4, "d"))]
    assert pushed == [["a"], [], ["b", "c"], ["d"]]


def test_what_does_not_come_is_given_up() -> None:
    ordering = Ordering[str](max_waiting=2)
    pushed = [ordering.push(*item) for item in ((1, "a"), (3, "c"), (5, "e"), (6, "f"), (2, "b"), (4, "d"), (7, "g"))]
    assert pushed == [["a"], [], [], ["c"], [], ["d", "e", "f"], ["g"]]


def test_the_same_piece_twice_is_passed_on_once() -> None:
    ordering = Ordering[str](max_waiting=2)
    assert [ordering.push(1, "a"), ordering.push(1, "a"), ordering.push(2, "b")] == [["a"], [], ["b"]]


def test_numbers_that_begin_anew_are_followed() -> None:
    ordering = Ordering[int](max_waiting=2)
    passed_on = [ordering.push(number, number) for number in (900, 901, 1, 2, 3, 4)]
    assert passed_on == [[900], [901], [], [], [3], [4]]
