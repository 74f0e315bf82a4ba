"""The benchmark works and counts what it says; how fast anything is, is not for a test to say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from bench import aims, density
from bench.contestants import AG2, FLOOR, LEAST, OURS
from bench.report import Result, Series, agree, table

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_quick_run_answers_every_question_about_this_package() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.run", "--quick", "--here"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    *of_clients, of_the_server = done.stdout.split("## ")[1:]
    assert len(of_clients) == 10
    for section in of_clients:
        assert "\n| gemini-realtime | " in section
    assert "\n| 1 × typed | " in of_the_server
    assert "\n| 1 × microphone, quiet room | " in of_the_server


def test_a_table_shows_median_range_and_how_many_times_ours_in_the_same_round() -> None:
    series = Series("", ["ours", "theirs"], {"theirs": "ours"})
    for ours, theirs in [(1.0, 5.0), (2.0, 8.0), (4.0, 24.0)]:
        series.add("ours", {"µs": ours})
        series.add("theirs", {"µs": theirs})
    assert table(series).splitlines() == [
        "|  | µs |",
        "| --- | ---: |",
        "| ours | 2 (1–4) |",
        "| theirs | 8 (5–24) = **5×** (4–6) |",
    ]


def test_two_runs_agree_where_the_median_of_one_lies_in_the_range_of_the_other() -> None:
    assert agree([1.0, 2.0, 3.0], [2.5, 2.6, 9.0])
    assert agree([2.5, 2.6, 9.0], [1.0, 2.0, 3.0])
    assert agree([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]) is False
    assert agree([1.0, 1.5, 6.0], [2.0, 7.0, 8.0]) is False
    assert agree([2.0], [1.0, 2.0]) is None, "one round has no range"


def test_an_aim_says_what_came_whether_a_second_run_agrees_and_what_is_possible() -> None:
    def talked(ag2: list[float]) -> dict[str, Result]:
        series = Series(f"60 {density.PLAIN}", [FLOOR, LEAST, OURS, AG2], {AG2: OURS})
        for of_ag2 in ag2:
            for name, cpu_ms in {FLOOR: 2.0, LEAST: 2.5, OURS: 3.0, AG2: of_ag2}.items():
                series.add(name, {density.CPU: cpu_ms})
        return {"density": Result([series], {}, {})}

    page = aims.section(talked([4.5, 6.0]), talked([5.0, 5.1]))
    assert "| AG2 ÷ `read_events` | 1.85 or more | 1.75 (1.5–2), **missed** | 1.68 (1.67–1.7) | yes | 2.1 |" in page
    assert "| `read_events` ÷ picows alone | 1.5 at most | 1.5 | 1.5 | yes | 1.25 |" in page
    assert "google-genai" not in page, "it was not measured"
