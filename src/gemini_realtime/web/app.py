"""The page and what it asks for, as an ASGI application."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from gemini_realtime.errors import MissingDependencyError

try:
    from starlette.applications import Starlette
    from starlette.datastructures import Headers, MutableHeaders
    from starlette.requests import Request
    from starlette.responses import FileResponse, JSONResponse, PlainTextResponse
    from starlette.routing import Mount, Route, WebSocketRoute
    from starlette.staticfiles import StaticFiles
    from starlette.types import ASGIApp, Message, Receive, Scope, Send
    from starlette.websockets import WebSocket
except ImportError as error:
    raise MissingDependencyError("the page", "web") from error

from gemini_realtime.protocol.families import FAMILIES, VOICES, Family
from gemini_realtime.protocol.options import DEFAULT_VOICE
from gemini_realtime.recordings.recorder import RecordingOptions
from gemini_realtime.version import __version__
from gemini_realtime.web.access import Access
from gemini_realtime.web.agents import AgentMaker
from gemini_realtime.web.conversation import Conversations, Limits

STATIC: Final = Path(__file__).parent / "static"

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; "
    "connect-src 'self' {sockets}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Everything comes from here, and nothing goes elsewhere; the page writes no script or style into itself. Not every
browser takes a WebSocket of the page's own host for 'self'."""

_HEADERS: Final = {
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def page_app(
    make_agent: AgentMaker,
    access: Access,
    about: Mapping[str, Any],
    *,
    limits: Limits | None = None,
    recording: RecordingOptions | None = None,
) -> Starlette:
    """The application.

    Args:
        make_agent: makes an agent for each conversation.
        access: who may use it.
        about: what the page shows of the agent: see `about()`.
        limits: how many conversations, and how long.
        recording: where each conversation is recorded; not at all by default.
    """
    conversations = Conversations(access, make_agent, limits or Limits(), recording)

    async def page(request: Request) -> FileResponse:
        return FileResponse(STATIC / "index.html")

    async def tell_about(request: Request) -> JSONResponse:
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not await access.admits(unquote(secret)):
            return JSONResponse({"problem": "wrong secret"}, 401)
        return JSONResponse(dict(about))

    async def enter(request: Request) -> JSONResponse:
        secret = access.redeem(request.headers.get("x-ticket"))
        return JSONResponse({"secret": secret}) if secret else JSONResponse({"problem": "the ticket is used"}, 401)

    async def talk(websocket: WebSocket) -> None:
        await websocket.accept()
        await conversations.hold(websocket)

    routes = [
        Route("/", page),
        Route("/about", tell_about),
        Route("/enter", enter, methods=["POST"]),
        WebSocketRoute("/talk", talk),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    app = Starlette(routes=routes)
    app.add_middleware(_Door, access=access)
    return app


def about(
    *,
    agent: str,
    model: str,
    voice: str | None,
    instructions: str,
    talks_to: str,
    chooses_model: bool,
    suggestions: Sequence[str] = (),
) -> dict[str, Any]:
    """What the page shows before a conversation.

    Args:
        agent: its name.
        model: that it talks to.
        voice: that it has; None for the client's default.
        instructions: that it has.
        talks_to: the service, in words.
        chooses_model: whether the page may choose another model.
        suggestions: what may be said to it first.
    """
    models = [name for family in FAMILIES if _speaks(family) for name in family.names]
    return {
        "agent": agent,
        "model": model,
        "models": models if chooses_model else [],
        "voice": voice or DEFAULT_VOICE,
        "voices": sorted(VOICES),
        "instructions": instructions,
        "talks_to": talks_to,
        "suggestions": list(suggestions),
        "version": __version__,
    }


def _speaks(family: Family) -> bool:
    return family.task == "converse" and family.gone is None and "AUDIO" in family.modalities


class _Door:
    """Turns away whoever comes by another name or from another site, and says what browsers may do with the page."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self._access.allows_host(host):
            return await _refused(421, "This page is not served under that name.")(scope, receive, send)
        from_elsewhere = origin is not None and not self._access.allows_origin(origin, host)
        if from_elsewhere or (scope["type"] == "websocket" and origin is None):
            return await _refused(403, "Only the page itself may ask for this.")(scope, receive, send)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_headers(host))
            await send(message)

        return await self._app(scope, receive, send_with_headers)


def _refused(status: int, why: str) -> PlainTextResponse:
    return PlainTextResponse(why + "\n", status, headers=_headers(""))


def _headers(host: str) -> dict[str, str]:
    """What browsers are told about a page that was asked for under this name."""
    sockets = f"ws://{host} wss://{host}" if host else ""
    return {**_HEADERS, "Content-Security-Policy": _POLICY.format(sockets=sockets)}
