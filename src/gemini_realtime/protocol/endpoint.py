"""Where to connect, and as whom: `llm_config` to `Config`, `Config` to a URL and its headers.

Three services speak the Live protocol:

    Gemini API         an API key from https://aistudio.google.com/apikey, or an ephemeral token `auth_tokens/...`
    Vertex AI          a Google Cloud project and an OAuth token; or, in express mode, `vertexai: True` and an API key
    any other server   `base_url`; with Vertex's form of the protocol when `vertexai` is true (a gateway)

Keys and tokens travel in headers only: never in a URL, a repr or an error.

Sources: https://ai.google.dev/api/live (path, key, ephemeral tokens); google-genai 3.4.0 (`live.py`, `_api_client.py`)
for the header forms of both, and for the hosts, paths and model names of Vertex AI.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

from gemini_realtime.errors import ConfigError, Secret
from gemini_realtime.protocol.health import HealthPolicy, read_health
from gemini_realtime.protocol.resumption import Reconnect, read_reconnect
from gemini_realtime.transport.proxy import read_proxy

DEFAULT_VOICE = "charon"
DEFAULT_TEMPERATURE = 0.8
"""Voice and temperature of AG2's client, kept."""

API_KEY_VARIABLES = ("GEMINI_API_KEY", "GOOGLE_API_KEY")

GEMINI_API_HOST = "generativelanguage.googleapis.com"
GEMINI_API_VERSION = "v1beta"
"""The version of every page of https://ai.google.dev/api/live."""

VERTEX_API_VERSION = "v1beta1"
"""What google-genai dials. Reference pages show v1 as well; preview fields such as `contextUpdate` come here first."""

VERTEX_DEFAULT_LOCATION = "global"
"""As in google-genai."""

_KEYS = {
    "model", "voice", "temperature", "api_key", "api_type", "api_version", "base_url", "headers", "default_headers",
    "ssl", "proxy", "vertexai", "project", "project_id", "location", "credentials", "google_application_credentials",
    "quota_project", "connect_timeout_s", "setup_timeout_s", "send_timeout_s", "max_audio_age_ms", "reconnect",
    "voice_health",
}  # fmt: skip


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


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of `llm_config["config_list"]`, checked.

    Attributes:
        model: as given, with or without a resource prefix.
        voice: name of a prebuilt voice.
        temperature: 0 to 2.
        api_key: an API key or an ephemeral token; None when something else identifies the caller.
        base_url: the server, without credentials; None for Google's.
        api_version: of the protocol path.
        api_type: as given; AG2 says `google`.
        headers: to send in addition; they win over ours.
        ssl: an `ssl.SSLContext` for the transport, untouched.
        proxy: URL of a proxy for the transport; may hold a password. Empty for none; None for the environment's.
        vertex: where in Google Cloud; None for the Gemini API.
        credentials: where the OAuth token comes from: `google.auth` credentials, a callable (sync or async) that
            returns a token, the path of a key file, or `"default"` for application default credentials. None when
            none is needed.
        connect_timeout_s: for the connection and its handshake.
        setup_timeout_s: for the service to confirm the setup.
        send_timeout_s: how long text and function results wait for a stalled connection.
        max_audio_age_ms: how old microphone audio may become while the connection is stalled.
        reconnect: whether and how a lost connection is made good.
        health: what to do about silence and other faults that raise no error.
        warnings: sentences for the log: keys that look misspelt, and the like.
    """

    model: str
    voice: str = DEFAULT_VOICE
    temperature: float = DEFAULT_TEMPERATURE
    api_key: str | None = None
    base_url: str | None = None
    api_version: str = GEMINI_API_VERSION
    api_type: str | None = None
    headers: dict[str, str] = {}
    ssl: Any = None
    proxy: str | None = None
    vertex: Vertex | None = None
    credentials: Any = None
    connect_timeout_s: float = 15.0
    setup_timeout_s: float = 30.0
    send_timeout_s: float = 30.0
    max_audio_age_ms: float = 1000.0
    reconnect: Reconnect = Reconnect()
    health: HealthPolicy = HealthPolicy()
    warnings: tuple[str, ...] = ()

    @property
    def ephemeral(self) -> bool:
        """Whether `api_key` is an ephemeral token."""
        return (self.api_key or "").startswith("auth_tokens/")

    def __repr__(self) -> str:
        hidden = {"api_key", "headers", "ssl", "proxy", "credentials"}
        fields = ((name, getattr(self, name)) for name in self.__struct_fields__)
        shown = (f"{name}={'...' if name in hidden else _without_query(value)!r}" for name, value in fields if value)
        return f"Config({', '.join(shown)})"


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
        return f"Endpoint({_without_query(self.url)!r}, headers={sorted(self.headers)})"


def _without_query(value: Any) -> Any:
    """A URL without its query, where other servers than Google's may want their secrets."""
    return value.partition("?")[0] if isinstance(value, str) else value


