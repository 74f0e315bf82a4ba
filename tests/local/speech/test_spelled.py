from __future__ import annotations

from gemini_realtime.audio.format import INPUT_FORMAT, OUTPUT_FORMAT
from gemini_realtime.local.speech.hearing import SpeechEnded, SpeechStarted
from gemini_realtime.local.speech.spelled import SpelledDetector, SpelledSpeaking, hum, spell, spelled_words
from gemini_realtime.protocol.messages import AutomaticActivityDetection

SENTENCE = "Güler's table, for two: 8 o'clock?"


def test_what_is_spelled_is_read_to_the_letter() -> None:
    assert " ".join(word.text for word in spelled_words(spell(SENTENCE))) == SENTENCE


def test_a_word_whose_letters_are_cut_off_is_not_heard() -> None:
    speech = spell("one two three")
    third = spelled_words(speech)[2]
    cut = speech[: INPUT_FORMAT.bytes_for_ms(third.begin_ms) + 6]
    assert [word.text for word in spelled_words(cut)] == ["one", "two"]


def test_speech_lasts_as_long_as_people_take_for_it() -> None:
    ms = INPUT_FORMAT.duration_ms(len(spell("I would like to book a table for four people tomorrow evening")))
    assert 12 / 180 * 60_000 < ms < 12 / 120 * 60_000


def test_a_quick_speaker_takes_less_time() -> None:
    assert len(spell(SENTENCE, speed=2.0)) < 0.6 * len(spell(SENTENCE))


def test_an_utterance_ends_after_the_silence_that_was_asked_for() -> None:
    detector = SpelledDetector(AutomaticActivityDetection(silence_duration_ms=200))
    speech = spell("yes")
    assert [type(event) for event in detector.feed(speech)] == [SpeechStarted]
    assert detector.feed(bytes(INPUT_FORMAT.bytes_for_ms(180))) == []
    (ended,) = detector.feed(bytes(INPUT_FORMAT.bytes_for_ms(20)))
    assert isinstance(ended, SpeechEnded)
    assert ended.audio == speech


def test_a_sound_shorter_than_the_padding_is_no_speech() -> None:
    detector = SpelledDetector(AutomaticActivityDetection(prefix_padding_ms=300))
    assert detector.feed(hum(200)) == []
    assert detector.feed(bytes(6400)) == []
    assert len(detector.feed(hum(320))) == 1


def test_a_cough_has_no_words() -> None:
    assert spelled_words(hum(300)) == []


async def test_the_texts_of_spoken_chunks_join_to_the_text_and_the_sound_to_its_words() -> None:
    chunks = [chunk async for chunk in SpelledSpeaking().speak(SENTENCE, voice=None, language=None)]
    assert "".join(chunk.text for chunk in chunks) == SENTENCE
    sound = b"".join(chunk.audio for chunk in chunks)
    assert " ".join(word.text for word in spelled_words(sound, OUTPUT_FORMAT)) == SENTENCE
