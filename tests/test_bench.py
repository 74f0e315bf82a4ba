"""The benchmark works and counts what it says; how fast anything is, is not for a test to say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from bench.report import Series, agree, table

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_quick_run_answers_every_question_about_this_package() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.run", "--quick"],
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
