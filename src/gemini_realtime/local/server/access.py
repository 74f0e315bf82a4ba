"""Who may come in, without any I/O: paths, origins, keys and tokens."""

from __future__ import annotations

import hmac
import ipaddress
import re
from typing import Final, NamedTuple

from gemini_realtime.checking import check_type
from gemini_realtime.local.server.http import Request, Response, error
from gemini_realtime.local.wire.api import ANY_API, Api
from gemini_realtime.local.wire.refusals import Rule

_GEMINI: Final = re.compile(
    r"/ws/google\.ai\.generativelanguage\.(v1|v1beta|v1alpha)\.GenerativeService\.BidiGenerateContent(Constrained)?"
)
_VERTEX: Final = re.compile(r"/ws/google\.cloud\.aiplatform\.(v1|v1beta|v1beta1)\.LlmBidiService/BidiGenerateContent")
_FIREBASE: Final = re.compile(
    r"/ws/google\.firebase\.vertexai\.(v1|v1beta)\."
    r"(?:GenerativeService/BidiGenerateContent|LlmBidiService/BidiGenerateContent/locations/[\w-]+)"
)
"""Source: firebase-ios-sdk#15309, firebase-android-sdk#7196. Both take Firebase's key."""
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
        api: which, in which version.
        constrained: only tokens open it.
    """

    api: Api = ANY_API
    constrained: bool = False

    @property
    def vertex(self) -> bool:
        """Whether callers show an OAuth token, as for Vertex AI."""
        return self.api.vertex

    @classmethod
    def of(cls, path: str) -> Route | None:
        """The route of a path; None when it is no Live path.

        `/` stands for any: our own client's base URL may lead there, and google-genai's does on Vertex AI without a
        project.
        """
        if gemini := _GEMINI.fullmatch(path):
            return cls(Api(gemini[1]), constrained=gemini[2] is not None)
        if vertex := _VERTEX.fullmatch(path):
            return cls(Api(vertex[1], vertex=True))
        if firebase := _FIREBASE.fullmatch(path):
            return cls(Api(firebase[1], firebase=True))
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
        if api_key is not None:
            check_type("api_key", api_key, str, "a string")
        self._api_key = api_key

    @staticmethod
    def host_refused(request: Request) -> Response | None:
        """The answer to a request by HTTP/1.1 that does not say whom it is for, or names several; None for others.

        Source: RFC 9112 3.2.
        """
        if _HOST.fullmatch(request.headers.get("host", "")):
            return None
        return error(400, "INVALID_ARGUMENT", "A request by HTTP/1.1 has one header Host, with a name or an address.")

    def page_refused(self, request: Request) -> Response | None:
        """The answer to a web page that is not of this machine; None for everybody else.

        A browser lets any page on the web open a WebSocket to 127.0.0.1, and tells only where the page is from. A page
        whose name its owner points to 127.0.0.1 is of the same origin for the browser (DNS rebinding); then `Host` is
        that name. Where there is a key, no page comes in without it, and the machine may have any name.
        """
        origin, host = request.headers.get("origin"), request.headers.get("host")
        if origin is not None and not _is_local_origin(origin):
            return error(403, "PERMISSION_DENIED", "Pages from other machines may not use this server.")
        if self._api_key is None and host is not None and not _is_own_name(host):
            problem = (
                "This server is called by an address or as localhost; under another name it takes those with a key."
            )
            return error(403, "PERMISSION_DENIED", problem)
        return None

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


_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://([\w.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?", re.IGNORECASE | re.ASCII)
_HOST: Final = re.compile(r"([\w.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?", re.IGNORECASE | re.ASCII)


def _is_local_origin(origin: str) -> bool:
    """Whether a page is of this machine. Two origins, joined by a comma, are none."""
    match = _ORIGIN.fullmatch(origin)
    if match is None:
        return False
    name = match[1].strip("[]").lower()
    address = _address(name)
    return address.is_loopback if address is not None else _is_localhost(name)


def _is_own_name(host: str) -> bool:
    """Whether no stranger can have made this name lead here: an address, or a name that no public DNS has.

    Docker calls the machine host.docker.internal; https://www.icann.org/en/board-activities-and-meetings/materials/
    approved-resolutions-special-meeting-of-the-icann-board-29-07-2024-en reserves `.internal`.
    """
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    name = match[1].strip("[]").lower()
    return _address(name) is not None or _is_localhost(name) or name.endswith(".internal") or "." not in name


def _is_localhost(name: str) -> bool:
    return name == "localhost" or name.endswith(".localhost")


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None
