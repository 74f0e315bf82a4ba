"""Where to connect, and as whom: a `Service` to a URL and its headers.

Three services speak the Live protocol:

    Gemini API         an API key from https://aistudio.google.com/apikey, or an ephemeral token `auth_tokens/...`
    Vertex AI          a Google Cloud project and an OAuth token; or, in express mode, an API key
    any other server   `base_url`; with Vertex's form of the protocol when it is a gateway to Vertex AI

Keys and tokens travel in headers only: never in a URL, a repr or an error.

Sources: https://ai.google.dev/api/live (path, key, ephemeral tokens); google-genai 3.4.0 (`live.py`, `_api_client.py`)
for the header forms of both, and for the hosts, paths and model names of Vertex AI.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import msgspec

from gemini_realtime.checking import shown
from gemini_realtime.errors import ConfigError, Secret

GEMINI_API_HOST = "generativelanguage.googleapis.com"
GEMINI_API_VERSION = "v1beta"
"""The version of every page of https://ai.google.dev/api/live."""

VERTEX_API_VERSION = "v1beta1"
"""What google-genai dials. Reference pages show v1 as well; preview fields such as `contextUpdate` come here first."""


class Vertex(msgspec.Struct, frozen=True, kw_only=True):
    """A place in Google Cloud.

    Attributes:
        project: None in express mode and for gateways.
        location: a region, `us`, `eu`, or `global`; None where the project is.
        quota_project: the project that pays, when it is another.
    """

    project: str | None = None
    location: str | None = None
    quota_project: str | None = None


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """Which model of which service, and as whom.

    Attributes:
        model: as given, with or without a resource prefix.
        api_key: an API key or an ephemeral token; None when something else identifies the caller.
        needs_token: whether an OAuth token identifies the caller.
        base_url: the server, without credentials; None for Google's.
        api_version: of the protocol path.
        headers: to send in addition; they win over ours.
        vertex: where in Google Cloud; None for the Gemini API.
    """

    model: str
    api_key: str | None = None
    needs_token: bool = False
    base_url: str | None = None
    api_version: str = GEMINI_API_VERSION
    headers: dict[str, str] = {}
    vertex: Vertex | None = None

    @property
    def ephemeral(self) -> bool:
        """Whether `api_key` is an ephemeral token."""
        return (self.api_key or "").startswith("auth_tokens/")

    def __repr__(self) -> str:
        return f"Service({self.model!r}, {(without_query(self.base_url) or self.vertex or 'Gemini API')!r})"


class Endpoint(msgspec.Struct, frozen=True):
    """What to dial.

    Attributes:
        url: `ws` or `wss`; holds no credentials.
        headers: of the handshake; one of them identifies the caller.
        host: for the log.
    """

    url: str
    headers: dict[str, str]
    host: str

    def __repr__(self) -> str:
        return f"Endpoint({without_query(self.url)!r}, headers={sorted(self.headers)})"


def without_query(url: str | None) -> str:
    """A URL without its query, where other servers than Google's may want their secrets; empty without one."""
    return (url or "").partition("?")[0]


def endpoint(service: Service, token: str | None = None, *, user_agent: str = "gemini-realtime") -> Endpoint:
    """Where to connect, with which headers.

    Args:
        service: which model, and as whom.
        token: the OAuth token, where the service needs one.
        user_agent: `name/version` of this client.

    Raises:
        ConfigError: a token is needed and not given.
    """
    if service.needs_token and not token:
        raise ConfigError(
            "Vertex AI needs an access token, and the credentials gave none",
            remedy="pass `credentials`, or run `gcloud auth application-default login`",
        )
    headers = {"user-agent": user_agent, "x-goog-api-client": user_agent, **_identification(service, token)}
    for name, value in service.headers.items():
        put_header(headers, name, value)
    url = _live_url(service)
    return Endpoint(url, headers, urlsplit(url).netloc)


def model_resource(service: Service) -> str:
    """The model's name as the setup message needs it."""
    name = service.model
    if service.vertex is None:
        return name if name.startswith(("models/", "tunedModels/")) else f"models/{name.rpartition('/')[2]}"
    if name.startswith("projects/"):
        return name
    publisher, _, model = (
        name.removeprefix("publishers/").removeprefix("models/").replace("/models/", "/").rpartition("/")
    )
    resource = f"publishers/{publisher or 'google'}/models/{model}"
    if service.vertex.project is None:
        return resource
    return f"projects/{service.vertex.project}/locations/{service.vertex.location}/{resource}"


def _identification(service: Service, token: str | None) -> dict[str, str]:
    headers: dict[str, str] = {}
    if service.ephemeral:
        headers["Authorization"] = Secret(f"Token {service.api_key}")
    elif service.api_key:
        headers["x-goog-api-key"] = service.api_key
    elif token:
        put_header(headers, "Authorization", f"Bearer {token}")
    if service.vertex is not None and service.vertex.quota_project:
        headers["x-goog-user-project"] = service.vertex.quota_project
    return headers


def _live_url(service: Service) -> str:
    if service.base_url is None:
        host = GEMINI_API_HOST if service.vertex is None else _vertex_host(service.vertex.location)
        return f"wss://{host}{live_path(service)}"
    url = urlsplit(service.base_url)
    return service.base_url if url.path.strip("/") else url._replace(path=live_path(service)).geturl()


def live_path(service: Service) -> str:
    """Where the Live API is on its server."""
    if service.vertex is not None:
        return f"/ws/google.cloud.aiplatform.{service.api_version}.LlmBidiService/BidiGenerateContent"
    method = "BidiGenerateContentConstrained" if service.ephemeral else "BidiGenerateContent"
    return f"/ws/google.ai.generativelanguage.{service.api_version}.GenerativeService.{method}"


def _vertex_host(location: str | None) -> str:
    if location is None or location == "global":
        return "aiplatform.googleapis.com"
    if location in ("us", "eu"):
        return f"aiplatform.{location}.rep.googleapis.com"
    return f"{location}-aiplatform.googleapis.com"


# --- headers


def put_header(headers: dict[str, str], name: Any, value: Any) -> None:
    """Set a header, whatever the spelling of one that is there already.

    Raises:
        ConfigError: HTTP has no such header.
    """
    if not isinstance(name, str) or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        raise ConfigError("`headers` has a name that is not a header's", remedy="use letters, digits and hyphens")
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise ConfigError(f"the header {shown(name)} has no printable value", remedy="pass one line of ASCII")
    for present in [present for present in headers if present.lower() == name.lower()]:
        del headers[present]
    headers[name] = Secret(value) if any(word in name.lower() for word in _SECRET) else value


_SECRET = ("auth", "key", "token", "secret", "cookie", "pass")
"""What is in the names of headers whose values are not to be seen."""
