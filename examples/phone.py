"""An agent that answers the telephone: FastAPI and Twilio Media Streams.

    uvicorn examples.phone:app                                     # talks to Gemini: set GEMINI_API_KEY
    gemini-realtime offline -- uvicorn examples.phone:app          # the embedded server in its place

Point the voice webhook of a Twilio number at `https://HOST/incoming`.
"""

import os
from xml.sax.saxutils import quoteattr

from fastapi import FastAPI, HTTPException, Request, Response, WebSocket

from gemini_realtime import RealtimeAgent, TwilioAudioAdapter
from gemini_realtime.adapters.twilio import signed_by_twilio

app = FastAPI()
TOKEN = os.environ["TWILIO_AUTH_TOKEN"]  # the requests are signed with it


@app.post("/incoming")
async def incoming(request: Request) -> Response:
    """Tell Twilio where to stream the call."""
    form = {name: str(value) for name, value in (await request.form()).items()}
    if not signed_by_twilio(TOKEN, str(request.url), request.headers.get("X-Twilio-Signature", ""), form):
        raise HTTPException(403, "not signed by Twilio")
    stream = quoteattr(str(request.url_for("call")))  # wss:// where the request came by https://
    twiml = f"<Response><Connect><Stream url={stream}/></Connect></Response>"
    return Response(twiml, media_type="application/xml")


@app.websocket("/call")
async def call(websocket: WebSocket) -> None:
    """Hold the conversation until somebody hangs up."""
    await websocket.accept()
    agent = RealtimeAgent(
        name="weather line",
        audio_adapter=TwilioAudioAdapter(websocket),
        system_message="You answer the telephone of a weather service.",
        llm_config={"config_list": [{"model": "gemini-3.8-live", "api_type": "google"}]},
    )

    @agent.register_realtime_function()
    def get_weather(city: str) -> str:
        """Get the weather in a city."""
        return f"It is foggy and 12 degrees in {city}."

    await agent.run()
