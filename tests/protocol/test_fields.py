"""Values as JSON has them, and as the service's messages take them."""

from __future__ import annotations

from collections import UserDict
from enum import Enum
from types import MappingProxyType
from typing import Any

import pytest

from gemini_realtime.errors import ConfigError
from gemini_realtime.protocol.fields import MAX_DEPTH, check_json, fitted, plain
from gemini_realtime.protocol.messages import GenerationConfig, Setup


class Level(Enum):
    HIGH = "HIGH"


class Word(str):
    """A string of another type."""


@pytest.mark.parametrize(
    ("value", "as_json"),
    [
        (Level.HIGH, "HIGH"),
        ({Level.HIGH: (1, 2.5, None, True)}, {"HIGH": [1, 2.5, None, True]}),
        (MappingProxyType({"a": UserDict(b=1)}), {"a": {"b": 1}}),
        ({"data": b"\x00\xff"}, {"data": "AP8="}),
        (Word("x"), "x"),
    ],
)
def test_whatever_means_json_becomes_it(value: Any, as_json: Any) -> None:
    assert plain("x", value) == as_json


def test_what_json_has_no_form_for_is_left_to_the_check() -> None:
    assert plain("x", [print]) == [print]
    with pytest.raises(ConfigError, match=r"`x\[0\]` is a builtin_function_or_method"):
        check_json("x", [print])


def test_a_value_may_be_in_two_places_but_not_in_itself() -> None:
    twice = [1]
    assert plain("x", [twice, twice]) == [[1], [1]]
    twice.append(twice)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="holds itself"):
        plain("x", twice)


def test_nothing_is_deeper_than_the_service_reads() -> None:
    value: list[Any] = []
    for _ in range(MAX_DEPTH):
        value = [value]
    with pytest.raises(ConfigError, match="too deep"):
        plain("x", value)


@pytest.mark.parametrize("value", [{"a": float("nan")}, {"a": 2**64}, {"a": "\ud800"}, {"a": {1}}])
def test_the_check_says_where(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"`x\.a` "):
        check_json("x", value)


def test_a_field_is_spelled_checked_and_put_in_the_services_words() -> None:
    config = {"automatic_activity_detection": {"silence_duration_ms": "300", "end_of_speech_sensitivity": "low"}}
    with pytest.raises(ConfigError, match=r"silence_duration_ms` is of the type str → pass a whole number"):
        fitted("realtime_input_config", config, Setup)
    config["automatic_activity_detection"]["silence_duration_ms"] = 300  # type: ignore[assignment]
    assert fitted("realtime_input_config", config, Setup) == {
        "automaticActivityDetection": {"silenceDurationMs": 300, "endOfSpeechSensitivity": "END_SENSITIVITY_LOW"}
    }
    with pytest.raises(ConfigError, match="did you mean 'include_thoughts'"):
        fitted("thinking_config", {"include_thought": True}, GenerationConfig)
