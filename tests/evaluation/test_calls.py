from __future__ import annotations

import re
from pathlib import Path

import pytest

from gemini_realtime.errors import ConfigError
from gemini_realtime.evaluation.calls import MakeAgent, Target, agent_named, play
from gemini_realtime.evaluation.expectations import Calls, LetsFinish, SaysWords
from gemini_realtime.evaluation.record import CallRecord, CallResult, Verdict
from gemini_realtime.evaluation.scenes import (
    Backchannel,
    Caller,
    Coughs,
    Goal,
    HangsUp,
    Interrupts,
    Listens,
    Misbehaves,
    Presses,
    Says,
    Scene,
    Step,
    Suite,
    Types,
    Waits,
)
from tests.evaluation import agents
from tests.local.responders.endpoint import Answer, call, delta, endpoint_beside, words


def called(*steps: Step, seed: int = 1, **scene: object) -> CallResult:
    played = Scene("scene", Caller(steps, patience_s=5), **scene)  # type: ignore[arg-type]
    return play(Suite("suite", [played]), played, seed, Target(agents.restaurant))


def told(result: CallResult) -> list[tuple[str, str]]:
    assert not result.error
    return [(turn.role, turn.text) for turn in result.record.turns]


def test_what_is_said_and_typed_is_answered_in_turn() -> None:
    result = called(Says("What is two plus three?"), Types("What is two plus four?"))
    assert told(result) == [
        ("caller", "What is two plus three?"),
        ("agent", "Two plus three is five."),
        ("caller", "What is two plus four?"),
        ("agent", "Two plus four is six."),
    ]
    assert result.passed
    assert len(result.record.answered_after_s) == 2


def test_a_call_of_a_function_is_on_record_with_its_result() -> None:
    (tool,) = called(Says("Book a table for two guests at eight.")).record.tools
    assert (tool.name, tool.arguments) == ("book_table", {"guests": 2, "hour": 8})
    assert tool.result == {"output": "a table for 2 at 8"}


def test_an_interrupted_answer_is_heard_as_far_as_the_caller_let_it() -> None:
    result = called(Says("Tell me a long story."), Interrupts("What is two plus three?", after_words=4))
    interrupted = result.record.turns[1]
    assert interrupted.interrupted
    assert 4 <= len(interrupted.text.split()) <= 6
    assert told(result)[-1] == ("agent", "Two plus three is five.")
    assert result.record.stopped_after_s[0] < 0.3


def test_a_silent_agent_cannot_be_interrupted_and_that_is_said() -> None:
    result = called(Interrupts("What is two plus three?"))
    assert result.failures == ["speaks long enough to be interrupted: it was silent before 'What is two plus three?'"]


def test_what_is_not_answered_is_a_failure_by_itself() -> None:
    result = called(Says("What is two plus three?"), faults=["silence:after_frames=2"])
    assert any("no answer to 'What is two plus three?'" in failure for failure in result.failures)


def test_a_cough_is_no_question() -> None:
    result = called(Says("What is two plus three?"), Coughs(), Waits(1.0))
    assert result.passed
    assert len(result.record.turns) == 2


def test_a_connection_may_break_and_the_call_goes_on() -> None:
    result = called(Says("What is two plus three?"), Misbehaves("cut"), Says("What is two plus four?"))
    assert result.passed
    assert result.record.resumed == 1
    assert told(result)[-1] == ("agent", "Two plus four is six.")


def test_an_agent_that_never_speaks_of_its_own_accord_is_found_out() -> None:
    assert called(Listens()).failures == ["says something of its own accord: it was silent"]


def test_a_murmur_is_spoken_over_the_answer() -> None:
    result = called(Says("Tell me a long story."), Backchannel())
    assert result.record.stopped_after_s
    assert not result.error


def test_a_caller_with_a_goal_answers_what_is_asked() -> None:
    goal = Goal("Book a table.", {"guests|how many": "four guests", "hour|when": "at nine"}, until="a table for 4")
    scene = Scene("goal", Caller(goal), [Calls("book_table", {"guests": 4, "hour": 9})])
    result = play(Suite("suite", [scene]), scene, 0, Target(agents.restaurant))
    assert result.passed, result.failures


