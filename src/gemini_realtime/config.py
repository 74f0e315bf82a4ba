"""`llm_config` and the environment to a `Config`: every key, its default and what it may be.

The first entry of `llm_config["config_list"]` counts; docs/configuration.md has the table of its keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ssl import SSLContext
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

from gemini_realtime.checking import check_number, check_type, kind_of, near_name, shown
from gemini_realtime.errors import ConfigError, Secret
from gemini_realtime.protocol.endpoint import (
    GEMINI_API_VERSION,
    VERTEX_API_VERSION,
    Service,
    Vertex,
    live_path,
    put_header,
)
from gemini_realtime.protocol.health import HealthPolicy, read_health
from gemini_realtime.protocol.options import (
    DEFAULT_TEMPERATURE,
    DEFAULT_VOICE,
    SessionOptions,
    doubtful_voice,
    is_session_option,
)
from gemini_realtime.protocol.resumption import Reconnect, read_reconnect
from gemini_realtime.transport.proxy import read_proxy

API_KEY_VARIABLES: Final = ("GEMINI_API_KEY", "GOOGLE_API_KEY")

BASE_URL_VARIABLES: Final = ("GOOGLE_GEMINI_BASE_URL", "GOOGLE_VERTEX_BASE_URL")
"""google-genai's, for the Gemini API and for Vertex AI: the server on which the path of the Live API begins."""

VERTEX_DEFAULT_LOCATION: Final = "global"
"""As in google-genai."""

