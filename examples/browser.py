"""An agent in the browser: the microphone of the page, and its loudspeaker, over a WebSocket of binary PCM.

    uvicorn examples.browser:app                                   # talks to Gemini: set GEMINI_API_KEY
    gemini-realtime offline -- uvicorn examples.browser:app        # the embedded server in its place

Open http://127.0.0.1:8000; from other machines browsers give the microphone to https only.
"""

from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from gemini_realtime import (
    InputTranscript,
    OutputTranscript,
    RealtimeAgent,
    RealtimeEvent,
    RealtimeObserver,
    WebSocketAudioAdapter,
)


class Subtitles(RealtimeObserver):
    """Shows the page what is said."""

    def __init__(self, websocket: WebSocket) -> None:
        super().__init__()
        self._websocket = websocket

    async def initialize_session(self) -> None: ...

    async def run_loop(self) -> None: ...

    async def on_event(self, event: RealtimeEvent) -> None:
        if isinstance(event, InputTranscript | OutputTranscript):
            who = "you" if isinstance(event, InputTranscript) else "agent"
            await self._websocket.send_json({"event": "said", "who": who, "text": event.text})


async def page(request: Request) -> FileResponse:
    return FileResponse(Path(__file__).with_name("browser.html"))


async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    agent = RealtimeAgent(
        name="guide",
        audio_adapter=WebSocketAudioAdapter(websocket, binary=True),
        observers=[Subtitles(websocket)],
        llm_config={"config_list": [{"model": "gemini-3.8-live", "api_type": "google"}]},
    )
    await agent.run()


app = Starlette(routes=[Route("/", page), WebSocketRoute("/talk", talk)])
