"""A token is made that fixes the configuration and has one use; who holds it can connect once, without a key."""

from __future__ import annotations

import asyncio

from google import genai
from google.genai import errors, types

from interop.google_genai.session import GEMINI, aloud, ask, hear

OPTIONS = types.HttpOptions(api_version="v1alpha")  # the SDK's documentation asks for it


async def main() -> None:
    server_side = genai.Client(http_options=OPTIONS)
    constraints = types.LiveConnectConstraints(model=GEMINI, config=aloud(system_instruction="Your name is Zoe."))
    token = await server_side.aio.auth_tokens.create(
        config=types.CreateAuthTokenConfig(uses=1, live_connect_constraints=constraints)
    )
    print(token)
    assert token.name
    assert token.name.startswith("auth_tokens/")

    browser_side = genai.Client(api_key=token.name, http_options=OPTIONS)
    async with browser_side.aio.live.connect(model=GEMINI, config=aloud()) as session:
        await ask(session, "What is your name?")
        (await hear(session)).expect("zoe")
    refusal = await refused(browser_side)
    print(refusal)
    assert "uses exceeded" in refusal, "a token of one use was good for two"


async def refused(client: genai.Client) -> str:
    """Connect, and give the words with which the session ends."""
    try:
        async with client.aio.live.connect(model=GEMINI, config=aloud()) as session:
            await hear(session)
    except errors.APIError as refusal:
        return str(refusal)
    return ""


asyncio.run(main())
