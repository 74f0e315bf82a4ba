from __future__ import annotations

import asyncio
from base64 import b64encode
from random import Random

from gemini_realtime.agent import ConversationLog
from gemini_realtime.audio.format import OUTPUT_FORMAT
from gemini_realtime.evaluation.handset import AgentHandset
from gemini_realtime.evaluation.scenes import Caller, Says
from gemini_realtime.evaluation.voices import microphone_of
from gemini_realtime.protocol.events import AudioDelta, OutputTranscript
from gemini_realtime.testing.virtual_time import in_virtual_time


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
