"""Functions of MCP servers as tools of an agent.

    async with stdio_client(StdioServerParameters(command="my-server")) as (read, write):
        async with ClientSession(read, write) as session:
            await session.initialize()
            for tool in await tools_of(session):
                agent.register_realtime_function()(tool)

Needs the official library: `pip install mcp`.
"""

from __future__ import annotations

from typing import Any

from gemini_realtime.agent.tools import RemoteTool, Tool, ToolError


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
        texts = [part.text for part in answer.content if getattr(part, "type", "") == "text"]
        failed = getattr(answer, "isError", None) or getattr(answer, "is_error", None)
        if failed:
            raise ToolError("\n".join(texts) or "the function failed")
        structured = getattr(answer, "structuredContent", None) or getattr(answer, "structured_content", None)
        return structured if structured is not None else "\n".join(texts)

    schema = getattr(described, "inputSchema", None) or getattr(described, "input_schema", None) or {}
    words = described.description or described.name
    return RemoteTool(call, name=described.name, description=words, parameters=schema, **options)
