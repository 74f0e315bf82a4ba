"""A call to a program that knows nothing of it: the server plays the caller."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gemini_realtime import (
    ConfigError,
    FunctionCall,
    GeminiRealtimeClient,
    GeminiRealtimeError,
    LiveServer,
    RealtimeAgent,
)
from gemini_realtime.adapters.files import write_wav
from gemini_realtime.testing import ProgramCall, caller
from tests.local.fakes import FakeHearing, FakeSpeaking, spoken

FAKES: dict[str, Any] = {"hearing": FakeHearing(), "speaking": FakeSpeaking(), "warm_up": False}

BOT = Path(__file__).with_name("bot.py")

WEATHER = [{"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}]

ADDITION, SUM = "What is two plus three?", "Two plus three is five."


async def program(client: GeminiRealtimeClient) -> None:
    """A program that answers calls of functions, and hears nobody."""
    async with client.connect():
        async for event in client.read_events():
            if isinstance(event, FunctionCall):
                await client.send_function_result(event.call_id, f"foggy in {event.arguments['city']}")


@asynccontextmanager
async def called(*, transcripts: bool = True, **options: Any) -> AsyncIterator[ProgramCall]:
    """A call to such a program, in this process."""
    async with (
        asyncio.timeout(60),
        LiveServer(**{"pace": "instant", **FAKES, **options}) as server,
        caller(server=server) as call,
    ):
        client = GeminiRealtimeClient(llm_config=server.llm_config())
        wanted = {} if transcripts else {"input_audio_transcription": None, "output_audio_transcription": None}
        await client.session_update({"instructions": "You are a host.", "tools": WEATHER, **wanted})
        running = asyncio.create_task(program(client))
        try:
            yield call
        finally:
            running.cancel()
            await asyncio.wait([running])


@pytest.mark.parametrize("transcripts", [True, False])
async def test_whoever_connects_is_called(transcripts: bool) -> None:
    async with called(transcripts=transcripts) as call:
        await call.says("What is the weather in London?")
        answer = await call.hears()
    assert "foggy in London" in answer.said
    (use,) = call.tools
    assert (use.name, use.arguments, use.result) == ("get_weather", {"city": "London"}, {"output": "foggy in London"})
    assert [(turn.role, turn.said) for turn in call.turns] == [
        ("user", "What is the weather in London?"),
        ("assistant", answer.said),
    ]
    assert len(call.latencies_ms) == 1
    assert call.setup["systemInstruction"]["parts"] == [{"text": "You are a host."}]
    assert [message for message in call.received if "toolResponse" in message]


async def test_sound_is_recognised_by_the_servers_hearing(tmp_path: Path) -> None:
    write_wav(tmp_path / "question.wav", spoken(ADDITION), 16000)
    async with called() as call:
        for speech in (spoken(ADDITION), tmp_path / "question.wav"):
            await call.says(speech)
            assert (await call.hears()).said == SUM
    assert [turn.said for turn in call.turns if turn.role == "user"] == [ADDITION, ADDITION]
    assert len(call.latencies_ms) == 2


async def test_a_program_is_interrupted() -> None:
    async with called(pace="realtime") as call:
        await call.says("Count from one to a hundred.")
        await call.interrupts(ADDITION)
        assert (await call.hears()).interrupted
        assert (await call.hears()).said == SUM


async def test_a_program_that_resumes_is_spoken_to_when_it_is_back() -> None:
    async with called() as call:
        await call.says("My name is Ada.")
        await call.hears()
        call.fault("cut")
        await call.says("What is my name?")
        assert "Ada" in (await call.hears()).said
    assert call.log.resumed == 1


async def test_a_turn_that_ends_with_its_connection_is_told() -> None:
    async with called(faults=["cut:after_frames=12,times=1"]) as call:
        await call.says("Count from one to a hundred.")
        assert (await call.hears()).said
        await call.says(ADDITION)
        assert (await call.hears()).said == SUM


async def test_who_has_hung_up_says_no_more() -> None:
    async with called() as call:
        await call.says(ADDITION)
        await call.hears()
        await call.hangs_up()
        with pytest.raises(AssertionError, match="the call ended before an answer"):
            await call.hears()


async def test_a_program_on_googles_sdk_is_run_and_called() -> None:
    pytest.importorskip("google.genai")
    async with asyncio.timeout(60), caller(command=[sys.executable, str(BOT)], **FAKES) as call:
        await call.says("What is the weather in London?")
        assert "foggy in London" in (await call.hears()).said
        assert call.output[-1] == "the caller asks for London"
        assert call.exit_code is None
    assert call.exit_code is not None


async def test_a_program_that_fails_says_what_it_wrote() -> None:
    command = [sys.executable, "-c", "print('no luck today'); raise SystemExit(3)"]
    with pytest.raises(GeminiRealtimeError, match=r"ended with 3; it wrote:\nno luck today"):
        await caller(command=command, **FAKES)


async def test_a_program_that_does_not_want_to_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gemini_realtime.testing.program.GRACE_S", 0.1)
    command = [sys.executable, str(BOT), "--stubborn"]
    pytest.importorskip("google.genai")
    async with asyncio.timeout(60), caller(command=command, **FAKES) as call:
        await call.says(ADDITION)
        await call.hears()
    assert call.exit_code == -9


@pytest.mark.parametrize("command", ["python my_agent.py", [], ["a", 1]])
async def test_a_command_is_a_list_of_words(command: Any) -> None:
    with pytest.raises(ConfigError, match="list of words"):
        await caller(command=command, **FAKES)


async def test_a_command_that_does_not_exist_is_named() -> None:
    with pytest.raises(ConfigError, match="'no-such-program' cannot be run"):
        await caller(command=["no-such-program"], **FAKES)


def test_somebody_has_to_be_called() -> None:
    wrong: list[Callable[[], Any]] = [
        lambda: caller(),  # type: ignore[call-overload]
        lambda: caller(lambda config: RealtimeAgent(name="x"), command=["x"]),
    ]
    for call in wrong:
        with pytest.raises(ConfigError, match="nobody to call, or too many"):
            call()
