from __future__ import annotations

import pytest

from gemini_realtime.errors import ConfigError
from gemini_realtime.evaluation.expectations import Speaks
from gemini_realtime.evaluation.language import check_language
from gemini_realtime.evaluation.record import CallRecord, TurnRecord

pytest.importorskip("py3langid", reason="the extra [evaluate]")

SAID = {
    "en": "How many guests will come?",
    "de": "Das kann ich leider gerade nicht beantworten.",
    "fr": "Puis-je faire autre chose pour vous ?",
    "es": "Gracias, Ada Lovelace, su mesa está reservada.",
    "pt": "O peixe custa vinte euros.",
    "nl": "Uw afspraak is maandag om negen uur.",
    "ja": "何名様ですか。",
}


def record(*answers: str) -> CallRecord:
    return CallRecord(
        [
            TurnRecord("caller", "Grüß Gott, ich hätte gerne einen Tisch."),
            *(TurnRecord("agent", answer) for answer in answers),
        ]
    )


@pytest.mark.parametrize("language", SAID)
def test_one_sentence_is_told_from_those_of_other_languages(language: str) -> None:
    assert [other for other in SAID if Speaks(other).check(record(SAID[language])).met] == [language]


def test_an_agent_that_changes_its_language_is_found_with_the_answer() -> None:
    verdict = Speaks("en").check(record(SAID["en"], "Okay.", SAID["de"]))
    assert (verdict.met, verdict.seen) == (False, f"{SAID['de']!r} is de")


def test_a_single_word_tells_nothing_and_that_is_said() -> None:
    verdict = Speaks("en").check(record("Okay.", "Ada Lovelace."))
    assert (verdict.met, verdict.seen) == (False, "it said too little to tell: 'Okay. Ada Lovelace.'")


def test_an_answer_that_was_cut_off_is_in_no_other_language() -> None:
    assert Speaks("en").check(record(SAID["en"], "Two plus four")).met


def test_a_region_changes_nothing_and_an_unknown_language_is_refused() -> None:
    assert Speaks("de-AT").check(record(SAID["de"])).met
    check_language("de-AT")
    with pytest.raises(ConfigError, match="there is no language 'klingon'"):
        check_language("klingon")
