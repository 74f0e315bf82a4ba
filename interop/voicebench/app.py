"""Agents that both call: binary PCM over a WebSocket, and `clear` in voicebench's words.

`/talk` is a real one. `/known` says words of no meaning, at times that are known: so it can be told who measures right.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from gemini_realtime import RealtimeAgent, WebSocketAudioAdapter
from gemini_realtime.audio.format import INPUT_FORMAT, OUTPUT_FORMAT
from gemini_realtime.audio.levels import last_audible_ms
from gemini_realtime.local.speech.spelled import hum

ANSWER_AFTER_S: Final = 0.8  # later than the silence at the end of what voicebench plays, after which it waits
STOP_AFTER_S: Final = 0.1
_ANSWER: Final = hum(3000, OUTPUT_FORMAT)


class Adapter(WebSocketAudioAdapter):
    """Tells voicebench to throw away what it has not played."""

    def clear_message(self) -> dict[str, Any]:
        return {"type": "clear"}


async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    config = {"config_list": [{"model": "gemini-3.8-live", "api_type": "google"}]}
    await RealtimeAgent(name="guide", audio_adapter=Adapter(websocket, binary=True), llm_config=config).run()


class Known:
    """Answers so long after what was last to be heard has come, and stops so long after something is again."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._answer: asyncio.Task[None] | None = None
        self._stop: asyncio.Task[None] | None = None
        self._silent_at = 0.0  # when the answer has been played

    async def talk(self) -> None:
        await self._websocket.accept()
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                if last_audible_ms(await self._websocket.receive_bytes(), INPUT_FORMAT) is not None:
                    await self._heard()

    async def _heard(self) -> None:
        """Something is to be heard, and may be the last of it."""
        now = asyncio.get_running_loop().time()
        if now < self._silent_at:
            self._silent_at = 0.0
            self._stop = asyncio.create_task(self._clear())
        if self._answer is not None:
            self._answer.cancel()
        self._answer = asyncio.create_task(self._say())

    async def _clear(self) -> None:
        await asyncio.sleep(STOP_AFTER_S)
        await self._websocket.send_json({"type": "clear"})

    async def _say(self) -> None:
        await asyncio.sleep(ANSWER_AFTER_S)
        self._silent_at = asyncio.get_running_loop().time() + OUTPUT_FORMAT.duration_ms(len(_ANSWER)) / 1000
        await self._websocket.send_bytes(_ANSWER)


async def known(websocket: WebSocket) -> None:
    await Known(websocket).talk()


app = Starlette(routes=[WebSocketRoute("/talk", talk), WebSocketRoute("/known", known)])
