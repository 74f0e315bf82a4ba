from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.strangers import run
from tests.local.responders.endpoint import Answer, endpoint_beside

pytest.importorskip("pydantic", reason="agents need the extra [agent]")

AGENT = """
from gemini_realtime import RealtimeAgent


def agent(llm_config):
    return RealtimeAgent(name="host", llm_config=llm_config)
"""
SUITE = """
agent: sums:agent
scenes:
  - name: a sum
    caller:
      - says: What is two plus three?
    expect:
      - says: {words}
"""


def evaluated(folder: Path, words: str, *options: str | Path) -> tuple[int, str, str]:
    (folder / "sums.py").write_text(AGENT, "utf-8")
    (folder / "suite.yaml").write_text(SUITE.format(words=words), "utf-8")
    done = run("evaluate", folder / "suite.yaml", "--workers", "1", *options)
    return done.returncode, done.stdout, done.stderr


def test_a_suite_that_passes_ends_with_0_and_a_table(tmp_path: Path) -> None:
    code, table, told = evaluated(tmp_path, "five", "--repeat", "2", "--json", tmp_path / "results.jsonl")
    assert (code, told) == (0, "")
    assert "passed" in table
    assert "2/2" in table
    assert len((tmp_path / "results.jsonl").read_text().splitlines()) == 2


def test_a_suite_that_fails_ends_with_1_and_shows_a_conversation(tmp_path: Path) -> None:
    code, table, _ = evaluated(
        tmp_path, "six", "--model", "rules", "--html", tmp_path / "report.html", "--junit", tmp_path / "report.xml"
    )
    assert code == 1
    assert "Two plus three is five." in table
    html = (tmp_path / "report.html").read_text()
    assert html.startswith("<!doctype html>")
    assert "--seed 0 --model rules" in html


def test_two_runs_are_compared(tmp_path: Path) -> None:
    for words in ("five", "six"):
        evaluated(tmp_path, words, "--repeat", "12", "--json", tmp_path / f"{words}.jsonl")
    worse = run("evaluate", "--compare", tmp_path / "five.jsonl", tmp_path / "six.jsonl")
    assert (worse.returncode, "worse" in worse.stdout) == (1, True)
    same = run("evaluate", "--compare", tmp_path / "five.jsonl", tmp_path / "five.jsonl")
    assert (same.returncode, "worse" in same.stdout) == (0, False)


def test_a_misspelt_suite_is_one_line_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text("scnes: []", "utf-8")
    done = run("evaluate", tmp_path / "suite.yaml")
    assert done.returncode == 2
    assert "suite.yaml:1:1: there is no 'scnes'" in done.stderr


JUDGED = """
agent: sums:agent
judge: {repeats: 1, rubric: [The agent is polite.]}
scenes:
  - name: a persona
    caller: {persona: {is: A pupil., gives up after: 1}}
"""


def test_a_persona_calls_and_a_judge_says_what_it_thinks_of_it(tmp_path: Path) -> None:
    pytest.importorskip("openai", reason="the extra [chat]")
    (tmp_path / "sums.py").write_text(AGENT, "utf-8")
    (tmp_path / "suite.yaml").write_text(JUDGED, "utf-8")
    polite = '{"verdicts": [{"statement": 1, "reason": "It says please.", "holds": true}]}'
    with endpoint_beside(Answer(whole="What is two plus three?"), Answer(whole=polite)) as served:
        done = run("evaluate", tmp_path / "suite.yaml", OPENAI_BASE_URL=served.url, OPENAI_MODEL="m", COLUMNS="200")
    assert (done.returncode, done.stderr) == (1, "")  # since it gave up
    told = " ".join(done.stdout.split())
    assert "a persona The agent is polite. 1/1 –" in told
    assert "judge: The agent is polite. holds: It says please." in told
    assert 'caller: - says: "What is two plus three?"' in told


FOGGY = """
scenes:
  - name: the weather
    caller:
      - says: What is the weather in Paris?
    expect:
      - calls: get_weather
        with: {city: Paris}
      - says: foggy in Paris
"""
BOT = Path(__file__).parents[1] / "testing" / "bot.py"


def test_any_program_is_called_that_is_named_behind_two_dashes(tmp_path: Path) -> None:
    pytest.importorskip("google.genai", reason="the program is built on it")
    pytest.importorskip("trustme", reason="it dials TLS, whose certificate needs the extra [local]")
    (tmp_path / "suite.yaml").write_text(FOGGY, "utf-8")
    done = run("evaluate", tmp_path / "suite.yaml", "--", sys.executable, BOT)
    assert (done.returncode, "1/1" in done.stdout) == (0, True), done.stdout + done.stderr


def test_a_program_that_ends_at_once_is_told_with_what_it_wrote(tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text(FOGGY, "utf-8")
    done = run("evaluate", tmp_path / "suite.yaml", "--", sys.executable, "-c", "exit('no menu')")
    assert done.returncode == 1
    told = " ".join(done.stdout.split())
    assert "the program ended with 1: no menu" in told
    assert "--seed 0 -- PROGRAM" in told


def test_a_stopped_run_goes_on_from_its_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="the extra [parquet] is not installed")
    for repeat in ("1", "3"):
        code, table, told = evaluated(tmp_path, "five", "--repeat", repeat, "--resume", "--parquet", tmp_path / "calls")
        assert (code, told) == (0, "")
        assert f"{repeat}/{repeat}" in table
    assert len(list((tmp_path / "calls").glob("part-*.parquet"))) == 2


def test_flaky_tells_a_fault_from_a_coin_toss(tmp_path: Path) -> None:
    _, table, _ = evaluated(tmp_path, "six", "--flaky")
    assert "✗ 1 × says 'six'" in table
    assert "a fault, which repeats itself: seed 0" in table
