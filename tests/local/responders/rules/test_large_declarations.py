from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from gemini_realtime.local.responders.rules import Rules, responder
from gemini_realtime.local.thinking import Call, Request, Say


def tools(values: int) -> list[dict[str, Any]]:
    city = {"type": "STRING", "enum": [f"city number {n}" for n in range(values)]}
    return [{"name": "get_weather", "parameters": {"type": "OBJECT", "properties": {"city": city}}}]


@pytest.mark.parametrize(("values", "aside"), [(3, False), (20_000, True)])
async def test_what_takes_long_to_weigh_is_weighed_on_a_thread(
    values: int, aside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[bool] = []

    def noted(request: Request, now: datetime) -> Iterator[Say | Call]:
        threads.append(threading.current_thread() is not threading.main_thread())
        yield Say("Sunny.")

    monkeypatch.setattr(responder, "reply", noted)
    request = Request("what is the weather in city number two", tools=tools(values))
    assert [item async for item in Rules().respond(request)] == [Say("Sunny.")]
    assert threads == [aside]
