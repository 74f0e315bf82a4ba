"""What this side has to say about the conversation: events without a message of the service."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from gemini_realtime.errors import ConnectionClosed, GeminiRealtimeError
from gemini_realtime.protocol.events import ConnectionLost, ReplayedItem, VoiceHealth
from gemini_realtime.protocol.ledger import Entry
from gemini_realtime.protocol.messages import CloseCode


def connection_lost(error: GeminiRealtimeError) -> ConnectionLost:
    """The conversation goes on elsewhere."""
    if isinstance(error, ConnectionClosed):
        return ConnectionLost(code=error.code, reason=error.reason)
    return ConnectionLost(code=CloseCode.NONE, reason=error.problem)


def orphaned(call_id: str) -> VoiceHealth:
    """A function's result that nobody waits for any more."""
    detail = f"the service has forgotten the call {call_id}"
    return VoiceHealth(finding="orphaned_result", detail=detail, action="not sent")


def replayed(entries: Sequence[Entry]) -> list[ReplayedItem]:
    """What is sent again; pieces of audio that follow each other are one stretch."""
    items = []
    for (kind, uncertain), group in groupby(entries, key=lambda entry: (entry.kind, entry.uncertain)):
        run = list(group)
        if kind == "audio":
            start_ms, last = run[0].start_ms, run[-1]
            duration_ms = last.start_ms + last.duration_ms - start_ms
            items.append(
                ReplayedItem(kind=kind, start_ms=round(start_ms), duration_ms=round(duration_ms), uncertain=uncertain)
            )
        else:
            items += [ReplayedItem(kind=kind, text=entry.label, uncertain=uncertain) for entry in run]
    return items
