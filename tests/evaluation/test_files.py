from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gemini_realtime.errors import ConfigError
from gemini_realtime.evaluation.files import JsonLines, JUnit, Sink, read_results, taken_over, to_json_line
from gemini_realtime.evaluation.page import page
from gemini_realtime.evaluation.record import CallRecord, CallResult, Judgement, ToolRecord, TurnRecord, Verdict
from gemini_realtime.evaluation.summary import Tally

RECORD = CallRecord(
    turns=[TurnRecord("caller", "A table <for> two.", 0.5), TurnRecord("agent", "Hm\x00", 1.5, interrupted=True)],
    tools=[ToolRecord("book", {"guests": 2}, {"output": "yes"}, 0.1)],
    answered_after_s=[0.5],
)
RESULTS = [
    CallResult(
        "a table",
        0,
        [Verdict("says yes", True)],
        RECORD,
        [
            Judgement("It is <polite>.", [True, False, True], ["It thanks.", "It hums.", "It asks."]),
            Judgement("It is brief.", missing="the judge did not answer"),
        ],
        took_s=0.1,
    ),
    CallResult("a table", 1, [Verdict("says yes", False, "it said 'Hm\x00'")], RECORD, took_s=0.1),
    CallResult("a crash", 0, error="the agent raised KeyError('x')"),
]


def written(sink: Sink, results: Iterable[CallResult] = RESULTS) -> None:
    for result in results:
        sink.add(result)
    sink.close()


def parts(folder: Path, *, resume: bool = False) -> Sink:
    """A folder of Parquet."""
    pytest.importorskip("pyarrow", reason="the extra [parquet] is not installed")
    from gemini_realtime.evaluation.parquet import ParquetParts

    return ParquetParts(folder, resume=resume)


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    written(JsonLines(tmp_path / "results.jsonl"))
    assert list(read_results(tmp_path / "results.jsonl")) == RESULTS


def test_words_with_separators_of_lines_stay_on_one_line(tmp_path: Path) -> None:
    odd = CallResult("odd", 0, error="one\u2028two\u0085three\x0bfour")
    written(JsonLines(tmp_path / "results.jsonl"), [odd])
    assert list(read_results(tmp_path / "results.jsonl")) == [odd]


def test_a_file_that_holds_no_results_says_which_line(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text(to_json_line(RESULTS[0]) + "\n{}\n", "utf-8")
    with pytest.raises(ConfigError, match=r"results\.jsonl:2: this is no result"):
        list(read_results(path))


def test_a_run_goes_on_behind_a_line_at_which_it_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    torn = to_json_line(RESULTS[1])[:40]
    path.write_text(to_json_line(RESULTS[0]) + "\n" + torn, "utf-8")
    assert list(read_results(path)) == RESULTS[:1]
    written(JsonLines(path, resume=True), RESULTS[1:])
    assert list(read_results(path)) == RESULTS


def test_junit_tells_failures_from_errors(tmp_path: Path) -> None:
    path = tmp_path / "results.xml"
    written(JUnit(path, "bookings"), reversed(RESULTS))
    root = ElementTree.parse(path).getroot()
    assert [root.get(name) for name in ("tests", "failures", "errors")] == ["3", "1", "1"]
    assert [case.get("name") for case in root] == ["a crash [seed 0]", "a table [seed 0]", "a table [seed 1]"]
    failure = root.find("testcase/failure")
    assert failure is not None
    assert "A table <for> two." in (failure.text or "")
    assert (root.findtext("testcase/system-out") or "").splitlines() == [
        "judge: It is <polite>.: holds (2 of 3): It thanks.",
        "judge: It is brief.: no verdict: the judge did not answer",
    ]


def test_parquet_holds_all_of_a_call_in_a_row(tmp_path: Path) -> None:
    written(parts(tmp_path / "calls"))
    dataset = pytest.importorskip("pyarrow.dataset")
    rows = dataset.dataset(tmp_path / "calls").to_table().to_pylist()
    assert [(row["scene"], row["seed"], row["passed"]) for row in rows] == [
        ("a table", 0, True),
        ("a table", 1, False),
        ("a crash", 0, False),
    ]
    assert rows[0]["tools"][0]["arguments"] == '{"guests": 2}'
    assert list(read_results(tmp_path / "calls")) == RESULTS


def test_parquet_can_be_read_while_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = parts(tmp_path)
    monkeypatch.setattr("gemini_realtime.evaluation.parquet.ROWS_MAX", 2)
    for result in RESULTS:
        sink.add(result)
    assert list(read_results(tmp_path)) == RESULTS[:2]
    (tmp_path / ".part-00001.parquet").write_bytes(b"of a process that was killed")
    written(parts(tmp_path, resume=True), RESULTS[2:])
    assert list(read_results(tmp_path)) == RESULTS


def test_a_new_run_replaces_the_parquet_of_the_last_one(tmp_path: Path) -> None:
    written(parts(tmp_path))
    written(parts(tmp_path), RESULTS[:1])
    assert list(read_results(tmp_path)) == RESULTS[:1]


def test_files_that_go_on_give_each_other_what_they_lack(tmp_path: Path) -> None:
    written(JsonLines(tmp_path / "a.jsonl"), RESULTS[:2])
    written(parts(tmp_path / "b"), RESULTS[1:])
    sinks = [JsonLines(tmp_path / "a.jsonl", resume=True), parts(tmp_path / "b", resume=True)]
    assert list(taken_over(sinks)) == RESULTS
    for sink in sinks:
        sink.close()
    assert {(result.scene, result.seed) for result in read_results(tmp_path / "b")} == {
        (result.scene, result.seed) for result in read_results(tmp_path / "a.jsonl")
    }


def test_the_page_shows_failures_first_and_nothing_of_it_is_markup() -> None:
    html = page("bookings", Tally.of(RESULTS), lambda call: f"evaluate --scene '{call.scene}' --seed {call.seed}")
    assert html.index("a crash") < html.index("a table")
    assert "A table &lt;for&gt; two." in html
    assert "evaluate --scene &#x27;a table&#x27; --seed 1" in html
    assert "http" not in html


def test_the_page_tells_what_a_judge_says_and_how_to_repeat_a_persona() -> None:
    record = CallRecord([TurnRecord("caller", "<Quick>!")], improvised=["<Quick>!"])
    html = page("bookings", Tally.of([*RESULTS, CallResult("a persona", 0, [Verdict("says yes", False)], record)]))
    assert "holds in 1 of 1 call<" in html
    assert "its votes agree in 33%" in html
    assert "no verdict on 1: the judge did not answer" in html
    assert "It is &lt;polite&gt;." in html
    assert "caller:\n  - says: &quot;&lt;Quick&gt;!&quot;" in html
