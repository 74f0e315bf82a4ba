"""Push to talk: Enter opens the microphone, Enter again closes it and asks for the answer. Needs the extra `[devices]`.

python examples/push_to_talk.py                                   # talks to Gemini: set GEMINI_API_KEY
gemini-realtime offline -- python examples/push_to_talk.py        # the embedded server in its place
"""

import asyncio
import sys

from gemini_realtime import ConversationLog, DeviceAudioAdapter, RealtimeAgent


async def enter(prompt: str) -> bool:
    """Wait for Enter; False when the input is over."""
    print(prompt, flush=True)
    return bool(await asyncio.to_thread(sys.stdin.readline))


async def main() -> None:
    sound, log = DeviceAudioAdapter(push_to_talk=True), ConversationLog()
    agent = RealtimeAgent(
        name="radio",
        audio_adapter=sound,
        observers=[log],
        llm_config={"config_list": [{"model": "gemini-3.8-live", "api_type": "google"}]},
    )
    async with agent.running():
        while await enter("Enter to talk, Ctrl-D to end."):
            await sound.press()
            await enter("Enter when you have finished.")
            await sound.release()
            print("Agent:", (await log.next_answer()).said)


asyncio.run(main())