# --- llm_config to Config


def read_config(llm_config: Any, environ: Mapping[str, str]) -> Config:
    """Read the first entry of `llm_config["config_list"]`.

    Args:
        llm_config: a dict, or anything that answers `["config_list"]`; the entry may be an object with `get`, and its
            values may be secrets (`get_secret_value`) or URL objects.
        environ: the environment; asked for what the entry does not say.

    Raises:
        ConfigError: something is missing, or of the wrong type.
    """
    entry = _Entry(_first_entry(llm_config))
    base_url, url_credentials = _read_base_url(entry.text("base_url"))
    vertex, credentials = _read_vertex(entry, environ, base_url)
    headers = _read_headers(entry.get("default_headers"), entry.get("headers"))
    api_key = _read_api_key(entry) or url_credentials.get("key")
    if "authorization" in url_credentials and not api_key:
        headers.setdefault("Authorization", url_credentials["authorization"])
    known_caller = api_key or credentials is not None or _authenticates(headers)
    if not known_caller:
        api_key = _key_from(environ, ("GOOGLE_API_KEY",) if vertex else API_KEY_VARIABLES)
    if not (api_key or known_caller or base_url):
        raise _nobody(vertex is not None)
    return Config(
        model=_required_model(entry),
        voice=entry.text("voice") or DEFAULT_VOICE,
        temperature=entry.number("temperature", DEFAULT_TEMPERATURE, 0, 2),
        api_key=api_key,
        base_url=base_url,
        api_version=_read_api_version(entry, vertex),
        api_type=entry.text("api_type"),
        headers=headers,
        ssl=entry.get("ssl"),
        proxy=read_proxy(entry.get("proxy")),
        vertex=vertex,
        credentials=None if api_key or _authenticates(headers) else credentials,
        connect_timeout_s=entry.number("connect_timeout_s", 15.0, 0.001, 3600),
        setup_timeout_s=entry.number("setup_timeout_s", 30.0, 0.001, 3600),
        send_timeout_s=entry.number("send_timeout_s", 30.0, 0.001, 3600),
        max_audio_age_ms=entry.number("max_audio_age_ms", 1000.0, 0, 3_600_000),
        reconnect=read_reconnect(entry.get("reconnect")),
        health=read_health(entry.get("voice_health")),
        warnings=(*entry.near_misses(), *_open_line(base_url, bool(api_key or headers or credentials))),
    )


def _first_entry(llm_config: Any) -> Any:
    try:
        entries = llm_config["config_list"]
    except (KeyError, TypeError, AttributeError):
        entries = None
    if not isinstance(entries, list | tuple) or not entries:
        raise ConfigError(
            "llm_config has no entry",
            remedy='pass {"config_list": [{"model": "gemini-3.8-live", "api_key": "..."}]}',
        )
    if isinstance(entries[0], str) or not (hasattr(entries[0], "get") or hasattr(entries[0], "__getitem__")):
        raise ConfigError(f'llm_config["config_list"][0] is a {type(entries[0]).__name__}', remedy="pass a dict")
    return entries[0]


