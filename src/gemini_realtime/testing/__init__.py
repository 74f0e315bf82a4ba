"""Tests of voice agents without a network, a key or a wait.

    caller                    calls a voice agent, ours or any program: say something, hear the answer, interrupt, see
                              which tools ran
    say, next_answer          one turn of a conversation, in a line each
    speech_from_text          what somebody says, for `say`
    ScriptedService           a Live service in memory that says what the test tells it, made of `messages`
    faulty, Cut, Refused ...  a network that misbehaves, around any dial
    run_in_virtual_time       minutes pass at once; `in_virtual_time` does it to a whole test

For tests with real hearing and speech there is the embedded server: `gemini_realtime.LiveServer`, and the fixtures
`live_server` and `live_server_tls` of pytest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from gemini_realtime.testing import messages
from gemini_realtime.testing.conversation import Answer, next_answer, say
from gemini_realtime.testing.service import ScriptedService
from gemini_realtime.testing.speech import speech_from_text
from gemini_realtime.testing.virtual_time import VirtualTimeLoop, in_virtual_time, run_in_virtual_time
from gemini_realtime.transport.faults import (
    Cut,
    Damaged,
    Fault,
    Late,
    LatePongs,
    Refused,
    Silence,
    Stalled,
    Unreachable,
    faulty,
)

if TYPE_CHECKING:
    from gemini_realtime.testing.call import AgentCall, Call
    from gemini_realtime.testing.calling import caller
    from gemini_realtime.testing.program_call import ProgramCall

_NEED_AGENT: Final = {"AgentCall": "call", "Call": "call", "ProgramCall": "program_call", "caller": "calling"}
"""Where there is what takes the extra `[agent]`."""

__all__ = [
    "AgentCall",
    "Answer",
    "Call",
    "Cut",
    "Damaged",
    "Fault",
    "Late",
    "LatePongs",
    "ProgramCall",
    "Refused",
    "ScriptedService",
    "Silence",
    "Stalled",
    "Unreachable",
    "VirtualTimeLoop",
    "caller",
    "faulty",
    "in_virtual_time",
    "messages",
    "next_answer",
    "run_in_virtual_time",
    "say",
    "speech_from_text",
]


def __getattr__(name: str) -> Any:
    if name in _NEED_AGENT:
        return getattr(import_module(f"{__name__}.{_NEED_AGENT[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
