from __future__ import annotations

import ssl
from collections.abc import Iterator
from traceback import TracebackException
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_realtime.client import GeminiRealtimeClient
from gemini_realtime.config import KEYS, Config, read_config
from gemini_realtime.errors import ConfigError
from gemini_realtime.protocol.endpoint import Endpoint, endpoint, model_resource
from tests.wrong import WRONG

KEY = "AIza-secret"
EPHEMERAL = "auth_tokens/0a1b2c"
GEMINI_PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
VERTEX_PATH = "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"


class Secret:
    """Like pydantic's SecretStr."""

    def __init__(self, value: str) -> None:
        self._value = value

    def get_secret_value(self) -> str:
        return self._value


class Url:
    """Like pydantic's HttpUrl."""

    scheme = "http"

    def __init__(self, url: str) -> None:
        self._url = url
        self.host = "127.0.0.1"

    def __str__(self) -> str:
        return self._url


class Entry:
    """Like AG2's LLMConfigEntry: attributes, reached by `get` and `[]`."""

    def __init__(self, **values: Any) -> None:
        self._values = values

    def get(self, name: str, default: Any = None) -> Any:
        return self._values.get(name, default)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def keys(self) -> Any:
        return self._values.keys()


class Getter:
    def __init__(self, **values: Any) -> None:
        self.get = values.get


class Indexed:
    def __init__(self, **values: Any) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:
        return self._values[name]


def read(environ: dict[str, str] | None = None, **entry: Any) -> Config:
    return read_config({"config_list": [{"model": "gemini-3.8-live", **entry}]}, environ or {})


def connect_to(token: str | None = None, **entry: Any) -> Endpoint:
    return endpoint(read(**entry).service, token)


# --- reading llm_config


def test_the_documented_entry_is_read_with_its_defaults() -> None:
    config = read(api_key=KEY)
    assert (config.service.model, config.options.voice, config.options.temperature) == (
        "gemini-3.8-live",
        "charon",
        0.8,
    )
    assert (config.service.api_key, config.service.api_version, config.service.base_url) == (KEY, "v1beta", None)
    assert (config.connect_timeout_s, config.setup_timeout_s) == (15.0, 30.0)
    assert config.warnings == ()


@pytest.mark.parametrize("make", [Entry, Getter, Indexed, dict])
def test_entries_may_be_objects_and_values_secrets_and_urls(make: Any) -> None:
    entry = make(model="m", api_key=Secret(KEY), base_url=Url("http://127.0.0.1:80/"), temperature=None, voice=None)
    config = read_config(Indexed(config_list=[entry]), {})
    assert (config.service.api_key, config.service.base_url) == (KEY, "ws://127.0.0.1:80/")
    assert (config.options.voice, config.options.temperature) == ("charon", 0.8)


@pytest.mark.parametrize("llm_config", [{}, {"config_list": []}, {"config_list": ["m"]}, None, {"config_list": {}}, []])
def test_an_llm_config_without_an_entry_is_an_error(llm_config: Any) -> None:
    with pytest.raises(ConfigError):
        read_config(llm_config, {"GEMINI_API_KEY": KEY})


@pytest.mark.parametrize(
    "entry",
    [
        {"model": None},
        {"model": ""},
        {"model": 5},
        {"model": "a b"},
        {"model": "../etc"},
        {"voice": 3},
        {"temperature": "hot"},
        {"temperature": True},
        {"temperature": 2.5},
        {"temperature": float("nan")},
        {"api_key": b"bytes"},
        {"api_key": "two words"},
        {"api_key": "k\r\nX: y"},
        {"base_url": 5},
        {"base_url": "127.0.0.1:8080"},
        {"base_url": "ftp://host"},
        {"base_url": "ws://"},
        {"base_url": "ws://host:99999"},
        {"base_url": "ws://user:password@host"},
        {"base_url": "ws://host/a b"},
        {"api_version": "beta"},
        {"api_version": "v1/x"},
        {"headers": "X: y"},
        {"headers": {"X": 5}},
        {"headers": {"X": "a\r\nY: b"}},
        {"headers": {"X\nY": "a"}},
        {"headers": {"": "a"}},
        {"connect_timeout_s": 0},
        {"setup_timeout_s": "30"},
        {"proxy": 5},
        {"vertexai": "yes"},
        {"vertexai": True, "project": "p/x", "api_key": None},
        {"vertexai": True, "project": "p", "location": "evil.com/", "api_key": None},
        {"vertexai": True, "project": "p"},
    ],
)
def test_a_value_that_cannot_be_is_an_error_with_a_remedy(entry: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as error:
        read(**{"api_key": KEY, **entry})
    assert error.value.remedy


@pytest.mark.parametrize(
    ("environ", "key"),
    [
        ({"GEMINI_API_KEY": "one", "GOOGLE_API_KEY": "two"}, "one"),
        ({"GEMINI_API_KEY": "", "GOOGLE_API_KEY": "two\n"}, "two"),
    ],
)
def test_a_missing_key_comes_from_the_environment(environ: dict[str, str], key: str) -> None:
    assert read(environ).service.api_key == key
    assert read(environ, api_key="mine").service.api_key == "mine"


def test_no_key_at_all_names_both_variables_and_the_embedded_server() -> None:
    with pytest.raises(ConfigError) as error:
        read()
    for word in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "gemini_realtime.LiveServer", "gemini-realtime serve"):
        assert word in str(error.value)


