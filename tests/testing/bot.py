"""A voice agent on google-genai, as anybody would write it; `--stubborn` ends only when it is killed."""

from __future__ import annotations

import asyncio
import signal
import sys

from google import genai
from google.genai import types

WEATHER = types.FunctionDeclaration(
    name="get_weather",
    parameters=types.Schema(
        type=types.Type.OBJECT, properties={"city": types.Schema(type=types.Type.STRING)}, required=["city"]
    ),
)


async def main() -> None:
    config = types.LiveConnectConfig(
        response_modalities=[types.Modality.AUDIO], tools=[types.Tool(function_declarations=[WEATHER])]
    )
    async with genai.Client().aio.live.connect(model="gemini-3.8-live", config=config) as session:
        while True:
            async for message in session.receive():
                for call in message.tool_call.function_calls or () if message.tool_call else ():
                    city = (call.args or {})["city"]
                    print(f"the caller asks for {city}")
                    response = {"output": f"foggy in {city}"}
                    await session.send_tool_response(
                        function_responses=types.FunctionResponse(id=call.id, name=call.name, response=response)
                    )


if __name__ == "__main__":
    if "--stubborn" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    asyncio.run(main())
