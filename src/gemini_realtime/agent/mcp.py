"""Functions of MCP servers as tools of an agent.

    async with stdio_client(StdioServerParameters(command="my-server")) as (read, write):
        async with ClientSession(read, write) as session:
            await session.initialize()
            for tool in await tools_of(session):
                agent.register_realtime_function()(tool)

Needs the official library: `pip install mcp`.
"""

from __future__ import annotations

import base64
from typing import Any

from gemini_realtime.agent.results import ToolError
from gemini_realtime.agent.tools import RemoteTool, Tool
from gemini_realtime.protocol.parts import Media


async def tools_of(session: Any, **options: Any) -> list[Tool]:
    """The functions that an MCP server offers.

    Args:
        session: an `mcp.ClientSession`, initialized; it has to stay open as long as the tools are used.
        options: for each `Tool`: `timeout_s`, `background`, `approve`, ...
    """
    found: list[Any] = []
    cursor = None
    while True:
        page = await (session.list_tools() if cursor is None else session.list_tools(cursor))
        found += page.tools
        cursor = getattr(page, "nextCursor", None) or getattr(page, "next_cursor", None)
        if not cursor:
            break
    return [_tool(session, described, options) for described in found]


def _tool(session: Any, described: Any, options: dict[str, Any]) -> Tool:
    async def call(arguments: dict[str, Any]) -> Any:
        answer = await session.call_tool(described.name, arguments)
        parts = [_part(part) for part in answer.content]
        if getattr(answer, "isError", None) or getattr(answer, "is_error", None):
            raise ToolError("\n".join(part for part in parts if isinstance(part, str)) or "the function failed")
        structured = getattr(answer, "structuredContent", None) or getattr(answer, "structured_content", None)
        if structured is not None:  # the texts say the same, for those who do not read it
            return (
                {**structured, "media": media} if (media := [p for p in parts if isinstance(p, Media)]) else structured
            )
        return parts[0] if len(parts) == 1 else parts

    schema = getattr(described, "inputSchema", None) or getattr(described, "input_schema", None) or {}
    words = described.description or described.name
    return RemoteTool(call, name=described.name, description=words, parameters=schema, **options)


def _part(part: Any) -> str | Media:
    """A part of an answer: text as it is, images and files as media, links by their address."""
    part = getattr(part, "resource", part)
    if (text := getattr(part, "text", None)) is not None:
        return str(text)
    data = getattr(part, "data", None) or getattr(part, "blob", None)
    mime_type = getattr(part, "mimeType", None) or getattr(part, "mime_type", None) or "application/octet-stream"
    return Media(base64.b64decode(data), mime_type) if data else str(getattr(part, "uri", ""))
