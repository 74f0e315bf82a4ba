"""`gemini-realtime web`: an agent, a service for it to talk to, and the page."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import webbrowser
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

from gemini_realtime import ListenError, LiveServer, MissingDependencyError, RealtimeAgent
from gemini_realtime.cli import demo
from gemini_realtime.cli.extras import require_server
from gemini_realtime.cli.options.web import WebOptions
from gemini_realtime.cli.talk import DEFAULT_MODEL, key_variable, without_secrets
from gemini_realtime.web.access import Access, access_to, is_loopback
from gemini_realtime.web.agents import AgentMaker, maker_of
from gemini_realtime.web.app import about, page_app
from gemini_realtime.web.conversation import Limits
from gemini_realtime.web.serving import page_served

DEFAULT_PORT: Final = 8760
"""Always the same, so that a page finds its server again after a restart; another where this one is taken."""

ANY_ADDRESS: Final = ("0.0.0.0", "::")

INSTRUCTIONS: Final = (
    "You are the guide of a page on which people try a spoken conversation for the first time. "
    "Answer in one or two short, friendly sentences. Ask the function for the weather when you are asked for it."
)

SUGGESTIONS: Final = ("What is the weather in London?", "Tell me a long story.", "What time is it?")

OTHER_SERVICES: Final = (
    "GOOGLE_GEMINI_BASE_URL", "GOOGLE_VERTEX_BASE_URL", "GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_CLOUD_PROJECT",
)  # fmt: skip
"""Variables that lead an agent somewhere, also without a key."""


async def web(options: WebOptions) -> None:
    """Serve the page until cancelled."""
    names = [*(options.name or ()), *([socket.gethostname()] if options.host in ANY_ADDRESS else ())]
    recording = options.recording  # refused before anything is opened
    limits = Limits(conversations=options.max_conversations, conversation_s=options.max_minutes * 60)
    access = access_to(options.host, options.auth, names, _cache_folder())
    async with AsyncExitStack() as stack:
        entry, talks_to = await _service(options, stack)
        make_agent = _agent_maker(options, entry)
        first = await make_agent(None)
        shown = about(
            agent=first.name,
            model=first.model,
            voice=first.voice,
            instructions=first.system_message,
            talks_to=talks_to,
            chooses_model=options.agent is None,
            suggestions=SUGGESTIONS if options.agent is None else (),
        )
        app = page_app(make_agent, access, shown, limits=limits, recording=recording)
        port = await _served(app, options, stack)
        tell(options, access, port, talks_to)
        await asyncio.Event().wait()


def tell(options: WebOptions, access: Access, port: int, talks_to: str) -> None:
    """Say where the page is, and open it in the browser of this machine."""
    scheme = "https" if options.certificate else "http"
    host = socket.gethostname() if options.host in ANY_ADDRESS else options.host
    name = f"[{host}]" if ":" in host else host
    address = f"{scheme}://{name}:{port}/"
    # The fragment of an address is never sent anywhere, and the page takes it out of the address at once.
    shown = address if options.auth else f"{address}#secret={access.secret}"
    print(f"ready {shown}", f"It talks to {talks_to}, until Ctrl-C.", sep="\n", flush=True)
    if options.open_browser and is_loopback(options.host) and _has_screen():
        webbrowser.open(address if options.auth else f"{address}#ticket={access.ticket()}")


def _has_screen() -> bool:
    """Whether there is one for a browser: without, Python would open one that takes the terminal."""
    return sys.platform in ("darwin", "win32") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")))


async def _served(app: Any, options: WebOptions, stack: AsyncExitStack) -> int:
    """Serve the page, and say at which port."""
    files = {"certificate": options.certificate, "key": options.key}
    try:
        port = DEFAULT_PORT if options.port is None else options.port
        return await stack.enter_async_context(page_served(app, options.host, port, **files))
    except ListenError:
        if options.port is not None:
            raise
        return await stack.enter_async_context(page_served(app, options.host, 0, **files))


async def _service(options: WebOptions, stack: AsyncExitStack) -> tuple[dict[str, Any], str]:
    """Who agents talk to, as an entry of `config_list`, and by the environment for agents of the user; and its name."""
    if options.url is not None:
        os.environ["GOOGLE_GEMINI_BASE_URL"] = options.url
        return {"base_url": options.url}, without_secrets(options.url)
    if _wants_embedded(options):
        require_server()
        server = await stack.enter_async_context(LiveServer(tls=options.agent is not None))
        if options.agent is not None:
            os.environ.update(server.environment())
        return server.llm_config()["config_list"][0], "the embedded server"
    key = key_variable()
    return {}, f"Gemini, with the key in {key}" if key else "the service of the environment"


def _wants_embedded(options: WebOptions) -> bool:
    if options.embedded is not None:
        return options.embedded
    variables = OTHER_SERVICES if options.agent is not None else ()
    return key_variable() is None and not any(os.environ.get(name) for name in variables)


def _agent_maker(options: WebOptions, entry: dict[str, Any]) -> AgentMaker:
    if options.agent is not None:
        sys.path.insert(0, os.getcwd())  # where the agent's module is, as for `python -m`
        return maker_of(options.agent)
    return guide_maker(entry, options.model or DEFAULT_MODEL)


def guide_maker(entry: dict[str, Any], default_model: str = DEFAULT_MODEL) -> AgentMaker:
    """Makes agents that know the weather, for who has none; they talk to whom the entry of `config_list` names."""

    async def make_guide(model: str | None) -> RealtimeAgent:
        chosen = {"model": model or default_model, "api_type": "google"}
        agent = RealtimeAgent(
            name="Guide", system_message=INSTRUCTIONS, llm_config={"config_list": [{**entry, **chosen}]}
        )
        agent.register_realtime_function()(demo.get_weather)
        return agent

    return make_guide


def _cache_folder() -> Path:
    try:
        from platformdirs import user_cache_path
    except ImportError as error:
        raise MissingDependencyError("the page", "web") from error
    return user_cache_path("gemini-realtime", appauthor=False)
