from __future__ import annotations

from typing import Any

import pytest

from gemini_realtime import ConfigError
from gemini_realtime.web.settings import MAX_HISTORY, MAX_TEXT, past_turns, session_options


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        ({}, {}),
        ({"voice": "Kore", "language": "de-DE"}, {"voice": "Kore", "language_code": "de-DE"}),
        ({"language": None}, {"language_code": None}),
        ({"turns": "push_to_talk"}, {"turn_detection": None}),
        ({"turns": "automatic"}, {"turn_detection": {"type": "server_vad"}}),
        (
            {"silence_ms": 300, "interrupts": False},
            {"turn_detection": {"type": "server_vad", "silence_duration_ms": 300, "interrupt_response": False}},
        ),
        ({"turns": "automatic", "silence_ms": None}, {"turn_detection": {"type": "server_vad"}}),
    ],
)
def test_settings_of_the_page_become_options_of_the_session(settings: Any, options: Any) -> None:
    assert session_options(settings) == options


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ([], "a JSON object"),
        ({"voise": "Kore"}, "no setting 'voise'.*voice"),
        ({"voice": 7}, "`voice`"),
        ({"instructions": "x" * (MAX_TEXT + 1)}, "20,001 characters.*shorten"),
        ({"turns": "telepathy"}, "'automatic' or 'push_to_talk'"),
        ({"silence_ms": -1}, "silence_ms"),
        ({"interrupts": "yes"}, "interrupts"),
    ],
)
def test_what_the_page_would_not_send_is_refused(settings: Any, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        session_options(settings)


def test_a_page_goes_on_with_the_last_turns_of_what_was_said() -> None:
    said = [{"role": "user", "text": str(number)} for number in range(MAX_HISTORY + 1)]
    assert past_turns([*said, {"role": "user", "text": ""}, "?"])[0] == {"role": "user", "text": "3"}
    with pytest.raises(ConfigError, match="a list of turns"):
        past_turns("?")
