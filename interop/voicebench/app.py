"""An agent that both call: binary PCM over a WebSocket, and `clear` in voicebench's words."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from gemini_realtime import RealtimeAgent, WebSocketAudioAdapter


class Adapter(WebSocketAudioAdapter):
    """Tells voicebench to throw away what it has not played."""

    def clear_message(self) -> dict[str, Any]:
        return {"type": "clear"}


async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    config = {"config_list": [{"model": "gemini-3.8-live", "api_type": "google"}]}
    await RealtimeAgent(name="guide", audio_adapter=Adapter(websocket, binary=True), llm_config=config).run()


app = Starlette(routes=[WebSocketRoute("/talk", talk)])