def test_another_server_or_a_header_of_ones_own_needs_no_key() -> None:
    assert read(base_url="ws://127.0.0.1:1").service.api_key is None
    assert read(headers={"authorization": "Bearer x"}).service.api_key is None


def test_keys_of_others_are_ignored_and_near_misses_are_reported() -> None:
    assert read(api_key=KEY, api_type="google", tags=["a"], price=[1, 2], top_p=0.5, stream=True).warnings == ()
    warnings = read(api_key=KEY, base_uri="x", vioce="Kore").warnings
    assert ["base_url" in warnings[0], "voice" in warnings[1]] == [True, True]


@pytest.mark.parametrize("name", ["instructions", "turn_detection", "tools", "realtime_input_config"])
def test_a_session_option_among_the_keys_is_reported_with_its_place(name: str) -> None:
    entry: dict[str, Any] = {"api_key": KEY, name: "x"}
    (warning,) = read(**entry).warnings
    assert name in warning
    assert "session_update" in warning


def test_a_key_on_an_open_line_is_reported_unless_it_stays_on_this_machine() -> None:
    assert "unencrypted" in read(api_key=KEY, base_url="ws://example.com").warnings[0]
    for base_url in ("ws://127.0.0.1:1", "ws://localhost", "ws://[::1]:5", "wss://example.com"):
        assert read(api_key=KEY, base_url=base_url).warnings == ()


def test_the_transports_affairs_are_passed_through() -> None:
    context = ssl.create_default_context()
    config = read(api_key=KEY, ssl=context, proxy="http://u:p@proxy:3128", connect_timeout_s=2, setup_timeout_s=3.5)
    assert config.ssl is context
    assert (config.proxy, config.connect_timeout_s, config.setup_timeout_s) == ("http://u:p@proxy:3128", 2.0, 3.5)


ENTRY = {"model": "gemini-3.8-live", "api_key": KEY}
POLICIES = {
    "headers": ["X-More"],
    "reconnect": ["attempts", "within_s", "jitter", "hand_over"],
    "voice_health": ["no_answer", "answer_within_s", "refusals_in_a_row"],
}


def entries_with(value: Any) -> Iterator[Any]:
    """Entries that have the value at each place in turn."""
    yield value
    for key in KEYS:
        yield {**ENTRY, key: value}
    for key, fields in POLICIES.items():
        for field in fields:
            yield {**ENTRY, key: {field: value}}
    if value.__hash__:
        yield {**ENTRY, value: 1}


def refusal_of(llm_config: Any) -> ConfigError | None:
    try:
        read_config(llm_config, {})
    except ConfigError as error:
        return error
    return None


@pytest.mark.parametrize("value", WRONG, ids=lambda value: type(value).__name__)
def test_a_wrong_value_anywhere_is_taken_or_a_config_error(value: Any) -> None:
    for llm_config in [value, {"config_list": value}, *({"config_list": [entry]} for entry in entries_with(value))]:
        error = refusal_of(llm_config)
        assert error is None or error.remedy
        assert len(str(error)) < 400


