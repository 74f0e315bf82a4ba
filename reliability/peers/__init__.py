"""The same agent on several frameworks: it pays for what it is asked to pay for. Run by `reliability.tool_peers`."""