KEYS: Final = {
    "model", "voice", "temperature", "api_key", "api_type", "api_version", "base_url", "headers", "default_headers",
    "ssl", "proxy", "vertexai", "project", "project_id", "location", "credentials", "google_application_credentials",
    "quota_project", "connect_timeout_s", "setup_timeout_s", "send_timeout_s", "max_audio_age_ms", "reconnect",
    "voice_health", "dial",
}  # fmt: skip


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of `llm_config["config_list"]`, checked.

    Attributes:
        service: which model of which service, and as whom.
        options: of every session, until it is told otherwise: voice and temperature.
        ssl: an `ssl.SSLContext` for the transport; None for the system's certificates.
        proxy: URL of a proxy for the transport; may hold a password. Empty for none; None for the environment's.
        credentials: where the OAuth token comes from: `google.auth` credentials, a callable (sync or async) that
            returns a token, the path of a key file, or `"default"` for application default credentials. None when
            none is needed.
        connect_timeout_s: for the connection and its handshake.
        setup_timeout_s: for the service to confirm the setup.
        send_timeout_s: how long text and function results wait for a stalled connection.
        max_audio_age_ms: how old microphone audio may become while the connection is stalled.
        reconnect: whether and how a lost connection is made good.
        health: what to do about silence and other faults that raise no error.
        dial: opens connections in place of a WebSocket, a `gemini_realtime.transport.base.Dial`; for tests.
        warnings: sentences for the log: keys that look misspelt, and the like.
    """

    service: Service
    options: SessionOptions
    ssl: Any = None
    proxy: str | None = None
    credentials: Any = None
    connect_timeout_s: float = 15.0
    setup_timeout_s: float = 30.0
    send_timeout_s: float = 30.0
    max_audio_age_ms: float = 1000.0
    reconnect: Reconnect = Reconnect()
    health: HealthPolicy = HealthPolicy()
    dial: Any = None
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        hidden = {"ssl", "proxy", "credentials", "dial"}
        fields = ((name, getattr(self, name)) for name in self.__struct_fields__)
        parts = (f"{name}={'...' if name in hidden else value!r}" for name, value in fields if value)
        return f"Config({', '.join(parts)})"


def read_config(llm_config: Any, environ: Mapping[str, str]) -> Config:
    """Read the first entry of `llm_config["config_list"]`.

    Args:
        llm_config: a dict, or anything that answers `["config_list"]`; the entry may be an object with `get`, and its
            values may be secrets (`get_secret_value`) or URL objects.
        environ: the environment; asked for what the entry does not say.

    Raises:
        ConfigError: something is missing, or of the wrong type.
    """
    try:
        return _read(_Entry(_first_entry(llm_config)), environ)
    except ConfigError as error:
        # A traceback that shows local variables would show the key.
        del llm_config, environ
        raise error.with_traceback(None) from None


def _read(entry: _Entry, environ: Mapping[str, str]) -> Config:
    model = _required_model(entry)
    wants_vertex = _wants_vertex(entry)
    variable, given_url = BASE_URL_VARIABLES[wants_vertex], entry.text("base_url")
    if given_url is None:
        base_url, url_credentials = _read_base_url(environ.get(variable) or None, variable)
    else:
        base_url, url_credentials = _read_base_url(given_url, "`base_url`")
    vertex, credentials = _read_vertex(entry, environ, base_url) if wants_vertex else (None, None)
    headers = _read_headers(entry.get("default_headers"), entry.get("headers"))
    api_key = _read_api_key(entry) or url_credentials.get("key")
    if "authorization" in url_credentials and not api_key:
        headers.setdefault("Authorization", url_credentials["authorization"])
    known_caller = api_key or credentials is not None or _authenticates(headers)
    if not known_caller:
        api_key = _key_from(environ, ("GOOGLE_API_KEY",) if vertex else API_KEY_VARIABLES)
    if not (api_key or known_caller or base_url):
        raise _nobody(vertex is not None)
    if api_key or _authenticates(headers):
        credentials = None
    service = Service(
        model=model,
        api_key=api_key,
        needs_token=credentials is not None,
        base_url=base_url,
        api_version=_read_api_version(entry, vertex),
        headers=headers,
        vertex=vertex,
    )
    if base_url is not None and given_url is None:
        url = urlsplit(base_url)
        whole = url._replace(path=url.path.rstrip("/") + live_path(service)).geturl()
        service = msgspec.structs.replace(service, base_url=whole)
    options = SessionOptions(
        voice=entry.text("voice") or DEFAULT_VOICE,
        temperature=entry.number("temperature", DEFAULT_TEMPERATURE, 0, 2),
    )
    return Config(
        service=service,
        options=options,
        ssl=_read_ssl(entry.get("ssl")),
        proxy=read_proxy(entry.get("proxy")),
        credentials=credentials,
        connect_timeout_s=entry.number("connect_timeout_s", 15.0, 0.001, 3600),
        setup_timeout_s=entry.number("setup_timeout_s", 30.0, 0.001, 3600),
        send_timeout_s=entry.number("send_timeout_s", 30.0, 0.001, 3600),
        max_audio_age_ms=entry.number("max_audio_age_ms", 1000.0, 0, 3_600_000),
        reconnect=read_reconnect(entry.get("reconnect")),
        health=read_health(entry.get("voice_health")),
        dial=_read_dial(entry.get("dial")),
        warnings=(*entry.misplaced(), *doubtful_voice(options.voice), *_doubts(service)),
    )


def api_type(llm_config: Any) -> str | None:
    """Which kind of client the first entry is meant for.

    Raises:
        ConfigError: there is no entry, or its `api_type` is no text.
    """
    return _Entry(_first_entry(llm_config)).text("api_type")


def _first_entry(llm_config: Any) -> Any:
    try:
        entries = llm_config["config_list"]
    except Exception:  # whatever it is made of, it has no such key
        raise ConfigError("llm_config has no `config_list`", remedy=f"pass {_FORM}") from None
    if not isinstance(entries, list | tuple):
        raise ConfigError(f'llm_config["config_list"] is {kind_of(entries)}', remedy=f"pass a list: {_FORM}")
    if not entries:
        raise ConfigError('llm_config["config_list"] is empty', remedy=f"pass {_FORM}")
    entry = entries[0]
    if isinstance(entry, str | bytes | list | tuple | type) or not (
        hasattr(entry, "get") or hasattr(entry, "__getitem__")
    ):
        raise ConfigError(f'llm_config["config_list"][0] is {kind_of(entry)}', remedy="pass a dict")
    return entry


_FORM: Final = '{"config_list": [{"model": "gemini-3.8-live", "api_key": "..."}]}'


class _Entry:
    """One entry, whatever it is made of: reads values and checks their types."""

    def __init__(self, entry: Any) -> None:
        self._entry = entry

    def get(self, name: str) -> Any:
        try:
            return _revealed(self._entry.get(name, None) if hasattr(self._entry, "get") else self._entry[name])
        except (KeyError, AttributeError):
            return None
        except Exception:  # somebody else's code; its words may repeat a secret
            raise ConfigError(
                f'`{name}` cannot be read from llm_config["config_list"][0], a {type(self._entry).__name__}',
                remedy="pass a dict",
            ) from None

    def text(self, name: str) -> str | None:
        """A non-empty string; None when there is none. URL objects become strings."""
        value = self.get(name)
        if value is not None and hasattr(value, "host") and hasattr(value, "scheme"):
            value = str(value)
        if value is None:
            return None
        check_type(name, value, str, "a string")
        return str(value) or None

    def number(self, name: str, default: float, least: float, most: float) -> float:
        value = self.get(name)
        if value is None:
            return default
        check_number(name, value, least, most)
        return float(value)

    def misplaced(self) -> list[str]:
        """A sentence for every key that belongs elsewhere, or is probably one of ours, misspelt."""
        told = []
        for name in self._unknown_names():
            if is_session_option(name):
                told.append(f"llm_config: `{name}` is ignored; it is a session option, pass it to `session_update`")
            elif meant := near_name(name, KEYS, alike=0.8):
                told.append(f"llm_config: `{name}` is ignored; did you mean `{meant}`?")
        return told

    def meant(self, name: str) -> str:
        """A question after the key that was probably meant to be `name`; empty when there is none like it."""
        near = (given for given in self._unknown_names() if near_name(given, [name]))
        return next((f"did you mean {name!r} by {given!r}? " for given in near), "")

    def _unknown_names(self) -> list[str]:
        names = self._entry.keys() if hasattr(self._entry, "keys") else ()
        return sorted({name for name in names if isinstance(name, str)} - KEYS)


def _revealed(value: Any) -> Any:
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value


def _required_model(entry: _Entry) -> str:
    model = entry.text("model")
    if model is None:
        raise ConfigError(
            "llm_config names no model", remedy=f'{entry.meant("model")}add for example "model": "gemini-3.8-live"'
        )
    if not re.fullmatch(r"[\w./:@-]+", model, re.ASCII) or ".." in model:
        raise ConfigError(f"{shown(model)} is not the name of a model", remedy='pass for example "gemini-3.8-live"')
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


def _read_dial(value: Any) -> Any:
    if value is not None and not callable(value):
        raise ConfigError(f"`dial` is {kind_of(value)}", remedy="pass a function such as `ScriptedService().dial`")
    return value


def _read_ssl(value: Any) -> Any:
    if value is not None and not isinstance(value, SSLContext):
        raise ConfigError(f"`ssl` is {kind_of(value)}", remedy="pass an ssl.SSLContext")
    return value


def _read_api_version(entry: _Entry, vertex: Vertex | None) -> str:
    version = entry.text("api_version") or (VERTEX_API_VERSION if vertex else GEMINI_API_VERSION)
    if not re.fullmatch(r"v\d+(?:(?:alpha|beta)\d*)?", version, re.ASCII):
        raise ConfigError(
            f"{shown(version)} is not an API version", remedy="use v1beta or v1alpha; v1beta1 or v1 on Vertex"
        )
    return version


# --- Vertex AI


def _wants_vertex(entry: _Entry) -> bool:
    """Without `vertexai`, a project or credentials decide for Vertex, and an `api_key` against it, as in AG2."""
    wanted = entry.get("vertexai")
    if wanted is None:
        place = entry.text("project") or entry.text("project_id") or _read_credentials(entry)
        return place is not None and not entry.text("api_key")
    check_type("vertexai", wanted, bool, "True or False")
    return bool(wanted)


def _read_vertex(entry: _Entry, environ: Mapping[str, str], base_url: str | None) -> tuple[Vertex, Any]:
    """The place in Google Cloud and the credentials for it."""
    project = entry.text("project") or entry.text("project_id")
    credentials = _read_credentials(entry)
    api_key = entry.text("api_key")
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
            raise ConfigError(f"`{name}` is {shown(value)}", remedy="pass it as the Google Cloud console shows it")
    return Vertex(project=project, location=location, quota_project=quota_project), credentials


def _read_credentials(entry: _Entry) -> Any:
    given = entry.get("credentials")
    if given is None or (isinstance(given, str) and not given):
        return entry.text("google_application_credentials")
    if not (isinstance(given, str) or callable(given) or hasattr(given, "refresh")):
        raise ConfigError(
            f"`credentials` is {kind_of(given)}",
            remedy="pass `google.auth` credentials, a function that returns a token, or the path of a key file",
        )
    return given


def _text_of(credentials: Any, name: str) -> str | None:
    """What `google.auth` credentials say of themselves; nothing, when they are something else."""
    value = getattr(credentials, name, None)
    return value if isinstance(value, str) else None


# --- the base URL and the headers


def _read_base_url(given: str | None, where: str) -> tuple[str | None, dict[str, str]]:
    """The URL without credentials, and the credentials: `key`, or a whole `authorization` header.

    Args:
        given: the URL.
        where: what errors call it.
    """
    if given is None:
        return None, {}
    # AG2's entries put http:// before anything that is not http, and pydantic then drops a colon: http://wss//host.
    url = _split(re.sub(r"^http://(wss?):?//", r"\1://", given.strip()), where)
    kept: list[str] = []
    credentials: dict[str, str] = {}
    for parameter in url.query.split("&"):
        name, _, value = parameter.partition("=")
        if name == "key":
            credentials["key"] = _clean_key(unquote(value), f"the key in {where}")
        elif name == "access_token":
            credentials |= _token_credentials(_clean_key(unquote(value), f"the token in {where}"))
        elif parameter:
            kept.append(parameter)
    return url._replace(query="&".join(kept)).geturl(), credentials


def _token_credentials(token: Secret) -> dict[str, str]:
    return {"key": token} if token.startswith("auth_tokens/") else {"authorization": Secret(f"Bearer {token}")}


def _split(given: str, where: str) -> SplitResult:
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
            f"{where} {problem}",
            remedy="pass for example ws://127.0.0.1:8080 or https://host/path; secrets go into `api_key` or `headers`",
        )
    return url._replace(scheme=_WEBSOCKET_SCHEMES[url.scheme], fragment="")


_WEBSOCKET_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


def _read_headers(*given: Any) -> dict[str, str]:
    headers: dict[str, str] = {}
    for some in given:
        if some is None:
            continue
        check_type("headers", some, Mapping, "a dict of strings")
        for name, value in some.items():
            put_header(headers, name, _revealed(value))
    return headers


def _authenticates(headers: Mapping[str, str]) -> bool:
    return any(name.lower() in ("authorization", "x-goog-api-key") for name in headers)


# --- what is worth a warning


def _doubts(service: Service) -> list[str]:
    doubts = []
    url = urlsplit(service.base_url or "")
    local = url.hostname in ("localhost", "::1") or (url.hostname or "").startswith("127.")
    if url.scheme == "ws" and not local and (service.api_key or service.headers or service.needs_token):
        doubts.append(f"credentials and voice travel to {url.hostname} unencrypted; use wss:// when the server has it")
    if service.api_version == "v1" and service.base_url is None and service.vertex is None:
        # google-genai 3.x dials it by default, while its own live tests say that v1beta alone serves the Live API.
        doubts.append(f"the Gemini API may have no Live API in v1; {GEMINI_API_VERSION} is the one it documents")
    return doubts
