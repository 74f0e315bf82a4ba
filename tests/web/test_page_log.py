from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from gemini_realtime import (
    AudioDelta,
    ConnectionLost,
    FunctionCall,
    FunctionResult,
    InputTranscript,
    Interrupted,
    OutputTranscript,
    PlaybackStopped,
    TurnComplete,
)
from gemini_realtime.agent import Turn
from gemini_realtime.testing import in_virtual_time
from gemini_realtime.web.page_log import INTERVAL_S, PageLog, unheard_of


@pytest.mark.parametrize(
    ("said", "heard", "unheard"),
    [
        (" Once there was a cat.", "Once there", " was a cat."),
        ("Once  there\nwas.", "Once there", "\nwas."),
        ("Once", "", "Once"),
        ("Once", "Once", ""),
        ("Once", None, ""),
    ],
)
def test_the_words_that_nobody_heard_are_told_as_they_were_said(said: str, heard: str | None, unheard: str) -> None:
    assert unheard_of(Turn("assistant", said=said, heard=heard, interrupted=True)) == unheard


class Told(list[dict[str, Any]]):
    """What a page was told."""

    async def tell(self, message: dict[str, Any]) -> None:
        self.append(message)

    def turns(self) -> list[tuple[int, int | None, str]]:
        return [(turn["number"], turn["before"], turn["said"]) for turn in (m["turn"] for m in self if "turn" in m)]


async def tell(log: PageLog, *events: Any) -> None:
    for event in events:
        await log.on_event(event)
    await asyncio.sleep(INTERVAL_S + 0.01)


@in_virtual_time
async def test_a_page_is_told_of_turns_as_they_grow_and_of_nothing_twice() -> None:
    told = Told()
    log = PageLog(told.tell)
    running = asyncio.create_task(log.run_loop())
    await tell(log, InputTranscript(text="A st"), InputTranscript(text="ory"))
    await tell(log, OutputTranscript(text=" Once"))
    await tell(log, TurnComplete())
    await tell(log, TurnComplete())
    assert told.turns() == [(0, None, "A story"), (1, None, " Once"), (0, 1, "A story"), (1, None, " Once")]
    assert told[-1]["turn"]["complete_ms"] is not None
    running.cancel()


@in_virtual_time
async def test_a_question_that_is_understood_late_has_its_place_before_the_answer() -> None:
    told = Told()
    log = PageLog(told.tell)
    running = asyncio.create_task(log.run_loop())
    await tell(log, OutputTranscript(text="Once"))
    await tell(log, InputTranscript(text="A story"))
    assert told.turns() == [(0, None, "Once"), (1, 0, "A story")]
    running.cancel()


@in_virtual_time
async def test_functions_are_told_with_arguments_result_and_duration() -> None:
    told = Told()
    log = PageLog(told.tell)
    running = asyncio.create_task(log.run_loop())
    await tell(log, FunctionCall(name="book", arguments={"guests": 2}, call_id="1"))
    await tell(log, FunctionResult(name="book", call_id="1", result={"result": "yes"}))
    turns, calls = ([message for message in told if message["event"] == event] for event in ("turn", "call"))
    assert turns[-1]["turn"]["tools"][0]["duration_ms"] > 0
    assert [(call["number"], call["arguments"], call["result"]) for call in calls] == [
        (0, {"guests": 2}, None), (0, {"guests": 2}, {"result": "yes"}),
    ]  # fmt: skip
    running.cancel()


@in_virtual_time
async def test_what_a_function_gave_is_told_once_however_long_the_answer_grows() -> None:
    told = Told()
    log = PageLog(told.tell)
    running = asyncio.create_task(log.run_loop())
    rows = {"rows": ["x" * 1000] * 50}
    await tell(log, FunctionCall(name="find", arguments={}, call_id="1"))
    await tell(log, FunctionResult(name="find", call_id="1", result=rows))
    for _ in range(5):
        await tell(log, OutputTranscript(text="Word "))
    assert [message["event"] for message in told if "x" * 1000 in str(message)] == ["call"]
    running.cancel()


@in_virtual_time
async def test_what_happens_to_the_connection_is_told_at_once_and_the_end_too() -> None:
    told = Told()
    log = PageLog(told.tell)
    await log.on_event(ConnectionLost(code=1006))
    assert told[-1]["event"] == "happened"
    assert (told[-1]["type"], told[-1]["code"]) == ("session.connection_lost", 1006)
    await log.on_event(OutputTranscript(text="Once there was"))
    await log.on_event(AudioDelta(delta=base64.b64encode(bytes(48_000)).decode()))
    await log.on_event(Interrupted())
    await log.on_event(PlaybackStopped(played_ms=0, unplayed_ms=900))
    await log.on_close()
    assert told[-1]["turn"]["unheard"] == "Once there was"
