"""AG2's event classes in place of ours, for AG2's agent: its observers ask `isinstance` of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from importlib import import_module
from typing import Any, Final

from gemini_realtime.protocol.events import RealtimeEvent

AG2: Final = "autogen.agentchat.realtime.experimental"


def with_events_of_ag2(client_class: Any) -> Any:
    """The client, with AG2's events in place of those of ours that AG2 has a class for."""
    theirs = import_module(f"{AG2}.realtime_events")
    makers: dict[type, Callable[[Any], Any]] = {}
    our_classes: list[type[RealtimeEvent]] = [RealtimeEvent, *RealtimeEvent.__subclasses__()]
    for ours in our_classes:
        if (known := getattr(theirs, ours.__name__, None)) is not None:
            makers[ours] = _maker(ours, known)

    class GeminiRealtimeClientOfAG2(client_class):  # type: ignore[misc]
        """The same client, whose events AG2 knows."""

        async def read_events(self, *, echoes: bool = True) -> AsyncGenerator[Any, None]:
            async with aclosing(super().read_events(echoes=echoes)) as events:
                async for event in events:
                    maker = makers.get(type(event))
                    yield event if maker is None else maker(event)

    return GeminiRealtimeClientOfAG2


def _maker(ours: type[RealtimeEvent], theirs: Any) -> Callable[[Any], Any]:
    names = [name for name in ours.__struct_fields__ if name in theirs.model_fields and name != "type"]

    def make(event: RealtimeEvent) -> Any:
        # Unchecked: what the fields hold has been checked, and audio comes fifty times a second.
        return theirs.model_construct(**{name: getattr(event, name) for name in names})

    return make
