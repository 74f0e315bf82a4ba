"""A voice agent on AG2 0.9 to 0.13, in the form of its WebSocket notebook; `ag2_after.py` is the same, moved here."""

import os
from logging import getLogger
from typing import Annotated

from autogen.agentchat.realtime.experimental import RealtimeAgent, WebSocketAudioAdapter
from fastapi import FastAPI, WebSocket

app = FastAPI()
llm_config = {
    "config_list": [
        {
            "model": "gemini-2.5-flash-native-audio-preview-12-2025",
            "api_key": os.environ.get("GEMINI_API_KEY") or os.environ["GOOGLE_API_KEY"],
            "api_type": "google",
        }
    ],
}


@app.websocket("/media-stream")
async def handle_media_stream(websocket: WebSocket) -> None:
    """Audio of the browser, to the model and back."""
    await websocket.accept()
    logger = getLogger("uvicorn.error")
    audio_adapter = WebSocketAudioAdapter(websocket, logger=logger)
    realtime_agent = RealtimeAgent(
        name="Weather Bot",
        system_message="You are an AI voice assistant. You can talk about the weather.",
        llm_config=llm_config,
        audio_adapter=audio_adapter,
        logger=logger,
    )

    @realtime_agent.register_realtime_function(name="get_weather", description="Get the current weather")
    def get_weather(location: Annotated[str, "city"]) -> str:
        return "The weather is cloudy." if location == "Seattle" else "The weather is sunny."

    await realtime_agent.run()
