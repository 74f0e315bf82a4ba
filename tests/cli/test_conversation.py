from __future__ import annotations

import asyncio
import base64
import wave
from array import array
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import Mock

import pytest
from rich.console import Console

from gemini_realtime import ConfigError, ConnectionClosed, GeminiRealtimeClient, GeminiRealtimeError
from gemini_realtime.adapters.devices import MicrophoneQueue
from gemini_realtime.adapters.files import Recording, read_wav, write_wav
from gemini_realtime.cli.conversation import Conversation, Question
from gemini_realtime.cli.screen import Screen
from gemini_realtime.cli.sounding import CHUNK_BYTES, LiveVoice, Loudspeaker, Tape
from gemini_realtime.recordings import ConversationRecording
from gemini_realtime.testing import messages
from gemini_realtime.testing import run_in_virtual_time as run
from gemini_realtime.transport.memory import MemoryService

Json = dict[str, Any]
TURN_COMPLETE: Json = {"serverContent": {"turnComplete": True}}
INTERRUPTED: Json = {"serverContent": {"interrupted": True}}
LOUD = b"\x00\x40" * (CHUNK_BYTES // 2)
SILENT = bytes(CHUNK_BYTES)
NOISE = bytes(Random(1).randbytes(CHUNK_BYTES))


def speech(ms: int) -> Json:
    data = base64.b64encode(b"\x01\x10" * 24 * ms).decode()
    return {"serverContent": {"modelTurn": {"parts": [{"inlineData": {"mimeType": "audio/pcm", "data": data}}]}}}


def heard(text: str) -> Json:
    return {"serverContent": {"inputTranscription": {"text": text}}}


def call(name: str, **arguments: Any) -> Json:
    return {"toolCall": {"functionCalls": [{"id": "1", "name": name, "args": arguments}]}}


class Service(MemoryService):
    """Says what the test has planned, so many ms after the session began, after a text or after a tool result."""

    def __init__(self, **plan: Sequence[tuple[float, Json]]) -> None:
        super().__init__(lambda service, message: self._take(message))
        self._plan = plan

    def _take(self, message: Json) -> None:
        (kind,) = message
        if kind == "setup":
            self.say({"setupComplete": {}})
        loop = asyncio.get_running_loop()
        for after_ms, reply in self._plan.get(kind, ()):
            loop.call_later(after_ms / 1000, self.say, reply)


class Held:
    """A conversation that is over."""

    def __init__(self, service: Service, question: Question, tape: Tape | None = None) -> None:
        self.output = StringIO()
        self.loudspeaker = Loudspeaker(None, tape)
        self.client = GeminiRealtimeClient(
            llm_config={"config_list": [{"model": "gemini-3.8-live", "api_key": "k"}]}, dial=service.dial
        )
        screen = Screen(Console(file=self.output))
        self.conversation = Conversation(question, loudspeaker=self.loudspeaker, tape=tape, screen=screen)

    async def hold(self) -> float:
        """Hold it; returns how many ms it took."""
        await self.conversation.hold(self.client)
        return asyncio.get_running_loop().time() * 1000


def recording(tmp_path: Path, *parts: tuple[bytes, int]) -> Recording:
    """A recording of chunks, each so many times."""
    write_wav(tmp_path / "question.wav", b"".join(chunk * count for chunk, count in parts), 16_000)
    return Recording(tmp_path / "question.wav")


def audio_sent(service: Service) -> list[bytes]:
    inputs = [message["realtimeInput"] for message in service.sent if "realtimeInput" in message]
    return [base64.b64decode(item["audio"]["data"]) for item in inputs if "audio" in item]


def both_sides(tape: Tape, tmp_path: Path) -> tuple[bytes, bytes]:
    """What is on the tape's left and right side: 16 bit, 24 kHz."""
    tape.recording.save(tmp_path / "conversation.wav")
    with wave.open(str(tmp_path / "conversation.wav")) as reader:
        frames = array("h", reader.readframes(reader.getnframes()))
    return frames[::2].tobytes(), frames[1::2].tobytes()


def first_sound_ms(pcm: bytes) -> float:
    return next(n for n, sample in enumerate(array("h", pcm)) if abs(sample) > 100) / 24


def last_sound_ms(pcm: bytes) -> float:
    return (len(pcm) // 2 - next(n for n, sample in enumerate(reversed(array("h", pcm))) if sample)) / 24


def test_it_ends_when_the_answer_has_been_heard() -> None:
    held = Held(Service(clientContent=[(100, speech(3000)), (110, TURN_COMPLETE)]), "Hello?")
    assert run(held.hold()) == pytest.approx(3100)


def test_it_ends_when_what_happens_cannot_be_shown_any_more() -> None:
    held = Held(Service(clientContent=[(100, speech(3000)), (110, TURN_COMPLETE)]), "Hello?")
    held.conversation._screen.show = Mock(side_effect=BrokenPipeError)  # type: ignore[method-assign]
    with pytest.raises(BrokenPipeError):
        run(held.hold())
    held.conversation._screen.show.assert_called_once()


def test_a_question_that_cannot_be_sent_is_said_and_no_answer_waited_for() -> None:
    held = Held(Service(), "half of a pair: \ud800")
    with pytest.raises(ConfigError, match="surrogate"):
        run(held.hold())


def test_a_turn_that_is_not_complete_is_waited_for() -> None:
    held = Held(Service(clientContent=[(100, speech(500)), (5000, TURN_COMPLETE)]), "Hello?")
    assert run(held.hold()) == pytest.approx(5000)


def test_the_delay_of_the_answer_is_measured_once_per_answer() -> None:
    held = Held(Service(clientContent=[(250, speech(20)), (300, speech(20)), (400, TURN_COMPLETE)]), "Hello?")
    run(held.hold())
    assert held.conversation.measurements.answer_ms == [pytest.approx(250)]


def test_a_function_call_is_answered_and_its_answer_waited_for() -> None:
    service = Service(
        clientContent=[(50, speech(20)), (100, call("get_weather", city="Paris")), (110, TURN_COMPLETE)],
        toolResponse=[(900, speech(100)), (910, TURN_COMPLETE)],
    )
    held = Held(service, "What is the weather in Paris?")
    assert run(held.hold()) == pytest.approx(1100)
    (answer,) = [message["toolResponse"]["functionResponses"] for message in service.sent if "toolResponse" in message]
    assert answer[0]["response"] == {"output": "In Paris it is sunny with 19 degrees."}
    assert "get_weather(city='Paris')" in held.output.getvalue()


def test_what_was_not_heard_when_interrupted_is_thrown_away(tmp_path: Path) -> None:
    plan = [(100, speech(5000)), (1100, INTERRUPTED), (1110, TURN_COMPLETE), (2000, speech(500)), (2010, TURN_COMPLETE)]
    held = Held(Service(clientContent=plan), "Tell me a story.", tape := Tape())
    assert run(held.hold()) == pytest.approx(2500)
    held.loudspeaker.save(tmp_path / "answer.wav")
    assert len(read_wav(tmp_path / "answer.wav")[0]) == pytest.approx(1500 * 48, abs=48)
    _, right = both_sides(tape, tmp_path)
    cut = array("h", right)[: 24 * 2000]  # before the second answer
    assert (first_sound_ms(right), last_sound_ms(cut.tobytes())) == pytest.approx((100, 1100), abs=1)


def test_a_recording_of_it_says_how_much_of_an_answer_was_heard(tmp_path: Path) -> None:
    plan = [(100, speech(5000)), (1100, INTERRUPTED), (1110, TURN_COMPLETE), (1200, speech(100)), (1210, TURN_COMPLETE)]
    held = Held(Service(clientContent=plan), "Tell me a story.")
    held.client.record(tmp_path)
    run(held.hold())
    (stopped,) = [line.event for _, line in ConversationRecording(tmp_path).lines() if line.event is not None]
    assert stopped["type"] == "output_audio_buffer.cleared"
    assert stopped["played_ms"] == pytest.approx(1000, abs=2)
    assert stopped["unplayed_ms"] == pytest.approx(4000, abs=2)


def test_what_still_arrives_of_an_answer_that_was_cut_off_is_not_heard(tmp_path: Path) -> None:
    plan = [(100, speech(500)), (700, INTERRUPTED), (710, speech(900)), (720, TURN_COMPLETE)]
    held = Held(Service(clientContent=[*plan, (2000, speech(100)), (2010, TURN_COMPLETE)]), "Tell me a story.")
    run(held.hold())
    held.loudspeaker.save(tmp_path / "answer.wav")
    assert len(read_wav(tmp_path / "answer.wav")[0]) == pytest.approx(600 * 48, abs=48)


def test_no_answer_is_an_error_after_a_while() -> None:
    held = Held(Service(), "Hello?")
    with pytest.raises(GeminiRealtimeError, match="did not answer"):
        run(held.hold())


@pytest.mark.parametrize("sound", [SILENT, NOISE], ids=["silence", "noise"])
@pytest.mark.parametrize("seconds", [0, 1, 60])
def test_a_recording_in_which_nothing_is_heard_ends_soon_after_it(sound: bytes, seconds: int, tmp_path: Path) -> None:
    handles = [(n * 5000, {"sessionResumptionUpdate": {"newHandle": f"h{n}", "resumable": True}}) for n in range(100)]
    held = Held(Service(setup=handles), recording(tmp_path, (sound, seconds * 50)))

    async def main() -> float:
        with pytest.raises(GeminiRealtimeError, match="nothing was heard"):
            await held.hold()
        return asyncio.get_running_loop().time()

    assert run(main()) == pytest.approx(seconds + 20, abs=0.2)  # what is sent is told up to 100 ms later


def test_call_after_call_is_not_waited_for_for_ever() -> None:
    def calls_again(service: MemoryService, message: Json) -> None:
        if "setup" in message:
            service.say({"setupComplete": {}})
        elif "clientContent" in message or "toolResponse" in message:
            another = messages.tool_call("get_weather", {"city": "Paris"}, call_id=str(len(service.sent)))
            asyncio.get_running_loop().call_later(1, service.say, another)

    service = Service()
    service.on_frame = calls_again

    async def main() -> float:
        with pytest.raises(GeminiRealtimeError, match="did not answer"):
            await Held(service, "Hello?").hold()
        return asyncio.get_running_loop().time()

    assert run(main()) == pytest.approx(180, abs=1)


def test_connections_that_are_lost_again_and_again_are_not_waited_for_for_ever() -> None:
    def breaks(service: MemoryService, message: Json) -> None:
        if "setup" in message:
            service.say({"setupComplete": {}})
            service.say({"sessionResumptionUpdate": {"newHandle": "h", "resumable": True}})
            asyncio.get_running_loop().call_later(8, service.end, 1006)

    service = Service()
    service.on_frame = breaks

    async def main() -> float:
        with pytest.raises(GeminiRealtimeError):
            await Held(service, "Hello?").hold()
        return asyncio.get_running_loop().time()

    assert run(main()) <= 181


def test_a_connection_that_fails_says_so_and_nothing_hangs() -> None:
    async def main() -> None:
        service = Service()
        asyncio.get_running_loop().call_later(1, service.end, 1007, "Request contains an invalid argument.")
        await Held(service, LiveVoice(MicrophoneQueue())).hold()

    with pytest.raises(ConnectionClosed, match="1007"):
        run(main())


def test_a_recording_is_sent_as_a_microphone_would_and_silence_after_it(tmp_path: Path) -> None:
    service = Service(setup=[(1700, speech(100)), (1710, TURN_COMPLETE)])
    held = Held(service, recording(tmp_path, (SILENT, 10), (LOUD, 40)))
    assert run(held.hold()) == pytest.approx(1800)
    sent = audio_sent(service)
    assert sent[:50] == [SILENT] * 10 + [LOUD] * 40
    assert sent[50:] == [SILENT] * (len(sent) - 50)
    assert len(sent) == pytest.approx(1800 / 20, abs=1)
    assert held.conversation.measurements.answer_ms == [pytest.approx(700)]  # speech ended at 1000 ms


def test_an_answer_to_the_first_question_is_not_the_end_of_two(tmp_path: Path) -> None:
    service = Service(setup=[(800, speech(10)), (810, TURN_COMPLETE), (3000, speech(10)), (3010, TURN_COMPLETE)])
    held = Held(service, recording(tmp_path, (LOUD, 10), (SILENT, 90), (LOUD, 10)))
    assert run(held.hold()) == pytest.approx(3010)
    assert held.conversation.measurements.answer_ms == [pytest.approx(600), pytest.approx(800)]


def test_the_rest_of_an_answer_that_is_spoken_into_does_not_answer_that(tmp_path: Path) -> None:
    plan = [
        (800, speech(200)),
        (2150, speech(200)),  # of the old answer; the user has begun to speak at 2000 ms
        (2400, INTERRUPTED),
        (2410, TURN_COMPLETE),
        (3000, speech(10)),
        (3010, TURN_COMPLETE),
    ]
    held = Held(Service(setup=plan), recording(tmp_path, (LOUD, 10), (SILENT, 90), (LOUD, 10)))
    run(held.hold())
    assert held.conversation.measurements.answer_ms == [pytest.approx(600), pytest.approx(800)]


def test_both_sides_are_on_the_tape_when_they_were_heard(tmp_path: Path) -> None:
    service = Service(setup=[(1700, speech(100)), (1710, TURN_COMPLETE)])
    tape = Tape()
    run(Held(service, recording(tmp_path, (SILENT, 10), (LOUD, 40)), tape).hold())
    left, right = both_sides(tape, tmp_path)
    assert first_sound_ms(left) == pytest.approx(200, abs=3)
    assert first_sound_ms(right) == pytest.approx(1700, abs=1)


async def _feed(microphone: MicrophoneQueue) -> None:
    while True:
        await asyncio.sleep(0.02)
        microphone.put(LOUD)


def test_a_live_conversation_ends_with_goodbye_answered() -> None:
    async def main() -> float:
        service = Service(setup=[(400, heard(" Good")), (410, heard("bye.")), (600, speech(300)), (610, TURN_COMPLETE)])
        microphone = MicrophoneQueue()
        speaking = asyncio.create_task(_feed(microphone))
        took_ms = await Held(service, LiveVoice(microphone)).hold()
        speaking.cancel()
        sent = audio_sent(service)
        assert sent[:20] == [LOUD] * 20
        assert set(sent[21:]) == {SILENT}  # who has said goodbye is not listened to any more
        return took_ms

    assert run(main()) == pytest.approx(900)