@pytest.mark.parametrize(
    ("llm_config", "says"),
    [
        ({"modle": "m"}, "llm_config has no `config_list` → pass"),
        ({"config_list": {"model": "m"}}, "is a dict → pass a list"),
        ({"config_list": [{"modle": "m", "api_key": KEY}]}, "did you mean 'model' by 'modle'?"),
        ({"config_list": [{**ENTRY, "reconnect": {"attempt": 3}}]}, "did you mean 'attempts'?"),
        ({"config_list": [{**ENTRY, "ssl": True}]}, "`ssl` is a bool → pass an ssl.SSLContext"),
        ({"config_list": [{**ENTRY, "credentials": 5}]}, "`credentials` is an int"),
    ],
)
def test_an_error_says_what_was_meant_or_what_to_do(llm_config: Any, says: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_config(llm_config, {})
    assert says in str(error.value)


def test_a_voice_that_is_probably_misspelt_is_taken_with_a_warning() -> None:
    assert "did you mean 'Puck'?" in read(api_key=KEY, voice="Pukc").warnings[0]
    assert read(api_key=KEY, voice="kore").warnings == read(api_key=KEY, voice="Something New").warnings == ()


def test_a_version_of_which_nobody_knows_whether_it_serves_is_taken_with_a_warning() -> None:
    assert "v1beta" in read(api_key=KEY, api_version="v1").warnings[0]
    assert read(api_key=KEY, api_version="v1", base_url="ws://127.0.0.1:1").warnings == ()


# --- the URL


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        (None, f"wss://generativelanguage.googleapis.com{GEMINI_PATH}"),
        ("ws://127.0.0.1:8080", f"ws://127.0.0.1:8080{GEMINI_PATH}"),
        ("http://127.0.0.1:8080/", f"ws://127.0.0.1:8080{GEMINI_PATH}"),
        ("https://host//", f"wss://host{GEMINI_PATH}"),
        ("wss://host?a=b%20c", f"wss://host{GEMINI_PATH}?a=b%20c"),
        ("https://host/live", "wss://host/live"),
        ("HTTPS://Host/Live/?x=1&y", "wss://Host/Live/?x=1&y"),
        ("wss://[::1]:80/a/b.C:d", "wss://[::1]:80/a/b.C:d"),
        # How AG2's entries store `ws://127.0.0.1:8080/live` and `wss://host`.
        ("http://ws//127.0.0.1:8080/live", "ws://127.0.0.1:8080/live"),
        ("http://wss//host", f"wss://host{GEMINI_PATH}"),
    ],
)
def test_a_path_is_used_as_it_stands_and_a_host_alone_gets_the_live_path(base_url: str | None, url: str) -> None:
    assert connect_to(api_key=KEY, base_url=base_url).url == url


def test_the_api_version_is_in_the_path() -> None:
    assert ".v1alpha." in connect_to(api_key=KEY, api_version="v1alpha").url


def test_an_ephemeral_token_calls_the_constrained_method() -> None:
    target = connect_to(api_key=EPHEMERAL)
    assert target.url.endswith("GenerativeService.BidiGenerateContentConstrained")
    assert target.headers["Authorization"] == f"Token {EPHEMERAL}"
    assert "x-goog-api-key" not in target.headers


def test_the_key_travels_in_its_header() -> None:
    target = connect_to(api_key=KEY)
    assert target.headers["x-goog-api-key"] == KEY
    assert target.host == "generativelanguage.googleapis.com"


@pytest.mark.parametrize(
    ("query", "rest", "header", "value"),
    [
        ("?key=AIza-secret", "", "x-goog-api-key", KEY),
        ("?alt=x&key=AIza%2Dsecret&b=", "?alt=x&b=", "x-goog-api-key", KEY),
        ("?access_token=auth_tokens/0a1b2c", "", "Authorization", f"Token {EPHEMERAL}"),
        ("?access_token=ya29.x", "", "Authorization", "Bearer ya29.x"),
    ],
)
def test_credentials_in_the_base_url_move_into_a_header(query: str, rest: str, header: str, value: str) -> None:
    target = connect_to(base_url=f"wss://host/live{query}")
    assert target.url == f"wss://host/live{rest}"
    assert target.headers[header] == value


def test_a_key_of_the_entry_wins_over_one_in_the_url() -> None:
    assert connect_to(api_key="mine", base_url="ws://h/x?key=other").headers["x-goog-api-key"] == "mine"


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ({}, f"wss://gateway{GEMINI_PATH}"),
        ({"vertexai": True, "api_key": KEY}, f"wss://gateway/of/vertex{VERTEX_PATH}"),
        ({"base_url": "ws://127.0.0.1:1/mine"}, "ws://127.0.0.1:1/mine"),
    ],
)
def test_the_variables_of_google_genai_say_where_unless_the_entry_does(entry: dict[str, Any], url: str) -> None:
    environ = {
        "GOOGLE_GEMINI_BASE_URL": "https://gateway/",
        "GOOGLE_VERTEX_BASE_URL": "https://gateway/of/vertex",
        "GEMINI_API_KEY": KEY,
    }
    assert endpoint(read(environ, **entry).service).url == url


