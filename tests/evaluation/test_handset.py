from __future__ import annotations

import asyncio
from base64 import b64encode
from random import Random

import pytest

from gemini_realtime.agent import ConversationLog
from gemini_realtime.audio.format import OUTPUT_FORMAT
from gemini_realtime.evaluation.expectations import implied
from gemini_realtime.evaluation.handset import AgentHandset, Handset
from gemini_realtime.evaluation.record import CallRecord
from gemini_realtime.evaluation.scenes import Caller, Says
from gemini_realtime.evaluation.voices import microphone_of
from gemini_realtime.local.speech.spelled import hum
from gemini_realtime.protocol.codec import encode_base64
from gemini_realtime.protocol.events import (
    AudioDelta,
    InputTranscript,
    Interrupted,
    OutputTranscript,
    PlaybackStopped,
    TurnComplete,
)
from gemini_realtime.testing.virtual_time import in_virtual_time, run_in_virtual_time


class Heard(Handset):
    """A handset at which somebody only listens."""

    async def say(self, words: str) -> None:
        self.spoke(self.now())

    async def sound(self, pcm16k: bytes) -> None:
        pass

    async def type(self, words: str) -> None:
        pass

    def press(self, digit: str) -> None:
        pass

    def tell_stopped(self, event: PlaybackStopped) -> None:
        pass


async def after(handset: Heard, seconds: float, audio: bytes) -> None:
    """The agent says something so much later."""
    await asyncio.sleep(seconds)
    handset.hear(AudioDelta(delta=encode_base64(audio).decode()))


def test_an_answer_begins_with_its_first_audible_sample() -> None:
    async def call() -> list[float | None]:
        handset = Heard()
        await handset.say("Hello?")
        await after(handset, 0.5, bytes(OUTPUT_FORMAT.bytes_for_ms(200)))
        await after(handset, 0.1, bytes(OUTPUT_FORMAT.bytes_for_ms(50)) + hum(500, OUTPUT_FORMAT))
        handset.hear(TurnComplete())
        return [answer.after_s for answer in handset.answers]

    assert run_in_virtual_time(call(), limit_s=60) == [pytest.approx(0.6 + 0.2 + 0.05)]


def test_an_answer_that_breaks_off_in_silence_was_cut_short_and_one_that_is_spoken_over_was_not() -> None:
    async def call() -> int:
        handset = Heard()
        for speaks_over in (False, True):
            await handset.say("Hello?")
            await after(handset, 0.5, hum(3000, OUTPUT_FORMAT))
            handset.play(500)
            if speaks_over:
                await handset.say("Stop.")
            handset.hear(Interrupted())
        return handset.cut_short

    assert run_in_virtual_time(call(), limit_s=60) == 1


def test_an_answer_to_words_that_the_caller_had_not_said_is_one_to_somebody_else() -> None:
    async def call() -> int:
        handset = Heard()
        await handset.say("Hello?")
        for _ in range(2):
            handset.hear(InputTranscript(text="Hello?"))
            await after(handset, 0.5, hum(100, OUTPUT_FORMAT))
            handset.hear(TurnComplete())
        await after(handset, 5.0, hum(100, OUTPUT_FORMAT))  # of its own accord: nothing was heard
        return handset.answered_others

    assert run_in_virtual_time(call(), limit_s=60) == 1


def test_an_answer_that_begins_in_a_pause_of_the_caller_talks_over() -> None:
    async def call() -> list[int]:
        handset, talked_over = Heard(), []
        for goes_on in (False, True):
            handset.begins(handset.now())
            await handset.say("A table")
            await after(handset, 0.5, hum(100, OUTPUT_FORMAT))
            await asyncio.sleep(0.2)
            if not goes_on:
                handset.begins(handset.now())
            handset.spoke(handset.now())
            handset.hear(TurnComplete())
            talked_over.append(handset.talked_over)
        return talked_over

    assert run_in_virtual_time(call(), limit_s=60) == [0, 1]


def test_a_caller_among_other_sounds_expects_more() -> None:
    expected = [verdict.expected for verdict in implied(CallRecord(cut_short=1, answered_others=2), [])]
    assert expected == ["speaks on while the caller is silent", "answers nobody but the caller"]


@in_virtual_time
async def test_a_gap_in_the_sound_of_an_answer_does_not_end_it() -> None:
    handset = AgentHandset(_silence, ConversationLog(), await microphone_of(Caller([Says("Hi.")]), Random(0)))
    _says(handset, "one two ", 200)
    hearing = asyncio.create_task(handset.heard(4, patience_s=5))
    await _plays(handset, 400)
    assert not handset.agent_speaks
    _says(handset, "three four five six", 400)
    await _plays(handset, 320)
    assert handset.agent_speaks
    assert await hearing


async def _silence(words: str) -> bytes:
    return b""


def _says(handset: AgentHandset, words: str, lasting_ms: float) -> None:
    handset.hear(OutputTranscript(text=words))
    handset.hear(AudioDelta(delta=b64encode(bytes(OUTPUT_FORMAT.bytes_for_ms(lasting_ms))).decode()))


async def _plays(handset: AgentHandset, lasting_ms: int) -> None:
    for _ in range(lasting_ms // 40):
        handset.play(40)
        await asyncio.sleep(0)
