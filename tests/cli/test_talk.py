"""`gemini-realtime talk` with the embedded server: spoken, heard and answered for real."""

from __future__ import annotations

import json
import signal
import sys
import wave
from array import array
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from gemini_realtime.cli import main, talk
from gemini_realtime.cli.options.talk import TalkOptions
from gemini_realtime.cli.screen import Screen
from tests.cli.strangers import SAMPLES, TIMEOUT_S, run, start
from tests.sound_card import virtual_sound_card

pytest.importorskip("ctranslate2", reason="the embedded server hears and speaks with the extra [local]")


def frames_of(path: Path) -> tuple[array[int], int, int]:
    """Samples, channels and rate of a wave file."""
    with wave.open(str(path)) as reader:
        return array("h", reader.readframes(reader.getnframes())), reader.getnchannels(), reader.getframerate()


def text_of(events: list[dict[str, Any]], kind: str) -> str:
    return "".join(event["text"] for event in events if event["type"] == kind).strip()


def test_devices_are_listed_and_chosen_by_name() -> None:
    with virtual_sound_card() as card:
        environment = {name: card.environment[name] for name in ("PULSE_SERVER", "XDG_RUNTIME_DIR")}
        listed = run("devices", **environment)
        refused = run("talk", "--microphone", "no such", **environment)
    assert listed.returncode == 0, listed.stderr
    assert [line for line in listed.stdout.splitlines() if not line.startswith("  ")] == ["microphones", "loudspeakers"]
    assert listed.stdout.count("* ") == 2
    assert refused.returncode == 2
    assert "no device is called 'no such' among those that can be the microphone" in refused.stderr


def test_a_spoken_question_is_heard_and_answered_and_both_are_kept(tmp_path: Path) -> None:
    question, answer, both = SAMPLES / "weather.wav", tmp_path / "answer.wav", tmp_path / "both.wav"
    done = run("talk", "--json", "--input", question, "--output", answer, "--record", both, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]

    assert events[0]["type"] == "session.created"
    assert "response.done" in [event["type"] for event in events]
    assert [event["t_ms"] for event in events] == sorted(event["t_ms"] for event in events)
    assert not [event for event in events if event["type"] == "input_audio_buffer.delta" or "delta" in event]

    assert "weather" in text_of(events, "input_audio_transcription.delta").lower()
    (call,) = [event for event in events if event["type"] == "response.function_call_arguments.done"]
    assert (call["name"], call["arguments"]) == ("get_weather", {"city": "London"})
    assert "raining" in text_of(events, "response.audio_transcript.delta")

    said, channels, rate_hz = frames_of(answer)
    audio = [event for event in events if event["type"] == "response.audio.delta"]
    assert (channels, rate_hz) == (1, 24_000)
    assert len(said) * 2 == sum(event["audio_bytes"] for event in audio)
    assert max(said) > 2_000

    sides, channels, rate_hz = frames_of(both)
    you, gemini = sides[::2], sides[1::2]
    answered_at = int(audio[0]["t_ms"] * 24)
    assert (channels, rate_hz) == (2, 24_000)
    assert max(you[:answered_at]) > 2_000
    assert not any(gemini[:answered_at])
    assert said.tobytes() in gemini.tobytes()

    assert "end of speech → first audio" in done.stderr
    assert sorted(tmp_path.iterdir()) == [answer, both]


def test_a_typed_question_is_answered_in_lines_for_people(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(talk, "default_devices", lambda: (None, None))
    monkeypatch.setattr(sys, "argv", ["gemini-realtime", "talk", "--say", "What is the weather in Paris?"])
    monkeypatch.chdir(tmp_path)
    for name in talk.KEY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit) as exit:
        main()
    assert exit.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "No GEMINI_API_KEY: talking to the embedded Live server, on this machine.",
        "You: What is the weather in Paris?",
        "tool: get_weather(city='Paris') → 'In Paris it is sunny with 19 degrees.' (demo data)",
        "Gemini: In Paris it is sunny with 19 degrees.",
    ]
    assert [line.split("  ")[0] for line in lines[4:]] == [
        "question sent → first audio", "connection, session", "tokens", "recording"
    ]  # fmt: skip
    assert (tmp_path / "conversation.wav").is_file()


def test_ctrl_c_ends_it_with_130_and_keeps_what_was_heard(tmp_path: Path) -> None:
    recording = tmp_path / "story.wav"
    process = start("talk", "--json", "--say", "Tell me a long story", "--record", recording)
    try:
        assert process.stdout is not None
        received_bytes = 0
        for line in process.stdout:
            received_bytes += json.loads(line).get("audio_bytes", 0)
            if received_bytes > 48_000 * 5:
                break
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=TIMEOUT_S)
    finally:
        process.kill()
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert max(frames_of(recording)[0][1::2]) > 2_000  # Gemini's side


def test_a_key_in_the_environment_is_used_and_never_shown(tmp_path: Path) -> None:
    key = "AIza-not-a-real-key"
    # Nobody listens there: the attempt fails before anything is sent.
    done = run("talk", "--json", "--say", "hello", "--url", "wss://127.0.0.1:1", cwd=tmp_path, GEMINI_API_KEY=key)
    assert done.returncode == 1
    assert key not in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []  # no recording of a conversation that never began


def test_a_key_in_the_url_is_never_shown(tmp_path: Path) -> None:
    key = "AIza-not-a-real-key"
    url = f"ws://user:{key}@127.0.0.1:1/live?key={key}&alt={key}#{key}"
    done = run("talk", "--say", "hello", "--url", url, cwd=tmp_path)
    assert "Talking to ws://127.0.0.1:1/live." in done.stdout
    assert key not in done.stdout + done.stderr


def test_the_default_recording_takes_no_name_that_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    options = TalkOptions(say="hello")
    names = []
    screen = Screen(Console())
    for _ in range(3):
        path = talk._sound_file(options, None, screen)
        assert path is not None
        path.touch()
        names.append(str(path))
    assert names == ["conversation.wav", "conversation-2.wav", "conversation-3.wav"]


def test_where_nothing_can_be_written_the_conversation_is_held_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    assert talk._sound_file(TalkOptions(say="hello"), None, Screen(Console())) is None
    assert "The conversation is not kept: 'conversation.wav' cannot be written: No such file" in capsys.readouterr().out