def test_a_variable_that_is_no_url_is_named() -> None:
    with pytest.raises(ConfigError, match="GOOGLE_GEMINI_BASE_URL is not a URL"):
        read({"GOOGLE_GEMINI_BASE_URL": "gateway"}, api_key=KEY)


# --- headers


def test_headers_of_the_user_win_whatever_their_spelling() -> None:
    headers = {"User-Agent": "me", "X-GOOG-API-KEY": Secret("other"), "x-more": "1"}
    target = connect_to(api_key=KEY, headers=headers, default_headers={"X-More": "0", "x-least": "2"})
    assert target.headers == {
        "x-goog-api-client": "gemini-realtime",
        "User-Agent": "me",
        "X-GOOG-API-KEY": "other",
        "x-more": "1",
        "x-least": "2",
    }


def test_the_client_says_who_it_is() -> None:
    headers = endpoint(read(api_key=KEY).service, user_agent="gemini-realtime/1.2").headers
    assert headers["user-agent"] == headers["x-goog-api-client"] == "gemini-realtime/1.2"


# --- Vertex AI


@pytest.mark.parametrize(
    ("location", "host"),
    [
        (None, "aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("us", "aiplatform.us.rep.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
        ("us-central1", "us-central1-aiplatform.googleapis.com"),
    ],
)
def test_vertex_is_dialled_at_its_location_with_a_bearer_token(location: str | None, host: str) -> None:
    target = connect_to("ya29.x", project="p", location=location)
    assert target.url == f"wss://{host}{VERTEX_PATH}"
    assert target.headers["Authorization"] == "Bearer ya29.x"


def test_a_project_means_vertex_unless_there_is_a_key() -> None:
    assert read(project_id="p").service.vertex is not None
    assert read(project_id="p", api_key=KEY).service.vertex is None
    assert read({"GEMINI_API_KEY": KEY}, project="p").service.api_key is None
    assert read({"GEMINI_API_KEY": KEY}, project="p", vertexai=False).service.vertex is None


def test_vertex_takes_project_and_location_from_the_environment() -> None:
    environ = {"GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_CLOUD_LOCATION": "eu", "GOOGLE_API_KEY": KEY}
    vertex = read(environ, vertexai=True).service.vertex
    assert vertex is not None
    assert (vertex.project, vertex.location) == ("p", "eu")
    assert read(environ, vertexai=True).service.api_key is None


def test_credentials_are_kept_for_whoever_gets_the_token() -> None:
    class Credentials:
        quota_project_id = "payer"
        project_id = "from-key-file"

        def refresh(self, request: Any) -> None: ...

    def token() -> str:
        return "t"

    assert read(project="p").credentials == "default"
    assert read(project="p", credentials=token).credentials is token
    assert read(project="p", google_application_credentials="/k.json").credentials == "/k.json"
    config = read(credentials=Credentials())
    assert model_resource(config.service).startswith("projects/from-key-file/locations/global/")
    assert endpoint(config.service, "t").headers["x-goog-user-project"] == "payer"


def test_vertex_without_a_token_is_an_error_and_with_a_header_of_ones_own_is_not() -> None:
    with pytest.raises(ConfigError, match="access token"):
        connect_to(project="p")
    target = connect_to(project="p", headers={"authorization": "Bearer mine"})
    assert target.headers["authorization"] == "Bearer mine"


@pytest.mark.parametrize("entry", [{"api_key": KEY}, {}])
def test_express_mode_has_a_key_and_no_project(entry: dict[str, Any]) -> None:
    config = read({"GOOGLE_API_KEY": KEY}, vertexai=True, **entry)
    target = endpoint(config.service)
    assert target.url == f"wss://aiplatform.googleapis.com{VERTEX_PATH}"
    assert target.headers["x-goog-api-key"] == KEY
    assert model_resource(config.service) == "publishers/google/models/gemini-3.8-live"


def test_vertex_without_project_and_key_is_an_error() -> None:
    for entry in ({}, {"credentials": lambda: "t"}):
        with pytest.raises(ConfigError, match="GOOGLE_CLOUD_PROJECT"):
            read({"GEMINI_API_KEY": "of the other service"}, vertexai=True, **entry)


def test_a_gateway_is_asked_in_vertex_form_without_a_token() -> None:
    config = read(vertexai=True, base_url="https://gateway/live")
    assert endpoint(config.service).url == "wss://gateway/live"
    assert "Authorization" not in endpoint(config.service).headers
    assert model_resource(config.service) == "publishers/google/models/gemini-3.8-live"


# --- the name of the model


@pytest.mark.parametrize(
    ("given", "on_gemini", "on_vertex"),
    [
        ("m", "models/m", "projects/p/locations/eu/publishers/google/models/m"),
        ("models/m", "models/m", "projects/p/locations/eu/publishers/google/models/m"),
        ("google/m", "models/m", "projects/p/locations/eu/publishers/google/models/m"),
        ("publishers/acme/models/m", "models/m", "projects/p/locations/eu/publishers/acme/models/m"),
        ("projects/q/locations/l/publishers/google/models/m", "models/m", None),
        ("tunedModels/m", "tunedModels/m", None),
    ],
)
def test_a_model_is_named_as_the_service_wants_it(given: str, on_gemini: str, on_vertex: str | None) -> None:
    assert model_resource(read(model=given, api_key=KEY).service) == on_gemini
    if given.startswith("projects/"):
        on_vertex = given
    if on_vertex is not None:
        assert model_resource(read(model=given, project="p", location="eu").service) == on_vertex


# --- secrets stay secret

PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="&#%?+"))
SECRETS = PRINTABLE.map("s3cr3t-{}".format)


