"""The responder that says what it heard: for measuring how long the way there and back takes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from gemini_realtime.local.thinking import Request, Responder, Say


class Echo(Responder):
    """Says the words that it heard, and nothing else."""

    async def respond(self, request: Request) -> AsyncIterator[Say]:
        """Say the words back; nothing when there are none, or when there is a result to speak of."""
        if request.heard and not request.results:
            yield Say(request.heard)

    def grammar(self, tools: Sequence[dict[str, Any]]) -> None:
        """Anything may be said."""
