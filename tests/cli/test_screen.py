from __future__ import annotations

import json
import re
from io import StringIO
from types import SimpleNamespace

import pytest
from rich.console import Console

from gemini_realtime import (
    AudioDelta,
    AudioDropped,
    ConnectionLost,
    FunctionCall,
    FunctionResult,
    InputAudioBufferDelta,
    InputTranscript,
    Interrupted,
    OutputTranscript,
    RealtimeEvent,
    ReplayedItem,
    SessionCreated,
    SessionResumed,
    TurnComplete,
    Usage,
)
from gemini_realtime.cli import printable
from gemini_realtime.cli.screen import JsonScreen, Screen, TerminalScreen

CONVERSATION: list[RealtimeEvent] = [
    SessionCreated(),
    InputTranscript(text=" What is"),
    InputTranscript(text=" the weather?"),
    FunctionCall(name="get_weather", arguments={"city": "London"}, call_id="1"),
    AudioDelta(delta="AAAA"),
    OutputTranscript(text="It is "),
    OutputTranscript(text="raining."),
    TurnComplete(usage=Usage(total_tokens=7)),
]


def shown(*events: RealtimeEvent) -> list[str]:
    output = StringIO()
    with Screen(Console(file=output, width=40)) as screen:
        for event in events:
            screen.show(event, 0)
    return output.getvalue().splitlines()


def printed(capsys: pytest.CaptureFixture[str], *events: RealtimeEvent, audio: bool = False) -> list[dict[str, object]]:
    with JsonScreen(Console(stderr=True), audio=audio) as screen:
        for event in events:
            screen.show(event, 12.345)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_everybody_gets_a_line_of_their_own() -> None:
    assert shown(*CONVERSATION) == ["You: What is the weather?", "Gemini: It is raining."]


def test_what_is_said_cannot_command_the_terminal() -> None:
    said = OutputTranscript(text="\x1b]0;mine\x07 na\u200dïve\x9b2J")
    assert shown(said) == ["Gemini: \ufffd]0;mine\ufffd na\u200dïve\ufffd2J"]
    assert printable("\x1b[2J\tone\ntwo") == "\ufffd[2J\tone\ntwo"


def test_a_line_in_a_file_is_not_wrapped() -> None:
    assert shown(OutputTranscript(text="word " * 50)) == ["Gemini: " + " ".join(["word"] * 50)]


def test_an_interruption_is_marked_and_what_comes_then_is_said_anew() -> None:
    assert shown(
        InputTranscript(text="Tell me a story."),
        OutputTranscript(text="Once there was"),
        Interrupted(),
        InputTranscript(text="Stop."),
        OutputTranscript(text="All right."),
        TurnComplete(),
    ) == ["You: Tell me a story.", "Gemini: Once there was [interrupted]", "You: Stop.", "Gemini: All right."]


def test_a_loss_is_told_after_what_was_said_before_it() -> None:
    assert shown(
        OutputTranscript(text="It is raining."),
        ConnectionLost(code=1006),
        SessionResumed(gap_ms=280),
        AudioDropped(duration_ms=1500, reason="the network did not take it in time"),
    ) == [
        "Gemini: It is raining.",
        "The connection was lost (1006): coming back.",
        "Back after 280 ms.",
        "1.5 s of what you said were lost: the network did not take it in time.",
    ]


def test_what_somebody_says_is_never_taken_for_markup() -> None:
    assert shown(OutputTranscript(text="[bold]x[/] [red")) == ["Gemini: [bold]x[/] [red"]


def test_a_call_shows_its_arguments_its_result_and_that_it_is_a_demonstration() -> None:
    call = FunctionCall(name="f", arguments={"a": 1, "b": "x"}, call_id="1")
    assert shown(call, FunctionResult(name="f", call_id="1", result={"output": "fine"})) == [
        "tool: f(a=1, b='x') → 'fine' (demo data)"
    ]
    assert shown(call, FunctionResult(name="f", call_id="1", result={"error": "no"})) == [
        "tool: f(a=1, b='x') → {'error': 'no'} (demo data)"
    ]


def test_a_terminal_shows_words_before_their_line_is_finished() -> None:
    output = StringIO()
    console = Console(file=output, force_terminal=True, width=60, _environ={})
    with TerminalScreen(console) as screen:
        screen.waiting("Listening")
        screen.show(InputTranscript(text="What is"), 0)
        console.print(screen._unfinished())
        unfinished = output.getvalue()
        screen.summary([("tokens", "5")])
    assert "What is" in unfinished
    assert "Listening" in unfinished


def test_a_terminal_shows_how_loud_both_sides_are() -> None:
    device = SimpleNamespace(microphone_db=-30.0, loudspeaker_db=-90.0)
    output = StringIO()
    console = Console(file=output, force_terminal=True, width=60, _environ={}, no_color=True)
    with TerminalScreen(console) as screen:
        screen.levels(device)  # type: ignore[arg-type]
        console.print(screen._unfinished())
    assert "You ▮▮▮▮▮▮▯▯▯▯▯▯  Gemini ▯▯▯▯▯▯▯▯▯▯▯▯" in re.sub(r"\x1b\[[0-9;?]*\w", "", output.getvalue())


def test_json_is_one_object_per_event(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, *CONVERSATION)
    assert [line["type"] for line in lines] == [event.type for event in CONVERSATION]
    assert {line["t_ms"] for line in lines} == {12.3}
    assert lines[4] == {
        "type": "response.audio.delta", "item_id": None, "rate_hz": 24000, "stale": False, "audio_bytes": 3,
        "t_ms": 12.3,
    }  # fmt: skip
    assert isinstance(usage := lines[7]["usage"], dict)
    assert usage["total_tokens"] == 7


def test_json_tells_what_was_sent_again(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = printed(capsys, SessionResumed(gap_ms=1, replayed=1, items=[ReplayedItem(kind="text", text="hi")]))
    assert line["items"] == [{"kind": "text", "text": "hi", "start_ms": 0, "duration_ms": 0, "uncertain": False}]


def test_json_holds_audio_only_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    audio = [AudioDelta(delta="AAAA"), InputAudioBufferDelta(delta="BBBB")]
    assert [line.get("delta") for line in printed(capsys, *audio)] == [None]
    assert [line.get("delta") for line in printed(capsys, *audio, audio=True)] == ["AAAA", "BBBB"]


def test_json_keeps_what_is_for_people_off_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    with JsonScreen(Console(stderr=True), audio=False) as screen:
        screen.note("Talking to somebody.")
        screen.said("You", "Hello?")
        screen.summary([("tokens", "5")])
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Talking to somebody." in captured.err