@settings(deadline=None)
@given(SECRETS, st.sampled_from(["key", "access_token"]))
def test_no_url_repr_or_error_shows_a_secret(secret: str, parameter: str) -> None:
    config = read(base_url=f"wss://host.example/live?{parameter}={secret}", headers={"X-Token": secret})
    target = endpoint(config.service)
    for shown in (repr(config), repr(target), target.url, config.service.base_url or "", *config.warnings):
        assert secret not in shown
    assert any(secret in value for name, value in target.headers.items() if name != "X-Token")


@settings(deadline=None)
@given(st.from_regex(r"[A-Za-z0-9_-]{8,20}", fullmatch=True))
def test_errors_about_a_url_do_not_repeat_it(secret: str) -> None:
    for base_url in (f"ftp://host?key={secret}", f"ws://{secret}@host/x", f"host?key={secret}", f"ws://h:x/{secret}"):
        with pytest.raises(ConfigError) as error:
            read(base_url=base_url)
        assert secret not in str(error.value)
    with pytest.raises(ConfigError) as error:
        read(api_key=f"{secret} {secret}")
    assert secret not in str(error.value)


def test_a_proxy_password_and_credentials_are_not_in_the_repr() -> None:
    config = read(project="p", credentials=lambda: "t", proxy="http://u:hunter2@proxy")
    assert "hunter2" not in repr(config)
    assert "lambda" not in repr(config)


def test_no_secret_is_seen_in_what_a_debugger_shows() -> None:
    config = read(api_key=KEY, headers={"X-Gateway-Token": "t-0123456789"}, proxy="http://u:hunter2@proxy")
    target = endpoint(config.service)
    shown = f"{[getattr(config, name) for name in config.__struct_fields__]} {config.service.headers} {target.headers}"
    assert not [secret for secret in (KEY, "t-0123456789", "hunter2") if secret in shown]
    assert target.headers["x-goog-api-key"] == KEY


@pytest.mark.parametrize(
    "entry",
    [
        {"model": 5},
        {"api_key": "AIza-s3cr3t-0123456789 x"},
        {"temperature": "hot"},
        {"proxy": "user:AIza-s3cr3t-0123456789@proxy"},
        {"base_url": "ws://host/?key=AIza-s3cr3t-0123456789", "voice": 5},
        {"headers": {"X-Token": "AIza-s3cr3t-0123456789\n"}},
    ],
)
def test_a_traceback_with_locals_shows_no_secret(entry: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as raised:
        GeminiRealtimeClient(llm_config={"config_list": [{"model": "m", "api_key": "AIza-s3cr3t-0123456789", **entry}]})
    trace = TracebackException.from_exception(raised.value, capture_locals=True)
    ours = [frame for frame in trace.stack if "gemini_realtime" in frame.filename]
    assert ours
    assert "s3cr3t" not in str([frame.locals for frame in ours])


def test_no_proxy_is_a_choice_too() -> None:
    assert read(api_key=KEY).proxy is None
    assert read(api_key=KEY, proxy=False).proxy == ""