class _Entry:
    """One entry, whatever it is made of: reads values and checks their types."""

    def __init__(self, entry: Any) -> None:
        self._entry = entry

    def get(self, name: str) -> Any:
        if hasattr(self._entry, "get"):
            return _revealed(self._entry.get(name, None))
        try:
            return _revealed(self._entry[name])
        except (KeyError, AttributeError):
            return None

    def text(self, name: str) -> str | None:
        """A non-empty string; None when there is none. URL objects become strings."""
        value = self.get(name)
        if value is None or isinstance(value, str):
            return value or None
        if hasattr(value, "host") and hasattr(value, "scheme"):
            return str(value)
        raise ConfigError(f"`{name}` is a {type(value).__name__}", remedy="pass a string")

    def number(self, name: str, default: float, least: float, most: float) -> float:
        value = self.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigError(f"`{name}` is a {type(value).__name__}", remedy="pass a number")
        if not math.isfinite(value) or not least <= value <= most:
            raise ConfigError(f"`{name}` is {value}", remedy=f"pass a number from {least:g} to {most:g}")
        return float(value)

    def near_misses(self) -> list[str]:
        """A sentence for every key that is probably one of ours, misspelt."""
        from difflib import get_close_matches

        unknown = {str(name) for name in self._names()} - _KEYS
        near = {name: get_close_matches(name, _KEYS, n=1, cutoff=0.8) for name in sorted(unknown)}
        return [f"llm_config: `{name}` is ignored; did you mean `{match[0]}`?" for name, match in near.items() if match]

    def _names(self) -> Iterable[Any]:
        return self._entry.keys() if hasattr(self._entry, "keys") else ()


def _revealed(value: Any) -> Any:
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value


def _required_model(entry: _Entry) -> str:
    model = entry.text("model")
    if model is None:
        raise ConfigError("llm_config names no model", remedy='add for example "model": "gemini-3.8-live"')
    if not re.fullmatch(r"[\w./:@-]+", model) or ".." in model:
        raise ConfigError(f"{model!r} is not the name of a model", remedy='pass for example "gemini-3.8-live"')
    return model


def _read_api_key(entry: _Entry) -> str | None:
    key = entry.text("api_key")
    return _clean_key(key, "`api_key`") if key else None


def _key_from(environ: Mapping[str, str], variables: Iterable[str]) -> str | None:
    return next((_clean_key(environ[name], name) for name in variables if environ.get(name, "").strip()), None)


def _clean_key(key: str, where: str) -> Secret:
    """Without the newline that a file leaves at its end."""
    key = key.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError(f"{where} holds characters that no key has", remedy="copy the key again, without quotes")
    return Secret(key)


def _nobody(vertex: bool) -> ConfigError:
    if vertex:
        return ConfigError(
            "Vertex AI needs a project: neither `project` nor GOOGLE_CLOUD_PROJECT is set, and there is no API key",
            remedy="set `project` (and `location`), or `api_key` for express mode",
        )
    return ConfigError(
        "there is no API key: `api_key` is not set, and neither are GEMINI_API_KEY and GOOGLE_API_KEY",
        remedy="get a key at https://aistudio.google.com/apikey; or talk to the embedded server, which needs none: "
        "`gemini_realtime.LiveServer` in Python, `gemini-realtime serve` in a shell",
    )


def _read_api_version(entry: _Entry, vertex: Vertex | None) -> str:
    version = entry.text("api_version") or (VERTEX_API_VERSION if vertex else GEMINI_API_VERSION)
    if not re.fullmatch(r"v\d+(?:(?:alpha|beta)\d*)?", version):
        raise ConfigError(f"{version!r} is not an API version", remedy="use v1beta or v1alpha; v1beta1 or v1 on Vertex")
    return version


# --- Vertex AI


