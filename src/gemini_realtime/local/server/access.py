"""Who may come in, without any I/O: paths, origins, keys and tokens."""

from __future__ import annotations

import hmac
import ipaddress
import re
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from gemini_realtime.local.server.http import Request, Response, error
from gemini_realtime.local.wire.refusals import Rule

_GEMINI: Final = re.compile(
    r"/ws/google\.ai\.generativelanguage\.(v1|v1beta|v1alpha)\.GenerativeService\.BidiGenerateContent(Constrained)?"
)
_VERTEX: Final = re.compile(r"/ws/google\.cloud\.aiplatform\.(v1|v1beta1)\.LlmBidiService/BidiGenerateContent")
TOKEN_PATHS: Final = ("/v1beta/auth_tokens", "/v1alpha/auth_tokens")
"""`v1/auth_tokens` was seen answered with 404, 2026."""

KEY_INVALID: Final = Rule(
    "a wrong API key, or a token in its place",
    1007,
    "API key not valid. Please pass a valid API key.",
    "js-genai#600 and others, 2025-2026",
)
CALLER_UNKNOWN: Final = Rule(
    "no API key, or a token where none belongs or that there is not",
    1008,
    "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other"
    " form of API consumer identity to call this API.",
    "the words: google-gemini/cookbook#821, 2025-06; the code: a guess",
)


class Route(NamedTuple):
    """What a path of the Live API says.

    Attributes:
        vertex: it is Vertex AI's.
        constrained: only tokens open it.
    """

    vertex: bool = False
    constrained: bool = False

    @classmethod
    def of(cls, path: str) -> Route | None:
        """The route of a path; None when it is no Live path.

        `/` stands for any: our own client's base URL may lead there, and google-genai's does on Vertex AI without a
        project.
        """
        if gemini := _GEMINI.fullmatch(path):
            return cls(constrained=gemini[2] is not None)
        if _VERTEX.fullmatch(path):
            return cls(vertex=True)
        return cls() if path == "/" else None


class Credentials(NamedTuple):
    """What a caller shows.

    Attributes:
        key: an API key, or an OAuth token where the path is Vertex AI's.
        token: the name of an ephemeral token.
    """

    key: str | None
    token: str | None

    @classmethod
    def of(cls, request: Request) -> Credentials:
        """What a request shows; google-genai sends a token in two headers at once."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        bearer = value.strip() if scheme.lower() in ("bearer", "token") else None
        token = request.query.get("access_token") or bearer
        key = request.headers.get("x-goog-api-key") or request.query.get("key")
        if token is not None and not token.startswith("auth_tokens/"):
            return cls(key or token, None)
        return cls(None if key == token else key, token)


class Access:
    """The rules of a server.

    Args:
        api_key: what callers must show; None when any key will do, and none too.
    """

    def __init__(self, api_key: str | None) -> None:
        self._api_key = api_key

    def origin_refused(self, request: Request) -> Response | None:
        """The answer to a web page that is not of this machine; None for everybody else.

        A browser lets any page on the web open a WebSocket to 127.0.0.1, and tells only where the page is from.
        """
        origin = request.headers.get("origin")
        if origin is None or _is_loopback(origin):
            return None
        return error(403, "PERMISSION_DENIED", "Pages from other machines may not use this server.")

    def caller_refused(self, request: Request) -> Response | None:
        """The answer to an HTTP request, or a handshake at Vertex AI, without the right key; None with it.

        Source: https://cloud.google.com/apis/design/errors; the words as Google's front ends say them.
        """
        key = Credentials.of(request).key
        if self._knows(key):
            return None
        if request.path.startswith("/ws/google.cloud."):
            return error(
                401, "UNAUTHENTICATED", "Request had invalid authentication credentials.", reason="ACCESS_TOKEN_INVALID"
            )
        if key is None:
            return error(403, "PERMISSION_DENIED", CALLER_UNKNOWN.reason)
        return error(400, "INVALID_ARGUMENT", KEY_INVALID.reason, reason="API_KEY_INVALID", domain="googleapis.com")

    def connection_refused(self, route: Route, credentials: Credentials) -> Rule | None:
        """Why to close a connection to the Gemini API at once; None when its key is right.

        A token is not looked at here: only `BidiGenerateContentConstrained` takes one.
        """
        key, token = credentials
        if route.constrained:
            return None if token is not None else CALLER_UNKNOWN
        if key is not None and key.startswith("auth_tokens/"):
            return KEY_INVALID
        if token is not None and key is None:
            return CALLER_UNKNOWN
        if self._knows(key):
            return None
        return CALLER_UNKNOWN if key is None else KEY_INVALID

    def _knows(self, key: str | None) -> bool:
        # picows gives bytes that are not UTF-8 as surrogates.
        given = (key or "").encode(errors="surrogateescape")
        return self._api_key is None or hmac.compare_digest(self._api_key.encode(), given)


def _is_loopback(origin: str) -> bool:
    try:
        host = urlsplit(origin).hostname or ""
        return host == "localhost" or host.endswith(".localhost") or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