def test_a_caller_gives_up_when_nothing_leads_to_the_goal() -> None:
    scene = Scene("goal", Caller(Goal("What is two plus three?", {}, until="a table", gives_up_after=2)))
    result = play(Suite("suite", [scene]), scene, 0, Target(agents.restaurant))
    assert result.failures == ["gives the caller what is wanted: the caller gave up"]


def test_a_caller_may_hang_up_before_anything_is_answered() -> None:
    result = called(Says("Book a table for two guests at eight."), HangsUp())
    assert result.passed, result.failures
    assert (told(result), result.record.tools) == ([], [])  # the service did not hear an end of the sentence


def test_a_caller_may_hang_up_in_the_middle_of_an_answer() -> None:
    result = called(Says("Tell me a long story."), HangsUp(after_words=3))
    assert result.passed, result.failures
    assert result.record.lasted_s < 5


def test_a_goal_that_the_agent_hangs_up_on_is_not_reached() -> None:
    goal = Goal("Book a table for two guests at eight.", {}, until="a table")
    scene = Scene("goal", Caller(goal))
    result = play(Suite("suite", [scene]), scene, 0, Target(agents.hangs_up))
    assert result.failures == ["stays until the caller has finished: it ended the call"]


def test_a_number_may_be_said_wrong_first_and_is_corrected() -> None:
    caller = Caller([Says("Book a table for two guests at eight.")], corrects=1)
    scene = Scene("slip", caller, [Calls("book_table", {"guests": 2, "hour": 8})])
    first, again = (play(Suite("suite", [scene]), scene, 3, Target(agents.restaurant)) for _ in range(2))
    (heard,) = [turn.text for turn in first.record.turns if turn.role == "caller"]
    assert re.fullmatch(r"Book a table for \w+, no, two guests at \w+, no, eight\.", heard)
    assert first.passed, first.failures
    assert first.record == again.record


def test_a_chat_model_is_really_waited_for_in_virtual_time() -> None:
    pytest.importorskip("openai", reason="the extra [chat]")
    booked = [call(0, '{"guests": 2, "hour": 8}', id="a", name="book_table"), delta("tool_calls")]
    with endpoint_beside(Answer(booked), Answer(words("It is booked. Goodbye."))) as served:
        result = called(Says("Book a table for two guests at eight."), model=f"chat:test-model@{served.url}")
    assert result.passed, result.failures
    assert told(result)[1:] == [("agent", "It is booked. Goodbye.")]
    assert result.record.tools[0].arguments == {"guests": 2, "hour": 8}


