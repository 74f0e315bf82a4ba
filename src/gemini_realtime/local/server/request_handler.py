"""Who comes in at the ports of the server, and what they are told who do not."""

from __future__ import annotations

import logging
from collections.abc import Callable

import picows

from gemini_realtime.local.faults.plan import Faults
from gemini_realtime.local.server.access import CALLER_UNKNOWN, TOKEN_PATHS, Access, Credentials, Route
from gemini_realtime.local.server.connection import Connection
from gemini_realtime.local.server.http import Request, Response, error
from gemini_realtime.local.server.limits import Limits
from gemini_realtime.local.server.observing import Observing
from gemini_realtime.local.server.service import Service
from gemini_realtime.local.server.token_check import Rejected, TokenCheck
from gemini_realtime.local.server.tokens import BadTokenRequest, Tokens

_STATUS_PATHS = ("/", "/healthz")

_log = logging.getLogger(__name__)


class RequestHandler:
    """Answers handshakes and plain requests.

    Args:
        access: who may come in.
        tokens: made and found here.
        limits: of the server.
        service: serves who is let in.
        clock: seconds, monotonic.
        faults: what goes wrong.
        observing: makes those who are told what goes over the connections.

    Attributes:
        stopping: nobody is let in any more.
    """

    def __init__(
        self,
        access: Access,
        tokens: Tokens,
        limits: Limits,
        service: Service,
        clock: Callable[[], float],
        faults: Faults,
        observing: Observing,
    ) -> None:
        self._access = access
        self._tokens = tokens
        self._limits = limits
        self._service = service
        self._clock = clock
        self._faults = faults
        self._observing = observing
        self.stopping = False

    def accept(self, upgrade: picows.WSUpgradeRequest) -> Connection | picows.WSUpgradeResponseWithListener:
        """Answer a request by GET: the connection that a handshake opens, or a response."""
        request = Request.of(upgrade.method, upgrade.path, upgrade.headers.items())
        refused = self._access.host_refused(request)
        if refused is not None:
            return _without_listener(refused)
        if "upgrade" not in request.headers.get("connection", "").lower():
            return _without_listener(self.answer(request))
        # picows fails at telling that it does not know such a version. Of several it reads the first.
        if not (upgrade.headers.get("sec-websocket-version") or "").isascii():
            return _without_listener(error(400, "INVALID_ARGUMENT", "Sec-WebSocket-Version is not a number."))
        # Firefox sends `keep-alive, Upgrade`, which picows does not read as a list.
        upgrade.headers["connection"] = "Upgrade"
        refused = self._access.page_refused(request)
        if refused is not None:
            return _without_listener(refused)
        route = Route.of(request.path)
        if route is None:
            return _without_listener(_not_found(request))
        refused = self._refused(request, route)
        if refused is not None:
            return _without_listener(refused)
        turned_away = self._faults.turn_away()
        if turned_away is not None:
            return picows.WSUpgradeResponseWithListener(turned_away, None)
        return self._connect(route, Credentials.of(request))

    def answer(self, request: Request) -> Response:
        """Answer a request that is no handshake."""
        refused = self._access.page_refused(request)
        if refused is not None:
            return refused
        if request.path in TOKEN_PATHS:
            return self._make_token(request)
        if request.path in _STATUS_PATHS and request.method in ("GET", "HEAD"):
            return Response(200, {"status": "ready", "sessions": len(self._service.served)})
        if Route.of(request.path):
            return error(400, "FAILED_PRECONDITION", "The Live API is spoken over a WebSocket: upgrade to one.")
        return _not_found(request)

    def _refused(self, request: Request, route: Route) -> Response | None:
        if self.stopping:
            return error(503, "UNAVAILABLE", "The server stops.")
        if len(self._service.served) >= self._limits.sessions:
            return error(429, "RESOURCE_EXHAUSTED", f"{self._limits.sessions} sessions are open, which is the limit.")
        return self._access.caller_refused(request) if route.vertex else None

    def _connect(self, route: Route, credentials: Credentials) -> Connection:
        connection = self._faults.connection(self._limits)
        token = self._tokens.find(credentials.token) if route.constrained and credentials.token else None
        rule = None if route.vertex else self._access.connection_refused(route, credentials)
        if rule is None and route.constrained and token is None:
            rule = CALLER_UNKNOWN
        if rule is not None:
            _log.info("a caller is refused: %s", rule.reason)
            Rejected(connection, rule)
            return connection
        connection.observers = self._observing.observers()
        self._service.serve(connection, route.api)
        if token is not None and connection.receiver is not None:
            TokenCheck(connection, connection.receiver, token, self._clock)
        return connection

    def _make_token(self, request: Request) -> Response:
        if request.method != "POST":
            return error(405, "INVALID_ARGUMENT", "A token is made by POST.")
        refused = self._access.caller_refused(request)
        if refused is not None:
            return refused
        try:
            return Response(200, self._tokens.mint(request.body))
        except BadTokenRequest as problem:
            return error(400, "INVALID_ARGUMENT", str(problem))


def _not_found(request: Request) -> Response:
    return error(404, "NOT_FOUND", f"{request.path} is not found on this server, which knows the Live API only.")


def _without_listener(response: Response) -> picows.WSUpgradeResponseWithListener:
    """A response for picows to send, before it closes the connection."""
    if response.status < 400:
        answer = picows.WSUpgradeResponse.create_ok_response(response.body, response.headers)
    else:
        answer = picows.WSUpgradeResponse.create_error_response(response.status, response.body, response.headers)
    return picows.WSUpgradeResponseWithListener(answer, None)
