"""A host on google-genai."""

from __future__ import annotations

import asyncio
from typing import Any

from google import genai
from google.genai import types

from reliability.hosts.functions import BOOK, DEFECT, result_of


def declared(name: str, /, **parameters: types.Type) -> types.FunctionDeclaration:
    """A function for the model."""
    properties = {parameter: types.Schema(type=kind) for parameter, kind in parameters.items()}
    schema = types.Schema(type=types.Type.OBJECT, properties=properties, required=list(properties))
    return types.FunctionDeclaration(name=name, parameters=schema)


BOOKING = declared(BOOK, guests=types.Type.INTEGER, hour=types.Type.INTEGER, name=types.Type.STRING)
PRICE = declared("price", dish=types.Type.STRING)


async def main() -> None:
    handle: str | None = None
    while True:
        config = types.LiveConnectConfig(
            response_modalities=[types.Modality.AUDIO],
            output_audio_transcription=types.AudioTranscriptionConfig(),
            tools=[types.Tool(function_declarations=[BOOKING, PRICE])],
            session_resumption=types.SessionResumptionConfig(
                handle=None if DEFECT == "forgets after a cut" else handle
            ),
        )
        if DEFECT == "talks over the caller":
            config.realtime_input_config = types.RealtimeInputConfig(
                activity_handling=types.ActivityHandling.NO_INTERRUPTION
            )
        try:
            async with genai.Client().aio.live.connect(model="gemini-3.8-live", config=config) as session:
                while True:
                    async for message in session.receive():
                        if update := message.session_resumption_update:
                            handle = update.new_handle or handle
                        for call in message.tool_call.function_calls or () if message.tool_call else ():
                            answering.add(asyncio.create_task(answer(session, call)))
        except Exception:
            if DEFECT == "gives up":
                raise
            await asyncio.sleep(0.1)


answering: set[asyncio.Task[None]] = set()


async def answer(session: Any, call: types.FunctionCall) -> None:
    """Tell the model what a function gives."""
    response = await result_of(call.name or "", call.args or {})
    await session.send_tool_response(
        function_responses=types.FunctionResponse(id=call.id, name=call.name, response=response)
    )


asyncio.run(main())
