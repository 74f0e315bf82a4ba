"""Ask the rules responder at a fixed time and read its replies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from gemini_realtime.local.responders.rules import Rules
from gemini_realtime.local.thinking import Call, Request, Say, ToolResult, Turn

NOW = datetime(2025, 11, 22, 21, 15)


def function(declared: str, about: str = "", required: list[str] | None = None, **parameters: Any) -> dict[str, Any]:
    """Declare a function; a parameter is a type name or a schema, and required unless said otherwise."""
    properties = {name: {"type": kind} if isinstance(kind, str) else kind for name, kind in parameters.items()}
    schema = {
        "type": "OBJECT",
        "properties": properties,
        "required": list(parameters) if required is None else required,
    }
    return {"name": declared, "description": about, **({"parameters": schema} if parameters else {})}


async def reply(
    heard: str,
    *tools: dict[str, Any],
    history: Sequence[tuple[str, str]] = (),
    instructions: str = "",
    results: Sequence[ToolResult] = (),
) -> list[Say | Call]:
    """Give the items of a reply; history is pairs of what the user and then the model said."""
    turns = [turn for user, model in history for turn in (Turn("user", user), Turn("model", model))]
    request = Request(heard, turns, tools, instructions, results)
    return [item async for item in Rules(lambda: NOW).respond(request)]


async def said(heard: str, *tools: dict[str, Any], **context: Any) -> str:
    """Give what was said, and nothing but said, as one text."""
    items = await reply(heard, *tools, **context)
    assert all(isinstance(item, Say) for item in items), items
    return " ".join(item.text for item in items if isinstance(item, Say))


async def called(heard: str, *tools: dict[str, Any], **context: Any) -> dict[str, Any]:
    """Give the arguments of the only call of a reply that is nothing else."""
    (item,) = await reply(heard, *tools, **context)
    assert isinstance(item, Call), item
    return item.args
