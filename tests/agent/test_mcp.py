"""Functions of an MCP server, which runs as a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gemini_realtime.agent import ToolError
from gemini_realtime.agent.mcp import tools_of
from gemini_realtime.agent.tools import CallContext, Tool

mcp = pytest.importorskip("mcp", reason="the official MCP library")

SERVER = '''
import asyncio
try:
    from mcp.server.mcpserver import Image, MCPServer as Server
except ImportError:
    from mcp.server.fastmcp import FastMCP as Server, Image

server = Server("restaurant")

@server.tool()
def book(guests: int) -> str:
    """Book a table."""
    if guests > 12:
        raise ValueError("no table is that large")
    return f"a table for {guests}"

@server.tool()
def opening_hours() -> str:
    """When it is open."""
    return "from six to eleven"

@server.tool()
def photo() -> list:
    """A picture of the table."""
    return ["the table", Image(data=b"PNG...", format="png")]

server.run("stdio")
'''


async def results(tool: Tool, **arguments: object) -> list[dict[str, object]]:
    return [result.response async for result in tool.results(tool.check(arguments), CallContext("1", "key"))]


async def test_the_functions_of_a_server_are_declared_and_called(tmp_path: Path) -> None:
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    script = tmp_path / "server.py"
    script.write_text(SERVER, "utf-8")
    server = StdioServerParameters(command=sys.executable, args=[str(script)])
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        book, hours, photo = await tools_of(session, timeout_s=5)
        assert (book.name, book.description, book.timeout_s) == ("book", "Book a table.", 5)
        assert book.declaration["parameters"]["properties"]["guests"]["type"] == "integer"
        assert "parameters" not in hours.declaration
        assert "a table for 4" in str(await results(book, guests=4))
        (picture,) = [result async for result in photo.results({}, CallContext("1", "key"))]
        assert [media.mime_type for media in picture.media] == ["image/png"]
        assert "the table" in str(picture.response)
        assert "from six to eleven" in str(await results(hours))
        with pytest.raises(ToolError, match="book"):
            await results(book, guests=40)
