from __future__ import annotations

import json
from pathlib import Path

import pytest

from gemini_realtime.errors import ConfigError
from gemini_realtime.evaluation import judging
from gemini_realtime.evaluation.calls import Target, play
from gemini_realtime.evaluation.files import read_results, to_json_line
from gemini_realtime.evaluation.plan import Plan
from gemini_realtime.evaluation.record import CallResult, Judgement
from gemini_realtime.evaluation.running import run
from gemini_realtime.evaluation.scenes import Caller, Judge, Says, Scene, Suite
from tests.evaluation import agents
from tests.local.responders.endpoint import Answer, Endpoint, endpoint_beside

pytest.importorskip("openai", reason="the extra [chat]")

POLITE, BRIEF = "The agent is polite.", "The agent is brief."
SCENE = Scene("sum", Caller([Says("What is two plus three?")]), rubric=[BRIEF])


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-sesame")
    monkeypatch.setenv("OPENAI_MODEL", "test-model")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def ballot(*verdicts: bool) -> Answer:
    told = [{"statement": n, "reason": f"because {holds}", "holds": holds} for n, holds in enumerate(verdicts, 1)]
    return Answer(whole=json.dumps({"verdicts": told}))


def judged(*answers: Answer, seed: int = 1, **judge: object) -> tuple[CallResult, Endpoint]:
    with endpoint_beside(*answers) as served:
        asked = Judge([POLITE], url=served.url, **{"repeats": len(answers), **judge})  # type: ignore[arg-type]
        return play(Suite("suite", [SCENE], judge=asked), SCENE, seed, Target(agents.restaurant)), served


def test_a_judge_gets_the_call_and_all_statements_and_says_which_hold() -> None:
    result, served = judged(ballot(True, False))
    assert result.judgements == [
        Judgement(POLITE, [True], ["because True"]),
        Judgement(BRIEF, [False], ["because False"]),
    ]
    told = json.loads(served.asked[0]["messages"][1]["content"])
    assert told["said"][1].pop("at") > 0
    assert told["said"][1] == {"by": "agent", "words": "Two plus three is five."}
    assert told["statements"] == {"1": POLITE, "2": BRIEF}


def test_what_a_judge_says_fails_no_call_unless_it_decides() -> None:
    apart, _ = judged(ballot(True, False))
    assert apart.passed
    decided, _ = judged(ballot(True, False), decides=True)
    assert decided.failures == [f"judge: {BRIEF}: because False"]


def test_most_votes_count_and_their_agreement_is_told() -> None:
    result, served = judged(ballot(True, True), ballot(False, True), ballot(True, True), seed=2)
    polite, brief = result.judgements
    assert (polite.holds, polite.verdict) == (True, "holds (2 of 3)")
    assert polite.agreement == pytest.approx(1 / 3)
    assert (brief.holds, brief.agreement) == (True, 1)
    assert sorted(asked["seed"] for asked in served.asked) == [12, 14, 16]


def test_votes_in_two_halves_are_no_verdict() -> None:
    result, _ = judged(ballot(True, True), ballot(False, True))
    assert (result.judgements[0].holds, result.judgements[0].reason) == (None, "the judge says both")


FAIR = '[{"statement": 1, "reason": "Thanks.", "holds": true}, {"statement": 2, "reason": "Long.", "holds": false}]'


@pytest.mark.parametrize(
    "answer",
    [
        f'{{"verdicts": {FAIR}}}',
        FAIR,
        f'{{"results": {FAIR}}}',
        f'Here it is:\n\n```json\n{{"verdicts": {FAIR}}}\n```\nDoes this [help]?',
        f"I first thought {FAIR.replace('true', 'false')}, but: {FAIR}",
        FAIR.replace("true", '"Yes"').replace("false", '"no"'),
        FAIR.replace("true", "1").replace("false", "0"),
        FAIR.replace(": 1,", ': "1",').replace(": 2,", ': "#2",'),
        FAIR.replace(": 1,", f': "{POLITE}",').replace(": 2,", f': "{BRIEF}",'),
        FAIR.replace('"statement": 1, ', "").replace('"statement": 2, ', '"confidence": 0.9, '),
        json.dumps(json.loads(FAIR)[::-1]),
    ],
)
def test_verdicts_are_read_in_all_the_ways_in_which_models_give_them(answer: str) -> None:
    result, served = judged(Answer(whole=answer))
    assert [(j.votes, j.reasons) for j in result.judgements] == [([True], ["Thanks."]), ([False], ["Long."])]
    assert len(served.asked) == 1


def test_a_judge_that_cannot_tell_gives_no_vote_on_that_statement() -> None:
    result, _ = judged(Answer(whole=FAIR.replace("false", "null")), ballot(True, True))
    polite, brief = result.judgements
    assert (polite.votes, brief.votes, brief.missing) == ([True, True], [True], "the judge cannot tell: Long.")


@pytest.mark.parametrize(
    "nonsense",
    [
        "It was all fine.",
        '{"verdicts": []}',
        FAIR.replace(": 2,", ": 1,"),
        FAIR.replace(": 2,", ": 3,"),
        FAIR.replace("true", '"partly"'),
        FAIR.replace("true", "0.7"),
        FAIR.replace('"holds"', '"score"'),
        FAIR[:-20],
        '{"holds": true}',
        "[" * 3000,
    ],
)
def test_nonsense_is_asked_about_once_and_is_no_verdict_then(nonsense: str) -> None:
    result, served = judged(Answer(whole=nonsense), Answer(whole=nonsense), repeats=1)
    assert result.passed
    assert {(j.verdict, j.reason) for j in result.judgements} == {
        ("no verdict", "the judge's endpoint failed: its model did not answer as it was asked to")
    }
    first, second = (asked["messages"][1]["content"] for asked in served.asked)
    assert second.startswith(first)
    assert second.endswith("one verdict for each statement.")


def test_a_judge_that_answers_as_asked_the_second_time_has_a_vote() -> None:
    result, _ = judged(Answer(whole="It was fine."), ballot(True, False), repeats=1)
    assert [judgement.votes for judgement in result.judgements] == [[True], [False]]


def test_an_endpoint_that_fails_is_no_verdict_and_no_secret_is_told() -> None:
    result, _ = judged(Answer(status=401, body='{"error": {"message": "wrong key sk-sesame"}}'), decides=True)
    assert result.failures == [
        f"judge: {statement}: the judge's endpoint failed: HTTP status 401 → check OPENAI_API_KEY"
        for statement in (POLITE, BRIEF)
    ]
    assert "sesame" not in to_json_line(result)


def test_a_judge_that_takes_too_long_is_waited_for_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "_PATIENCE_S", 0.0)
    result, _ = judged(ballot(True, True))
    assert result.judgements[0].reason == "the judge's endpoint failed: it did not answer within 0 s"


def test_one_answer_of_two_is_a_verdict_all_the_same() -> None:
    result, _ = judged(Answer(status=404), ballot(True, True), repeats=2)
    assert [judgement.holds for judgement in result.judgements] == [True, True]
    assert "HTTP status 404" in result.judgements[0].missing


def test_judgements_are_read_as_they_were_written(tmp_path: Path) -> None:
    result, _ = judged(ballot(True, False))
    (tmp_path / "results.jsonl").write_text(to_json_line(result) + "\n", "utf-8")
    assert [*read_results(tmp_path / "results.jsonl")] == [result]


def test_a_judge_without_an_endpoint_is_refused_before_there_are_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ConfigError, match="OPENAI_BASE_URL"):
        next(run(Plan(Suite("suite", [SCENE], agent="tests.evaluation.agents:restaurant"))))
