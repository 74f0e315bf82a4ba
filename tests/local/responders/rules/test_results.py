from __future__ import annotations

from typing import Any

import pytest

from gemini_realtime.local.thinking import ToolResult

from .replies import said


async def told(name: str, response: dict[str, Any]) -> str:
    return await said("what is the weather", results=[ToolResult(name, response)])


@pytest.mark.parametrize(
    ("response", "text"),
    [
        ({"output": "It is foggy and 12 degrees in London."}, "It is foggy and 12 degrees in London."),
        ({"result": "It will rain all day"}, "It will rain all day."),
        ({"result": "sunny"}, "The weather: sunny."),
        ({"temperature": 12, "sky": "foggy"}, "The weather: temperature 12, sky foggy."),
        ({"result": {"wind": {"speedKmh": 5, "gusts": False}}}, "The weather: wind speed kmh 5, wind gusts no."),
        ({"output": '{"temperature": 12}'}, "The weather: temperature 12."),
        ({"weather": "foggy"}, "The weather: foggy."),
        ({"weather": "It is foggy and 12 degrees in London."}, "It is foggy and 12 degrees in London."),
        ({"result": {"weather": {"sky": "foggy"}}}, "The weather: sky foggy."),
        ({"result": [1, 2, 3]}, "The weather: 1, 2 and 3."),
        ({"result": 1}, "The weather: 1."),
        ({"result": 0}, "The weather: 0."),
        ({"result": False}, "The weather: no."),
        ({"error": "no network"}, "Sorry, get weather failed: no network."),
        (
            {"error": {"code": 404, "message": "unknown city"}},
            "Sorry, get weather failed: code 404, message unknown city.",
        ),
    ],
)
async def test_a_result_becomes_a_sentence(response: dict[str, Any], text: str) -> None:
    assert await told("get_weather", response) == text


@pytest.mark.parametrize("response", [{}, {"result": None}, {"output": "ok"}, {"output": ""}, {"result": True}])
async def test_a_result_without_content_is_done(response: dict[str, Any]) -> None:
    assert await told("turn_on_the_lights", response) == "Done."


async def test_each_result_is_told() -> None:
    results = [ToolResult("get_weather", {"output": "Fog."}), ToolResult("turn_on_the_lights", {"status": "on"})]
    assert await said("", results=results) == "Fog. Turn on the lights: status on."


async def test_a_long_result_is_cut() -> None:
    assert len(await told("get_rows", {"result": [{"name": "x" * 50}] * 1000})) < 700
    assert len(await told("get_text", {"result": "word " * 5000})) < 700
