from __future__ import annotations

import asyncio

import pytest

from gemini_realtime import ConfigError
from gemini_realtime.cli import doctor
from gemini_realtime.cli.talk import KEY_VARIABLES

NEEDED = ("local", "pocketsphinx", "espeak")
"""Extras of which the embedded server needs the first, or the others."""

KEY = "AIza-not-a-real-key"


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with sound, without a key and without a way to the service."""
    for name in KEY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(doctor, "default_devices", lambda: ("Webcam", "Headphones"))
    monkeypatch.setattr(
        doctor, "GEMINI", {"config_list": [{"model": "gemini-3.8-live", "base_url": "ws://127.0.0.1:1"}]}
    )


def lines(capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[str, str]]:
    """Verdict and detail of each check, by its name."""
    found = {}
    for line in capsys.readouterr().out.splitlines():
        verdict, name, detail = line[:4].strip(), line[6:24].strip(), line[26:]
        found[name] = (verdict, detail)
    return found


def test_where_everything_is_there_all_is_fine(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ctranslate2", reason="the round trip hears and speaks with the extra [local]")
    assert asyncio.run(doctor.doctor())
    found = lines(capsys)
    assert found["Python"][0] == "ok"
    assert found["extra [local]"][0] == "ok"
    assert found["sound"] == ("ok", "microphone 'Webcam', loudspeaker 'Headphones'")
    assert "GEMINI_API_KEY" in found["key"][1]
    verdict, detail = found["spoken round trip"]
    assert verdict == "ok"
    assert "weather" in detail
    assert "raining" in detail


def test_without_the_embedded_server_and_a_key_there_is_no_conversation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "missing_packages", lambda extra: ["numpy"] if extra in NEEDED else [])
    assert not asyncio.run(doctor.doctor())
    found = lines(capsys)
    assert found["extra [local]"][0] == "note"
    assert found["embedded server"][0] == "FAIL"
    assert "pip install 'gemini-realtime[local]'" in found["embedded server"][1]


def test_a_service_out_of_reach_fails_and_the_key_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", KEY)
    monkeypatch.setattr(doctor, "missing_packages", lambda extra: ["numpy"] if extra in NEEDED else [])
    assert not asyncio.run(doctor.doctor())
    output = capsys.readouterr()
    assert KEY not in output.out + output.err
    assert "GOOGLE_API_KEY is set" in output.out
    assert "FAIL  handshake" in output.out
    assert "note  embedded server" in output.out  # with a key it is not needed


def test_what_keeps_the_sound_from_working_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_portaudio() -> tuple[str, str]:
        raise ConfigError("PortAudio is missing", remedy="apt install libportaudio2")

    monkeypatch.setattr(doctor, "default_devices", no_portaudio)
    monkeypatch.setattr(doctor, "missing_packages", lambda extra: [extra])
    asyncio.run(doctor.doctor())
    assert lines(capsys)["sound"] == ("note", "PortAudio is missing → apt install libportaudio2")
