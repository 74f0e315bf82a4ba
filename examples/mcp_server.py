"""An MCP server with one function, for `mcp_tools.py`."""

from mcp.server.mcpserver import MCPServer

server = MCPServer("weather")


@server.tool()
def get_weather(city: str) -> str:
    """Get the weather in a city."""
    return f"It is foggy and 12 degrees in {city}."


server.run("stdio")
