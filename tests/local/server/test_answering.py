"""Replies of every kind of item, carried out by hand on a connection without a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import pytest

from gemini_realtime.local.faults import Fault
from gemini_realtime.local.server.answering import Answerer, Backends
from gemini_realtime.local.session.actions import Respond
from gemini_realtime.local.thinking import Call, Frame, Item, Request, Say, Wait
from tests.local.fakes import FakeHearing, FakeResponder, FakeSpeaking
from tests.local.line import HALF_CASCADE, WEATHER, Line, kinds

RAW = {"serverContent": {"somethingNew": 1}}


class Answering:
    """A connection whose replies are these, one for each request."""

    def __init__(self, *replies: Iterable[Item]) -> None:
        waiting = iter(replies)
        self.frames: list[Any] = []
        self.line = Line(
            pace="instant", model=HALF_CASCADE, generationConfig={"responseModalities": ["TEXT"]}, tools=[WEATHER]
        )
        backends = Backends(FakeHearing(), FakeResponder(lambda _: next(waiting)), FakeSpeaking())
        room = asyncio.Event()
        room.set()
        self.faults: list[tuple[Fault, str]] = []
        self._answerer = Answerer(self.line.peer, self._act, room, self._misbehave, backends, lambda: 100.0)

    def _misbehave(self, fault: Fault) -> None:
        self.faults.append((fault, json.dumps(self.frames)))

    async def asks(self, text: str) -> list[Any]:
        self.line.types(text)
        return await self._answer()

    async def gives(self, call_id: str, output: str) -> list[Any]:
        self.line.answers((call_id, output))
        return await self._answer()

    async def _answer(self) -> list[Any]:
        asked: Respond = self.line.asked
        request: Request = asked.request
        self.frames = []
        await self._answerer.answer(asked.reply_id, request)
        return self.frames

    def _act(self) -> None:
        self.frames += self.line.frames()


async def test_a_message_is_sent_between_the_words_and_is_not_part_of_them() -> None:
    answering = Answering([Say("One."), Frame(RAW), Say("Two.")], [])
    frames = await answering.asks("hello")
    assert frames.index(RAW) == [json.dumps(frame).count("Two") for frame in frames].index(1) - 1
    await answering.asks("and now")
    assert [turn.text for turn in answering.line.asked.request.history] == ["hello", "One. Two."]


async def test_what_follows_a_call_waits_for_its_result() -> None:
    answering = Answering([Call("get_weather"), Frame(RAW), Say("Bye.")], [Say("It is foggy.")])
    called = await answering.asks("weather")
    assert kinds(called) == ["modelTurn", "toolCall"]  # the code of the call, as half-cascade models show it
    frames = await answering.gives(called[1]["toolCall"]["functionCalls"][0]["id"], "foggy")
    assert kinds(frames)[-2:] == ["generationComplete", "turnComplete"]
    parts = [part for frame in frames[:-2] for part in frame["serverContent"].get("modelTurn", {}).get("parts", [])]
    assert "".join(part["text"] for part in parts) == "It is foggy. Bye."
    assert RAW in frames


async def test_a_wait_holds_back_what_follows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    answering = Answering([Say("One."), Wait(2.5), Say("Two.")])
    real_sleep = asyncio.sleep
    sent_at: list[tuple[float, str]] = []

    async def sleep(seconds: float) -> None:
        if seconds:
            sent_at.append((seconds, json.dumps(answering.frames)))
        await real_sleep(0)

    monkeypatch.setattr("asyncio.sleep", sleep)
    await answering.asks("hello")
    ((seconds, before),) = sent_at
    assert seconds == 2.5
    assert "One" in before
    assert "Two" not in before


async def test_a_fault_happens_in_its_place() -> None:
    answering = Answering([Say("One."), Fault("cut", after_s=3), Say("Two.")])
    await answering.asks("hello")
    ((fault, before),) = answering.faults
    assert fault == Fault("cut", after_s=3)
    assert "One" in before
    assert "Two" not in before
