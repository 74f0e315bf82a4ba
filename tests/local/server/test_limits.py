"""What the server bears of its clients."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gemini_realtime.errors import ConfigError
from gemini_realtime.local import Limits


@pytest.mark.parametrize(
    ("limit", "wanted"),
    [
        ({"session_bytes": 1}, "pass a whole number from 1048576"),
        ({"message_bytes": 0}, "pass a whole number from 1024"),
        ({"sessions": 0}, "pass a whole number from 1"),
        ({"newcomers": 0.5}, "pass a whole number from 1"),
        ({"idle_s": 0}, "pass a number from 0.001"),
        ({"handshake_s": math.nan}, "pass a number from 0.001"),
        ({"setup_s": "60"}, "pass a number from 0.001"),
    ],
)
def test_a_limit_that_lets_nobody_in_is_an_error_that_says_what_can_be(limit: dict[str, Any], wanted: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Limits(**limit)
    assert next(iter(limit)) in str(caught.value)
    assert wanted in str(caught.value)


def test_with_the_least_memory_a_message_is_an_eighth_of_it() -> None:
    assert Limits(session_bytes=1024 * 1024).longest_message == 128 * 1024
