"""Agents: a conversation with Python functions as tools, sound, and observers that follow it.

Needs the extra `[agent]` (pydantic, docstring-parser).
"""

from gemini_realtime.agent.agent import RealtimeAgent, RealtimeAgentCallbacks
from gemini_realtime.agent.functions import FunctionObserver
from gemini_realtime.agent.log import ConversationLog, ToolUse, Turn
from gemini_realtime.agent.observers import AudioObserver, RealtimeObserver
from gemini_realtime.agent.results import ToolError, ToolResult
from gemini_realtime.agent.tools import Approval, CallContext, Tool, tool

__all__ = [
    "Approval",
    "AudioObserver",
    "CallContext",
    "ConversationLog",
    "FunctionObserver",
    "RealtimeAgent",
    "RealtimeAgentCallbacks",
    "RealtimeObserver",
    "Tool",
    "ToolError",
    "ToolResult",
    "ToolUse",
    "Turn",
    "tool",
]
