"""AG2 up to 0.14: its own `RealtimeAgent` talks through this package's client.

    import gemini_realtime.integrations.ag2

    gemini_realtime.integrations.ag2.install()
    agent = autogen.agentchat.realtime.experimental.RealtimeAgent(...)

AG2's observers and adapters ask `isinstance` of AG2's event classes, so they are given those; what AG2 has no class for
(transcripts, interruptions, ends of turns, ...) comes as this package's events.
"""

from __future__ import annotations

from importlib import import_module

from gemini_realtime.client import GeminiRealtimeClient
from gemini_realtime.errors import ConfigError
from gemini_realtime.integrations.ag2_events import AG2

__all__ = ["install"]


def install() -> None:
    """Put this package's client in the place of AG2's own, for configurations with `api_type` `google`.

    Raises:
        ConfigError: AG2 with its realtime agent is not installed.
    """
    try:
        register = import_module(f"{AG2}.clients.realtime_client")
        replaced = import_module(f"{AG2}.clients.gemini.client").GeminiRealtimeClient
    except ImportError as error:
        raise ConfigError(
            "AG2 with its realtime agent is not installed", remedy="pip install 'ag2[gemini-realtime]<0.14'"
        ) from error
    classes = register._realtime_client_classes
    for name in [name for name, client_class in classes.items() if client_class is replaced]:
        del classes[name]
    register.register_realtime_client()(GeminiRealtimeClient)
