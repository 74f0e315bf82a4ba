"""What a session is about, and where it may have been meant."""

from __future__ import annotations

import pytest

from gemini_realtime.local.speech.vocabulary import WORDS_MAX, alternatives, likely_words

TOOLS = [
    {
        "name": "set_mode",
        "parameters": {
            "type": "OBJECT",
            "properties": {
                "mode": {"type": "STRING", "enum": ["defrost", "slow_roast"]},
                "rooms": {"type": "ARRAY", "items": {"enum": ["vestibule"]}},
            },
        },
    }
]


def test_what_is_asked_for_comes_first_then_enums_then_names() -> None:
    words = likely_words(["Ozempic"], TOOLS, "You are Ada. Today you help Priya Raghavan with Kubernetes. Be kind.")
    assert words == ["Ozempic", "defrost", "slow roast", "vestibule", "Priya Raghavan", "Kubernetes"]


def test_the_first_word_of_a_sentence_is_no_name() -> None:
    assert likely_words([], [], "Speak slowly. Never lie! Always answer.\nUse short words.") == []


def test_there_is_an_end_to_it() -> None:
    assert len(likely_words([f"Name{chr(97 + n % 26) * (n // 26 + 3)}" for n in range(1_000)], [], "")) <= WORDS_MAX


@pytest.mark.parametrize(
    ("heard", "word", "text"),
    [
        ("call sea up and kelly tomorrow.", "Siobhan Kelly", "call Siobhan Kelly tomorrow."),
        ("track order with sellando.", "Zalando", "track order with Zalando."),
        ("for those ampic", "Ozempic", "for Ozempic"),
        ("is anthropper ciring.", "Anthropic", "is Anthropic ciring."),
        ("play the song by rose ollia", "Rosalia", "play the song by Rosalia"),
    ],
)
def test_a_name_stands_where_something_like_it_was_heard(heard: str, word: str, text: str) -> None:
    assert text in [place.text for place in alternatives(heard, [word, "Bartholomew"])]


def test_nothing_like_it_is_no_place_for_a_name() -> None:
    assert alternatives("set an alarm for half past six", ["Zubenelgenubi", "espresso macchiato"]) == []


def test_only_the_likest_are_worth_listening_for() -> None:
    found = alternatives("ask priya", ["Priya", "Priyah", "Pria", "Prya", "Preeya", "Pryia"])
    assert len(found) == 4
