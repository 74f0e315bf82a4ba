from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from gemini_realtime.errors import ConfigError
from gemini_realtime.evaluation.files import read_results, to_json_line, write_junit, write_parquet
from gemini_realtime.evaluation.page import page
from gemini_realtime.evaluation.record import CallRecord, CallResult, ToolRecord, TurnRecord, Verdict

RECORD = CallRecord(
    turns=[TurnRecord("caller", "A table <for> two.", 0.5), TurnRecord("agent", "Hm\x00", 1.5, interrupted=True)],
    tools=[ToolRecord("book", {"guests": 2}, {"output": "yes"}, 0.1)],
    answered_after_s=[0.5],
)
RESULTS = [
    CallResult("a table", 0, [Verdict("says yes", True)], RECORD, took_s=0.1),
    CallResult("a table", 1, [Verdict("says yes", False, "it said 'Hm\x00'")], RECORD, took_s=0.1),
    CallResult("a crash", 0, error="the agent raised KeyError('x')"),
]


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text("".join(to_json_line(result) + "\n" for result in RESULTS), "utf-8")
    assert read_results(path) == RESULTS


def test_a_file_that_holds_no_results_says_which_line(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text(to_json_line(RESULTS[0]) + "\n{}\n", "utf-8")
    with pytest.raises(ConfigError, match=r"results\.jsonl:2: this is no result"):
        read_results(path)


def test_junit_tells_failures_from_errors(tmp_path: Path) -> None:
    path = tmp_path / "results.xml"
    write_junit(path, "bookings", RESULTS)
    root = ElementTree.parse(path).getroot()
    assert [root.get(name) for name in ("tests", "failures", "errors")] == ["3", "1", "1"]
    failure = root.find("testcase/failure")
    assert failure is not None
    assert "A table <for> two." in (failure.text or "")


def test_parquet_holds_a_row_for_each_call(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra [parquet] is not installed")
    write_parquet(tmp_path / "results.parquet", RESULTS)
    rows = parquet.read_table(tmp_path / "results.parquet").to_pylist()
    assert [(row["scene"], row["seed"], row["passed"]) for row in rows] == [
        ("a table", 0, True),
        ("a table", 1, False),
        ("a crash", 0, False),
    ]
    assert rows[0]["tools"] == ["book"]


def test_the_page_shows_failures_first_and_nothing_of_it_is_markup() -> None:
    html = page("bookings", RESULTS, "gemini-realtime evaluate suite.yaml")
    assert html.index("a crash") < html.index("a table")
    assert "A table &lt;for&gt; two." in html
    assert "gemini-realtime evaluate suite.yaml --scene &#x27;a table&#x27; --seed 1" in html
    assert "http" not in html
