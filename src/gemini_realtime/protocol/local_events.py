"""What this side has to say about the conversation: events without a message of the service."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from gemini_realtime.errors import ConnectionClosed, GeminiRealtimeError
from gemini_realtime.protocol.audio_ring import REASONS, Cause, Piece
from gemini_realtime.protocol.events import AudioDropped, ConnectionLost, Reconnecting, ReplayedItem, VoiceHealth
from gemini_realtime.protocol.ledger import Entry
from gemini_realtime.protocol.messages import CloseCode

LABEL_CHARACTERS = 60
"""So much of a text tells an application which one is meant."""


def connection_lost(error: GeminiRealtimeError) -> ConnectionLost:
    """The conversation goes on elsewhere."""
    if isinstance(error, ConnectionClosed):
        return ConnectionLost(code=error.code, reason=error.reason)
    return ConnectionLost(code=CloseCode.NONE, reason=error.problem)


def audio_dropped(duration_ms: int, cause: Cause) -> AudioDropped:
    """Microphone audio that nobody will hear."""
    return AudioDropped(duration_ms=duration_ms, reason=REASONS[cause])


def reconnecting(error: GeminiRealtimeError, attempt: int, wait_s: float) -> Reconnecting:
    """An attempt to reconnect has failed, and there will be another."""
    return Reconnecting(attempt=attempt, wait_ms=round(wait_s * 1000), reason=str(error))


def rejected(messages: Sequence[Entry | Piece], error: GeminiRealtimeError) -> list[VoiceHealth]:
    """Messages that the service has closed the session on again and again."""
    names = [_name_of(message) for message in messages if isinstance(message, Entry)]
    if audio_ms := round(sum(message.duration_ms for message in messages if isinstance(message, Piece))):
        names.append(f"{audio_ms} ms of audio")
    return [
        VoiceHealth(finding="message_rejected", detail=f"{name}; {error}", action="not sent again") for name in names
    ]


def _name_of(entry: Entry) -> str:
    if entry.kind == "function_result":
        return f"the result for the call {entry.label}"
    return f"{entry.kind} {entry.label[:LABEL_CHARACTERS]}".strip()


def orphaned(call_id: str, *, known: bool = True) -> VoiceHealth:
    """A function's result that nobody waits for.

    Args:
        call_id: of the call.
        known: the service has made that call and forgotten it; else it was answered, or is of another conversation.
    """
    forgotten = "the service has forgotten the call" if known else "in this conversation no call is open by the id"
    detail = f"{forgotten} {call_id}"
    return VoiceHealth(finding="orphaned_result", detail=detail, action="not sent")


def replayed(entries: Sequence[Entry | Piece]) -> list[ReplayedItem]:
    """What is sent again; pieces of audio that follow each other are one stretch."""
    items = []
    for (kind, uncertain), group in groupby(entries, key=lambda entry: (entry.kind, entry.uncertain)):
        run = list(group)
        pieces = [item for item in run if isinstance(item, Piece)]
        if pieces:
            start_ms, last = pieces[0].start_ms, pieces[-1]
            duration_ms = last.start_ms + last.duration_ms - start_ms
            items.append(
                ReplayedItem(kind=kind, start_ms=round(start_ms), duration_ms=round(duration_ms), uncertain=uncertain)
            )
        texts = [item.label for item in run if isinstance(item, Entry)]
        items += [ReplayedItem(kind=kind, text=text, uncertain=uncertain) for text in texts]
    return items
