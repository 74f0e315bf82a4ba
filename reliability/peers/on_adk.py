"""The agent on Google's Agent Development Kit."""

from __future__ import annotations

import asyncio

from google.adk.agents import Agent, LiveRequestQueue
from google.adk.agents.run_config import RunConfig, StreamingMode
from google.adk.runners import InMemoryRunner
from google.genai import types

from reliability.peers.till import INSTRUCTIONS, ask_for_everything, pay_for


async def pay(item: str) -> str:
    """Pay for an item."""
    return await pay_for(item)


agent = Agent(name="payer", model="gemini-3.8-live", instruction=INSTRUCTIONS, tools=[pay])
config = RunConfig(
    streaming_mode=StreamingMode.BIDI,
    response_modalities=[types.Modality.AUDIO],
    session_resumption=types.SessionResumptionConfig(),
)


async def main() -> None:
    runner = InMemoryRunner(agent=agent, app_name="till")
    session = await runner.session_service.create_session(app_name="till", user_id="ada")
    queue = LiveRequestQueue()

    async def listen() -> None:
        async for _ in runner.run_live(
            user_id="ada", session_id=session.id, live_request_queue=queue, run_config=config
        ):
            pass

    async def ask(words: str) -> None:
        queue.send_content(types.Content(role="user", parts=[types.Part(text=words)]))

    listening = asyncio.create_task(listen())
    await ask_for_everything(ask)
    listening.cancel()


asyncio.run(main())
