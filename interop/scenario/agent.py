"""An agent that takes bookings, with a defect or none, behind the embedded server: binary PCM over a WebSocket.

python -m interop.scenario.agent PORT DEFECT

What it is heard to say is understood at `/heard`, for who has no recogniser.
"""

from __future__ import annotations

import asyncio
import sys

import uvicorn
from reliability.defects import DEFECTS
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from gemini_realtime import LiveServer, WebSocketAudioAdapter
from gemini_realtime.local.speech.defaults import DefaultHearing


async def main(port: int, defect: str) -> None:
    planted, hearing = DEFECTS[defect], DefaultHearing()
    async with LiveServer(responder=planted.model, hearing=hearing) as server:

        async def talk(websocket: WebSocket) -> None:
            await websocket.accept()
            await planted.program(server.llm_config(), WebSocketAudioAdapter(websocket, binary=True)).run()

        async def heard(request: Request) -> PlainTextResponse:
            return PlainTextResponse(await hearing.transcribe(await request.body(), phrases=None))

        routes = [WebSocketRoute("/talk", talk), Route("/heard", heard, methods=["POST"])]
        await uvicorn.Server(uvicorn.Config(Starlette(routes=routes), port=port, log_level="error")).serve()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
