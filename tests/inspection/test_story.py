"""A recording, read as the story of a conversation, and its numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gemini_realtime.errors import ConfigError
from gemini_realtime.inspection.story import Story, read_story
from gemini_realtime.inspection.summary import clock, lines, spread, summary
from tests.inspection.calls import (
    answer,
    call,
    client,
    complete,
    event,
    heard,
    server,
    setup,
    spoken,
    write,
)


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return read_story(write(tmp_path / "call", call()))


def test_turns_are_told_with_what_was_said_and_when(story: Story) -> None:
    told = [(one.turn.role, one.turn.said.strip(), one.begin_ms, one.end_ms) for one in story.spoken]
    assert told == [
        ("user", "what is the weather?", 1000, 1980),
        ("assistant", "It rains in London.", 3000, 4000),
        ("user", "a story", 5000, 5480),
        ("assistant", "Once upon a time there was a king.", 6000, 7400),
        ("user", "", 7000, 7580),
        ("assistant", "Stopped.", 9500, 10500),
    ]


def test_words_lie_where_they_were_said_and_those_cut_off_are_known(story: Story) -> None:
    words = story.spoken[3].words
    assert [word.text for word in words if word.heard] == ["Once", "upon"]
    assert words[0].begin_ms == pytest.approx(6200)
    assert [word.begin_ms for word in words] == sorted(word.begin_ms for word in words)
    assert all(word.heard for word in story.spoken[1].words)


def test_numbers_are_those_of_the_log(story: Story) -> None:
    of = summary(story)
    assert of["turns"] == {"user": 3, "model": 3}
    assert of["latency_ms"]["first_audio"]["p50"] == 1020
    assert of["latency_ms"]["transcript"]["p50"] == pytest.approx(270)
    assert of["tools"] | {"took_ms": None} == {
        "count": 1, "failed": 0, "cancelled": 0, "unanswered": 0, "took_ms": None
    }  # fmt: skip
    assert of["tools"]["took_ms"] == {"p50": 500, "p95": 500, "count": 1}
    assert of["tokens"] == {"input": 200, "output": 100}
    assert of["cost_usd"] == pytest.approx(2 * (100 * 3 + 50 * 12) / 1_000_000)


def test_an_interruption_is_told_with_how_fast_it_was_noticed_and_silenced(story: Story) -> None:
    assert [(cut.at_ms, cut.after_ms, cut.silenced_ms) for cut in story.interruptions] == [(7400, 400, 30)]


def test_a_loss_is_told_with_what_came_of_it(story: Story) -> None:
    of = summary(story)["connections"]
    assert of == {
        "count": 2, "broken": 1, "resumed": 1, "gap_ms": {"p50": 150, "p95": 150, "count": 1}, "new_sessions": 0,
        "sent_again": 3, "uncertain": 1, "audio_dropped_ms": 0,
    }  # fmt: skip
    assert [(mark.kind, mark.name) for mark in story.marks] == [("fault", "connection lost"), ("recovery", "resumed")]


def test_audio_that_is_sent_again_was_said_once(story: Story) -> None:
    assert not [one for one in story.spoken if one.turn.role == "user" and one.begin_ms > 9000]


def test_what_a_server_recorded_tells_of_losses_too(tmp_path: Path) -> None:
    story = read_story(write(tmp_path / "call", call(side="server"), side="server"))
    of = summary(story)["connections"]
    assert (of["broken"], of["resumed"], of["gap_ms"]["p50"], of["sent_again"]) == (1, 1, 150, None)
    assert [mark.name for mark in story.marks] == ["connection lost", "resumes"]


FINDING = event(3000, "session.voice_health", finding="no_answer", detail="20 s", action="none")


@pytest.mark.parametrize(
    ("line", "mark"),
    [
        (FINDING, ("fault", "no_answer", "20 s; none")),
        (event(3000, "input_audio_buffer.dropped", duration_ms=70, reason="stalled"), ("fault", "audio dropped", "70")),
        (server(3000, {"goAway": {"timeLeft": "5s"}}), ("notice", "goAway", "5 s left")),
        (server(3000, {"error": {"code": 8, "message": "no quota"}}), ("fault", "error", "8 no quota")),
        (server(3000, {"toolCallCancellation": {"ids": ["c7"]}}), ("notice", "calls cancelled", "c7")),
        (event(3000, "session.reconnecting", attempt=2, wait_ms=500, reason="503"), ("notice", "reconnecting", "503")),
        (event(3000, "input_dtmf.digit", digit="5"), ("notice", "key 5", "")),
    ],
)
def test_what_happens_to_a_conversation_is_marked(line: Any, mark: tuple[str, str, str], tmp_path: Path) -> None:
    (told,) = read_story(write(tmp_path / "call", [setup(), line])).marks
    assert (told.kind, told.name, told.at_ms) == (*mark[:2], 3000)
    assert mark[2] in told.detail


@pytest.mark.parametrize(
    "line",
    [
        server(1, {}),
        server(1, {"serverContent": {"modelTurn": 3}}),
        server(1, {"toolCall": {"functionCalls": [{"name": "f"}]}}),
        client(1, {"setup": None}),
        client(1, {"next": "year"}),
        client(1, {"realtimeInput": {"audio": {}}}),
        client(1, {"realtimeInput": {"mediaChunks": [{"mimeType": "audio/x", "data": "?"}]}}),
        client(1, {"toolResponse": {"functionResponses": [{"id": "who", "response": 3}]}}),
        event(1, "session.resumed", gap_ms="soon"),
        event(1, "of next year"),
        {"ms": 1, "connection": 9, "opened": True},
        {"ms": 1, "connection": 7, "closed": {"code": 4000}},
    ],
)
def test_odd_lines_cost_nothing_else(line: Any, tmp_path: Path) -> None:
    story = read_story(write(tmp_path / "call", [setup(), line, *answer(100, "Hello."), complete(1100)]))
    assert "Hello." in [one.turn.said for one in story.spoken]
    assert dict(lines(summary(story)))


def test_a_file_of_frames_alone_is_read_too(tmp_path: Path) -> None:
    folder = write(tmp_path / "call", [setup(), *spoken(0, 500), heard(700, "hi"), *answer(900, "Yes.")], side=None)
    story = read_story(folder / "frames.jsonl")
    assert [one.turn.said for one in story.spoken] == ["hi", "Yes."]
    assert summary(story)["side"] is None


def test_written_questions_are_turns(tmp_path: Path) -> None:
    content = {"turns": [{"role": "user", "parts": [{"text": "two?"}]}], "turnComplete": True}
    story = read_story(
        write(
            tmp_path / "call",
            [
                setup(),
                client(10, {"realtimeInput": {"text": "one?"}}),
                *answer(100, "One."),
                complete(1100),
                client(1200, {"clientContent": content}),
                *answer(1500, "Two."),
            ],
        )
    )
    assert [(one.turn.role, one.turn.said) for one in story.spoken] == [
        ("user", "one?"), ("assistant", "One."), ("user", "two?"), ("assistant", "Two.")
    ]  # fmt: skip
    assert story.spoken[3].turn.first_audio_ms == pytest.approx(300)


def test_a_recording_without_frames_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is empty"):
        read_story(write(tmp_path / "call", [{"ms": 0, "opened": True}]))


def test_a_folder_without_a_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no recording"):
        read_story(tmp_path)


def test_of_several_recordings_the_newest_is_meant(tmp_path: Path) -> None:
    write(tmp_path / "20260101T000000-1", [setup()])
    write(tmp_path / "20260102T000000-1", call())
    assert read_story(tmp_path).recording.path.name == "20260102T000000-1"


def test_the_numbers_are_printed_in_words(story: Story) -> None:
    told = dict(lines(summary(story)))
    assert told["turns"] == "3 of the user, 3 of the model"
    assert told["connections"] == "2, 1 broken, 1 resumed, gap 150 ms, 3 sent again, 1 uncertain"
    assert told["fault at 0:09.0"] == "connection lost 1006"
    assert told["tools"] == "1 calls, 500 ms"


def test_percentiles_are_those_of_what_was_measured() -> None:
    assert spread([None]) is None
    assert spread([5.0, None]) == {"p50": 5.0, "p95": 5.0, "count": 1}
    assert spread(float(value) for value in range(101)) == {"p50": 50.0, "p95": 95.0, "count": 101}


def test_times_are_written_as_clocks_show_them() -> None:
    assert [clock(ms) for ms in (0, 59_960, 61_234, 3_661_000)] == ["0:00.0", "1:00.0", "1:01.2", "1:01:01.0"]