def _read_vertex(entry: _Entry, environ: Mapping[str, str], base_url: str | None) -> tuple[Vertex | None, Any]:
    """The place in Google Cloud and the credentials for it; (None, None) for the Gemini API.

    Without `vertexai`, a project or credentials decide for Vertex, and an `api_key` against it, as in AG2.
    """
    project = entry.text("project") or entry.text("project_id")
    credentials = entry.get("credentials") or entry.text("google_application_credentials")
    api_key = entry.text("api_key")
    wanted = entry.get("vertexai")
    if wanted is None:
        wanted = bool(project or credentials) and not api_key
    if not isinstance(wanted, bool):
        raise ConfigError(f"`vertexai` is a {type(wanted).__name__}", remedy="pass True or False")
    if not wanted:
        return None, None
    if project and api_key:
        raise ConfigError(
            "Vertex AI takes either a project or an API key, and both are set",
            remedy="drop `api_key` to use the project, or `project` to use express mode",
        )
    location = entry.text("location")
    if not api_key and (credentials or not base_url):
        project = project or environ.get("GOOGLE_CLOUD_PROJECT") or _text_of(credentials, "project_id")
    if project:
        location = location or environ.get("GOOGLE_CLOUD_LOCATION") or VERTEX_DEFAULT_LOCATION
        credentials = credentials or "default"
    elif credentials and not (base_url or api_key):
        raise _nobody(vertex=True)
    quota_project = entry.text("quota_project") or _text_of(credentials, "quota_project_id")
    for name, value in (("project", project), ("location", location), ("quota_project", quota_project)):
        if value and not re.fullmatch(r"[A-Za-z0-9.:-]+", value):
            raise ConfigError(f"`{name}` is {value!r}", remedy="pass it as the Google Cloud console shows it")
    return Vertex(project=project, location=location, quota_project=quota_project), credentials


def _text_of(credentials: Any, name: str) -> str | None:
    """What `google.auth` credentials say of themselves; nothing, when they are something else."""
    value = getattr(credentials, name, None)
    return value if isinstance(value, str) else None


def _vertex_host(location: str | None) -> str:
    if location is None or location == "global":
        return "aiplatform.googleapis.com"
    if location in ("us", "eu"):
        return f"aiplatform.{location}.rep.googleapis.com"
    return f"{location}-aiplatform.googleapis.com"


# --- the base URL and the headers


def _read_base_url(given: str | None) -> tuple[str | None, dict[str, str]]:
    """The URL without credentials, and the credentials: `key`, or a whole `authorization` header."""
    if given is None:
        return None, {}
    # AG2's entries put http:// before anything that is not http, and pydantic then drops a colon: http://wss//host.
    url = _split(re.sub(r"^http://(wss?):?//", r"\1://", given.strip()))
    kept: list[str] = []
    credentials: dict[str, str] = {}
    for parameter in url.query.split("&"):
        name, _, value = parameter.partition("=")
        if name == "key":
            credentials["key"] = _clean_key(unquote(value), "the key in `base_url`")
        elif name == "access_token":
            credentials |= _token_credentials(_clean_key(unquote(value), "the token in `base_url`"))
        elif parameter:
            kept.append(parameter)
    return url._replace(query="&".join(kept)).geturl(), credentials


def _token_credentials(token: Secret) -> dict[str, str]:
    return {"key": token} if token.startswith("auth_tokens/") else {"authorization": Secret(f"Bearer {token}")}


def _split(given: str) -> SplitResult:
    """Split a URL and check it; errors do not repeat it, for it may hold a key."""
    problem = None
    try:
        url = urlsplit(given)
        scheme = _WEBSOCKET_SCHEMES.get(url.scheme)
        if scheme is None or not url.hostname:
            problem = "is not a URL with a scheme and a host"
        elif url.port == 0 or re.search(r"[\s\x00-\x1f]", given):
            problem = "has a port or characters that no URL has"
        elif url.username is not None:
            problem = "holds a user name"
    except ValueError:
        problem = "is not a URL"
    if problem:
        raise ConfigError(
            f"`base_url` {problem}",
            remedy="pass for example ws://127.0.0.1:8080 or https://host/path; secrets go into `api_key` or `headers`",
        )
    return url._replace(scheme=_WEBSOCKET_SCHEMES[url.scheme], fragment="")


_WEBSOCKET_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


def _read_headers(*given: Any) -> dict[str, str]:
    headers: dict[str, str] = {}
    for some in given:
        if some is None:
            continue
        if not isinstance(some, Mapping):
            raise ConfigError(f"`headers` is a {type(some).__name__}", remedy="pass a dict of strings")
        for name, value in some.items():
            _put_header(headers, name, _revealed(value))
    return headers


