from __future__ import annotations

import re

import pytest

from gemini_realtime.local.responders.rules import Rules

from .replies import function

WEATHER = function("get_weather", "Look up the weather for a city.", city="STRING")
LIGHT = function(
    "set_light", brightness="INTEGER", color_temp={"type": "STRING", "enum": ["daylight", "qzx cool", "warm"]}
)
FLIGHT = function("book_flight", origin="STRING", destination="STRING", date="STRING", passengers="INTEGER")
TOOLS = [WEATHER, LIGHT, FLIGHT, function("turn_on_the_lights"), function("qzx_qbf", "Qzx!")]


def definition(grammar: str, name: str) -> str:
    found = re.search(rf"<{name}> = (.*);", grammar)
    return found[1] if found else ""


def words(grammar: str) -> set[str]:
    body = grammar.split("grammar requests;")[1].replace("public <", "<")
    return set(re.findall(r"[a-z][a-z']*", re.sub(r"<\w+>", " ", body)))


def test_functions_add_sentences_with_slots() -> None:
    grammar = Rules().grammar(TOOLS)
    assert "[the] [current] weather" in definition(grammar, "function0")
    assert "<place>" in definition(grammar, "function0")
    assert "daylight | warm" in definition(grammar, "function1")
    assert "<number>" in definition(grammar, "function1")
    assert definition(grammar, "function3") == "(turn on the lights)"
    assert "warm" in definition(grammar, "answer")


def test_words_that_cannot_be_pronounced_are_left_out() -> None:
    assert not {"qzx", "qbf"} & words(Rules().grammar(TOOLS))


def test_words_that_the_recogniser_does_not_know_are_left_out() -> None:
    grammar = Rules(knows=lambda word: word != "flight").grammar(TOOLS)
    assert "flight" not in words(grammar)
    assert "weather" in definition(grammar, "function0")


def test_the_grammar_stays_small_with_many_functions() -> None:
    assert len(Rules().grammar([FLIGHT] * 500)) < 20_000


@pytest.mark.parametrize("tools", [[], TOOLS, [FLIGHT] * 40])
def test_the_recogniser_loads_the_grammar_and_knows_its_words(tools: list[dict[str, object]]) -> None:
    pocketsphinx = pytest.importorskip("pocketsphinx")
    decoder = pocketsphinx.Decoder(lm=None, loglevel="FATAL")
    grammar = Rules().grammar(tools)
    assert [word for word in words(grammar) if decoder.lookup_word(word) is None] == []
    decoder.add_jsgf_string("requests", grammar)
    decoder.activate_search("requests")
