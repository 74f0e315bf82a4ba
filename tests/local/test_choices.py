"""Minds, ears and voices by name."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from gemini_realtime.errors import ConfigError, MissingDependencyError
from gemini_realtime.local import choices as choices_module
from gemini_realtime.local.choices import hearing_named, responder_named, speaking_named
from gemini_realtime.local.responders.chat import Chat
from gemini_realtime.local.responders.echo import Echo
from gemini_realtime.local.responders.replay import Replay
from gemini_realtime.local.responders.rules import Rules
from gemini_realtime.local.responders.script import Script
from gemini_realtime.local.speech.defaults import DefaultHearing, DefaultSpeaking
from gemini_realtime.local.speech.hearing_pocketsphinx import PocketsphinxHearing
from gemini_realtime.local.speech.hearing_whisper import WhisperHearing
from gemini_realtime.local.speech.speaking_espeak import EspeakSpeaking
from gemini_realtime.local.speech.speaking_hibari import HibariSpeaking
from gemini_realtime.local.thinking import Responder


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")
    monkeypatch.delenv("OPENAI_MODEL", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def test_rules_echo_and_replay_are_chosen_by_name(tmp_path: Path) -> None:
    recording = tmp_path / "call.jsonl"
    recording.write_text(json.dumps({"from": "client", "frame": {"setup": {}}}))
    assert isinstance(responder_named("rules"), Rules)
    assert isinstance(responder_named(f"replay:{recording}"), Replay)
    echo = responder_named("echo")
    assert isinstance(echo, Echo)
    assert heard_by(echo) is None


def test_a_script_is_chosen_by_its_file(tmp_path: Path) -> None:
    pytest.importorskip("ruamel.yaml", reason="the extra [script]")
    script = tmp_path / "a:b.yaml"
    script.write_text("replies: [{when: any, then: [say: Hi.]}]")
    assert isinstance(responder_named(f"script:{script}"), Script)


def heard_by(responder: Responder) -> str | None:
    return responder.grammar([])


@pytest.mark.parametrize(
    ("text", "model", "url"),
    [
        ("chat:llama3.2", "llama3.2", "https://api.openai.com/v1/"),
        ("chat:qwen3:8b@http://127.0.0.1:11434/v1", "qwen3:8b", "http://127.0.0.1:11434/v1/"),
        ("chat:@cf/meta/llama@https://example.org/v1", "@cf/meta/llama", "https://example.org/v1/"),
        ("chat:@http://127.0.0.1:1/v1", "from-environment", "http://127.0.0.1:1/v1/"),
        ("chat", "from-environment", "https://api.openai.com/v1/"),
    ],
)
def test_chat_may_be_told_its_model_and_its_endpoint(
    text: str, model: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openai", reason="the extra [chat]")
    monkeypatch.setenv("OPENAI_MODEL", "from-environment")
    chat = responder_named(text)
    assert isinstance(chat, Chat)
    assert heard_by(chat) is None
    assert (chat._endpoint.model, str(chat._endpoint._client.base_url)) == (model, url)


def test_every_hearing_and_voice_has_a_name() -> None:
    assert isinstance(hearing_named("best"), DefaultHearing)
    assert isinstance(speaking_named("best"), DefaultSpeaking)
    assert isinstance(hearing_named("pocketsphinx"), PocketsphinxHearing)
    assert isinstance(hearing_named("whisper"), WhisperHearing)
    assert isinstance(speaking_named("espeak"), EspeakSpeaking)
    assert isinstance(speaking_named("hibari"), HibariSpeaking)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("parrot", "there is no responder 'parrot' → choose one of rules, echo, chat[:MODEL[@URL]], script:FILE"),
        ("", "there is no responder ''"),
        ("rules:strict", "'rules:strict' is not how to choose rules → write rules"),
        ("script", "'script' is not how to choose script → write script:FILE"),
        ("replay:", "'replay:' is not how to choose replay → write replay:FILE"),
    ],
)  # fmt: skip
def test_what_cannot_be_chosen_is_refused_with_what_can(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as raised:
        responder_named(text)
    assert complaint in str(raised.value)


def test_ears_and_voices_that_are_not_there_are_refused_too() -> None:
    with pytest.raises(ConfigError, match=r"choose one of best, whisper\[:MODEL\], pocketsphinx"):
        hearing_named("vosk")
    with pytest.raises(ConfigError, match="choose one of best, hibari, espeak, piper:FILE"):
        speaking_named("say")
    with pytest.raises(ConfigError, match="write piper:FILE"):
        speaking_named("piper")


def test_what_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for module in ("openai", "piper"):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"gemini-realtime\[chat\]"):
        responder_named("chat:m")
    with pytest.raises(MissingDependencyError, match=r"gemini-realtime\[local\]"):
        hearing_named("whisper")
    with pytest.raises(MissingDependencyError, match=r"gemini-realtime\[espeak\]"):
        speaking_named("espeak")
    with pytest.raises(MissingDependencyError, match=r"gemini-realtime\[piper\]"):
        speaking_named(f"piper:{tmp_path}/voice.onnx")


def test_every_choice_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "responders.md").read_text("utf-8")
    for choices in (choices_module._RESPONDERS, choices_module._HEARINGS, choices_module._SPEAKINGS):
        assert [choice.written for choice in choices.values() if f"| `{choice.written}` |" not in page] == []


def test_nothing_is_imported_for_what_is_not_chosen() -> None:
    code = (
        "import sys; from gemini_realtime.local import choices; choices.responder_named('rules'); print(*sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"openai", "ruamel", "ctranslate2", "hibari", "piper", "numpy"} & {
        m.split(".")[0] for m in run.stdout.split()
    }