def _put_header(headers: dict[str, str], name: Any, value: Any) -> None:
    """Set a header, whatever the spelling of one that is there already."""
    if not isinstance(name, str) or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        raise ConfigError("`headers` has a name that is not a header's", remedy="use letters, digits and hyphens")
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise ConfigError(f"the header {name!r} has no printable value", remedy="pass a string of one line, in ASCII")
    for present in [present for present in headers if present.lower() == name.lower()]:
        del headers[present]
    headers[name] = Secret(value) if _SECRET_HEADERS.search(name) else value


_SECRET_HEADERS = re.compile("auth|key|token|secret|cookie|pass", re.IGNORECASE)
"""Headers whose values are not to be seen."""


def _authenticates(headers: Mapping[str, str]) -> bool:
    return any(name.lower() in ("authorization", "x-goog-api-key") for name in headers)


def _open_line(base_url: str | None, secrets: bool) -> list[str]:
    url = urlsplit(base_url or "")
    local = url.hostname in ("localhost", "::1") or (url.hostname or "").startswith("127.")
    if url.scheme != "ws" or local or not secrets:
        return []
    return [f"credentials and voice travel to {url.hostname} unencrypted; use wss:// when the server has it"]


# --- Config to Endpoint


def endpoint(config: Config, token: str | None = None, *, user_agent: str = "gemini-realtime") -> Endpoint:
    """Where to connect, with which headers.

    Args:
        config: from `read_config`.
        token: the OAuth token that `config.credentials` gave.
        user_agent: `name/version` of this client.

    Raises:
        ConfigError: a token is needed and not given.
    """
    if config.credentials is not None and not token:
        raise ConfigError(
            "Vertex AI needs an access token, and the credentials gave none",
            remedy="pass `credentials`, or run `gcloud auth application-default login`",
        )
    headers = {"user-agent": user_agent, "x-goog-api-client": user_agent, **_identification(config, token)}
    for name, value in config.headers.items():
        _put_header(headers, name, value)
    url = _live_url(config)
    return Endpoint(url, headers, urlsplit(url).netloc)


def model_resource(config: Config) -> str:
    """The model's name as the setup message needs it."""
    name = config.model
    if config.vertex is None:
        return name if name.startswith(("models/", "tunedModels/")) else f"models/{name.rpartition('/')[2]}"
    if name.startswith("projects/"):
        return name
    publisher, _, model = (
        name.removeprefix("publishers/").removeprefix("models/").replace("/models/", "/").rpartition("/")
    )
    resource = f"publishers/{publisher or 'google'}/models/{model}"
    if config.vertex.project is None:
        return resource
    return f"projects/{config.vertex.project}/locations/{config.vertex.location}/{resource}"


def _identification(config: Config, token: str | None) -> dict[str, str]:
    headers: dict[str, str] = {}
    if config.ephemeral:
        headers["Authorization"] = Secret(f"Token {config.api_key}")
    elif config.api_key:
        headers["x-goog-api-key"] = config.api_key
    elif token:
        _put_header(headers, "Authorization", f"Bearer {token}")
    if config.vertex is not None and config.vertex.quota_project:
        headers["x-goog-user-project"] = config.vertex.quota_project
    return headers


def _live_url(config: Config) -> str:
    if config.base_url is None:
        host = GEMINI_API_HOST if config.vertex is None else _vertex_host(config.vertex.location)
        return f"wss://{host}{_live_path(config)}"
    url = urlsplit(config.base_url)
    return config.base_url if url.path.strip("/") else url._replace(path=_live_path(config)).geturl()


def _live_path(config: Config) -> str:
    if config.vertex is not None:
        return f"/ws/google.cloud.aiplatform.{config.api_version}.LlmBidiService/BidiGenerateContent"
    method = "BidiGenerateContentConstrained" if config.ephemeral else "BidiGenerateContent"
    return f"/ws/google.ai.generativelanguage.{config.api_version}.GenerativeService.{method}"