def test_the_same_seed_gives_the_same_call_and_another_one_another() -> None:
    first, again, other = (called(Says("What is two plus three?"), seed=seed).record for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_who_speaks_first_is_heard_out() -> None:
    scene = Scene("scene", Caller([Says("What is two plus three?")]))
    result = play(Suite("suite", [scene]), scene, 0, Target(agents.talkative))
    assert result.passed, result.failures
    assert not any(turn.interrupted for turn in result.record.turns)
    assert told(result)[-1] == ("agent", "Two plus three is five.")


def test_keys_of_the_telephone_reach_the_agent() -> None:
    result = called(Presses("1"))
    assert result.failures == ["answers every question: no answer to '1'"]  # this one has no use for them


def test_an_answer_is_waited_for_from_the_last_sound_of_the_words() -> None:
    """The service answers after 400 ms of silence; the pause after a question mark is part of them."""
    waits = called(Says("What is two plus three"), Says("What is two plus four?")).record.answered_after_s
    assert waits == [pytest.approx(0.42, abs=0.03)] * 2


def test_faults_of_a_service_that_is_not_there_are_refused() -> None:
    scene = Scene("scene", Caller([Says("Hello.")]), faults=["cut"])
    with pytest.raises(ConfigError, match="faults such as 'cut' come from the embedded server"):
        play(Suite("suite", [scene]), scene, 0, Target(url="ws://127.0.0.1:1/"))


def test_noise_takes_real_speech_and_that_is_said() -> None:
    scene = Scene("scene", Caller([Says("Hello.")], noise_db=10))
    with pytest.raises(ConfigError, match="takes real speech"):
        play(Suite("suite", [scene]), scene, 0, Target(agents.restaurant))


@pytest.mark.parametrize(("agent", "lets_finish"), [(agents.restaurant, True), (agents.hasty, False)])
def test_an_agent_that_answers_in_the_pauses_of_a_sentence_is_found(agent: MakeAgent, lets_finish: bool) -> None:
    scene = Scene("scene", Caller([Says("What is two plus three, please, if you know?")]), [LetsFinish()])
    result = play(Suite("suite", [scene]), scene, 0, Target(agent))
    assert [verdict.met for verdict in result.verdicts if verdict.expected == "lets the caller finish"] == [lets_finish]


def test_an_agent_that_raises_is_a_result_that_says_so() -> None:
    scene = Scene("scene", Caller([Says("Hello.")]))
    result = play(Suite("suite", [scene]), scene, 0, Target(agents.broken))
    assert not result.passed
    assert re.fullmatch(r"the agent raised LookupError\('no such menu'\) at agents\.py:\d+", result.error)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("restaurant", "names no agent"),
        ("no_such_module:agent", "no module"),
        ("tests.evaluation.agents:restaurnt", "there is no 'restaurnt'"),
        ("tests.evaluation.agents:NO_FUNCTION", "is a int"),
    ],
)
def test_an_agent_that_is_not_there_is_a_clear_error(name: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        agent_named(name)


def test_a_module_that_cannot_be_imported_is_a_clear_error_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "unclosed.py").write_text("def agent(\n", "utf-8")
    (tmp_path / "unwell.py").write_text("import json\n\njson.loads('{')\n", "utf-8")
    with pytest.raises(ConfigError, match=r"'unclosed' cannot be imported: SyntaxError: .*unclosed\.py, line 1"):
        agent_named("unclosed:agent", tmp_path)
    with pytest.raises(ConfigError, match=r"'unwell' cannot be imported: JSONDecodeError: .* at unwell\.py:3"):
        agent_named("unwell:agent", tmp_path)


def test_the_recording_of_a_call_is_kept_where_something_went_wrong(tmp_path: Path) -> None:
    pytest.importorskip("numpy", reason="the page of a recording needs the extra [audio]")
    good = Scene("a sum", Caller([Says("What is two plus three?")]), [SaysWords("five")])
    bad = Scene("a wrong sum", Caller([Says("What is two plus three?")]), [SaysWords("six")])
    suite, target = Suite("suite", [good, bad]), Target(agents.restaurant, record=tmp_path)
    assert play(suite, good, 0, target).recording == ""
    kept = Path(play(suite, bad, 0, target).recording)
    assert "Two plus three is five." in kept.read_text("utf-8")
    assert [folder.name for folder in tmp_path.iterdir()] == ["a-wrong-sum-0"]


SLOW = Verdict("answers within 1 s (p95)", met=False, seen="after 1.20 s", timed=True)
WRONG = Verdict("says 'five'", met=False)


@pytest.mark.parametrize(
    ("late_s", "unmet", "attempts"), [(0.3, [SLOW], 2), (0.0, [SLOW], 1), (0.3, [SLOW, WRONG], 1), (0.3, [], 1)]
)
def test_a_call_is_held_again_when_only_its_time_may_be_the_machines(
    late_s: float, unmet: list[Verdict], attempts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = [CallResult("scene", 1, unmet, CallRecord(late_s=late_s)), CallResult("scene", 1)]
    monkeypatch.setattr("gemini_realtime.evaluation.calls._checked", lambda *_: outcomes.pop(0))
    result = called(Says("Hello."))
    assert result.attempts == attempts
    assert result.passed == (attempts == 2 or not unmet)
