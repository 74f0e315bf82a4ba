from __future__ import annotations

import pytest

from gemini_realtime.evaluation import persona
from gemini_realtime.evaluation.calls import Target, play
from gemini_realtime.evaluation.expectations import Calls
from gemini_realtime.evaluation.record import CallResult
from gemini_realtime.evaluation.scenes import Caller, Persona, Says, Scene, Suite
from tests.evaluation import agents
from tests.local.responders.endpoint import Answer, Endpoint, completion, endpoint_beside

pytest.importorskip("openai", reason="the extra [chat]")

BOOK = "Book a table for two guests at eight."


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-sesame")
    monkeypatch.setenv("OPENAI_MODEL", "test-model")


def played(*answers: str | Answer, **how: object) -> tuple[CallResult, Endpoint]:
    whole = [answer if isinstance(answer, Answer) else Answer(whole=answer) for answer in answers]
    with endpoint_beside(*whole) as served:
        caller = Persona("A hurried cook.", url=served.url, **how)  # type: ignore[arg-type]
        scene = Scene("scene", Caller(caller), [Calls("book_table", {"guests": 2})])
        return play(Suite("suite", [scene]), scene, 1, Target(agents.restaurant)), served


def test_a_persona_says_what_the_endpoint_says_until_it_is_content() -> None:
    result, served = played("What is two plus three?", f'"{BOOK}"', "Thanks, goodbye! [done]")
    assert result.passed, result.failures
    assert [turn.text for turn in result.record.turns if turn.role == "caller"] == [
        "What is two plus three?",
        BOOK,
        "Thanks, goodbye!",
    ]
    messages = served.asked[-1]["messages"]
    assert "A hurried cook." in messages[0]["content"]
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert messages[3]["content"] == "Two plus three is five."


def test_what_a_persona_said_repeats_the_call_as_steps() -> None:
    result, _ = played("What is two plus three?", BOOK, "[DONE]")
    assert result.record.improvised == ["What is two plus three?", BOOK]
    scene = Scene("scene", Caller([Says(words) for words in result.record.improvised]))
    again = play(Suite("suite", [scene]), scene, 1, Target(agents.restaurant))
    assert [turn.text for turn in again.record.turns] == [turn.text for turn in result.record.turns]


def test_the_same_seed_asks_the_endpoint_with_the_same_seeds() -> None:
    (_, first), (_, again) = played(BOOK, "[DONE]"), played(BOOK, "[DONE]")
    seeds = [[asked["seed"] for asked in served.asked] for served in (first, again)]
    assert seeds[0] == seeds[1]
    assert len({*seeds[0]}) == 2


def test_the_first_words_may_be_given() -> None:
    result, served = played("[DONE]", says=BOOK)
    assert result.record.improvised == [BOOK]
    assert len(served.asked) == 1


def test_a_persona_that_has_had_enough_has_given_up() -> None:
    result, _ = played(BOOK, "I have had enough. [ENOUGH]")
    assert result.failures == ["gives the caller what is wanted: the caller gave up"]


def test_a_persona_that_comes_to_no_end_gives_up() -> None:
    result, served = played(BOOK, "What is two plus three?", gives_up_after=2)
    assert result.record.gave_up
    assert len(served.asked) == 2


@pytest.mark.parametrize(
    "answer",
    [
        f"Caller: {BOOK}",
        f"**Caller:** {BOOK}",
        f"*sighs* {BOOK}",
        f"(clears her throat) {BOOK}",
        f"<think>A table.</think>“{BOOK}”",
        f"{BOOK}\nAgent: It is booked.\nCaller: Thanks! [DONE]",
        BOOK.replace("two", "*two*"),
        f"{BOOK} [DONE]",
    ],
)
def test_only_what_is_said_is_said_of_what_models_write(answer: str) -> None:
    result, _ = played(answer, "Goodbye. [DONE]")
    assert result.passed, result.failures
    assert result.record.improvised == [BOOK]


def test_a_model_without_words_is_asked_once_more() -> None:
    result, served = played("...", BOOK, "[DONE]")
    assert (result.passed, result.record.improvised) == (True, [BOOK])
    assert "Answer with the words" in served.asked[1]["messages"][-1]["content"]
    assert all("Answer with the words" not in message["content"] for message in served.asked[2]["messages"][1:])


def test_a_refusal_is_an_error_and_is_not_said_to_the_agent() -> None:
    refusal = Answer(body=completion(None, refusal="I cannot play that."))
    result, _ = played(refusal, refusal)
    assert result.error.endswith("its chat endpoint failed: its model refuses to answer")
    assert result.record.turns == []


def test_an_endpoint_that_fails_is_an_error_and_the_call_so_far_is_kept() -> None:
    result, _ = played(BOOK, Answer(status=503))
    assert result.error == "the caller had no words any more: its chat endpoint failed: HTTP status 503"
    assert [turn.text for turn in result.record.turns if turn.role == "caller"] == [BOOK]


def test_an_endpoint_that_takes_too_long_is_waited_for_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persona, "_PATIENCE_S", 0.0)
    result, _ = played(BOOK)
    assert "did not answer within 0 s" in result.error
