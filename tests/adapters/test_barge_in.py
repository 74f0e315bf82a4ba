"""Speaking over the model by microphone, as a user would try it; the telephone's scene is in `test_telephones.py`, the
browser's in `tests/test_served_examples.py`."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from array import array
from pathlib import Path
from typing import IO

import pytest

from gemini_realtime.testing import speech_from_text
from tests.sound_card import SoundCard, virtual_sound_card

pytest.importorskip("sounddevice", reason="the extra [devices]")
pytest.importorskip("hibari", reason="the user speaks: the extra [local]")

TIMEOUT_S = 60
LOUD = 500

PROGRAM = """
import asyncio, json
from gemini_realtime import ConversationLog, DeviceAudioAdapter, LiveServer, RealtimeAgent

async def main():
    log = ConversationLog()
    async with LiveServer() as server:
        adapter = DeviceAudioAdapter()
        agent = RealtimeAgent(
            name="host", audio_adapter=adapter, llm_config=server.llm_config(), observers=[log]
        )
        async with agent.running():
            print("listening", flush=True)
            answers = [await log.next_answer()]
            async with asyncio.timeout(50):
                while "four" not in answers[-1].said.lower():
                    answers.append(await log.next_answer())
            while not adapter.device.playback.idle:  # it came faster than it sounds
                await asyncio.sleep(0.05)
            for answer in (answers[0], answers[-1]):
                said = {"said": answer.said, "heard": answer.heard, "interrupted": answer.interrupted}
                print(json.dumps(said), flush=True)

asyncio.run(main())
"""


class Loudspeaker:
    """What the loudspeaker says, as it says it."""

    def __init__(self, recorded: IO[bytes]) -> None:
        self._recorded = recorded
        self._changed = threading.Condition()
        self._loud: list[bool] = []  # of each 20 ms
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while block := self._recorded.read(960):
            with self._changed:
                self._loud.append(max(map(abs, array("h", block[: len(block) // 2 * 2])), default=0) > LOUD)
                self._changed.notify_all()

    def until_it_has_spoken(self, ms: int, *, since: int = 0) -> int:
        """Wait for so much speech since a moment; returns what moment it is."""
        with self._changed:
            assert self._changed.wait_for(lambda: sum(self._loud[since:]) * 20 >= ms, TIMEOUT_S)
            return len(self._loud)

    def until_it_is_silent(self, ms: int) -> None:
        with self._changed:
            silence = [False] * (ms // 20)
            assert self._changed.wait_for(lambda: self._loud[-len(silence) :] == silence, TIMEOUT_S)


def say(card: SoundCard, words: str, directory: Path) -> None:
    assert card.say_pcm(speech_from_text(words, rate_hz=48_000), 48_000, directory).wait(TIMEOUT_S) == 0


def test_a_story_by_microphone_is_interrupted_and_the_new_question_answered(tmp_path: Path) -> None:
    with virtual_sound_card() as card, card.recording() as recording:
        assert recording.stdout is not None
        loudspeaker = Loudspeaker(recording.stdout)
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM], env=card.environment, stdout=subprocess.PIPE, text=True
        ) as talking:
            assert talking.stdout is not None
            try:
                assert talking.stdout.readline() == "listening\n"
                say(card, "Tell me a long story.", tmp_path)
                loudspeaker.until_it_has_spoken(2000)
                say(card, "Stop, please. Stop now.", tmp_path)  # how much of it is heard through the story differs
                loudspeaker.until_it_is_silent(1500)
                silent_at = loudspeaker.until_it_has_spoken(0)
                say(card, "What is two plus two?", tmp_path)
                loudspeaker.until_it_has_spoken(500, since=silent_at)
                story, answer = map(json.loads, talking.stdout)
                assert talking.wait(TIMEOUT_S) == 0
            finally:
                talking.kill()
    assert story["interrupted"]
    assert story["said"].startswith(story["heard"])
    assert len(story["heard"]) < len(story["said"])
    assert "four" in answer["said"].lower()
