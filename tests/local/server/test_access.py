"""Who may come in."""

from __future__ import annotations

import pytest

from gemini_realtime.local.server.access import CALLER_UNKNOWN, KEY_INVALID, Access, Credentials, Route
from gemini_realtime.local.server.http import Request
from gemini_realtime.local.wire.api import Api
from gemini_realtime.local.wire.refusals import Rule

GEMINI = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
VERTEX = "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"
FIREBASE = "/ws/google.firebase.vertexai.v1beta"
TOKEN = "auth_tokens/1a2b"


def request(target: str = GEMINI, **headers: str) -> Request:
    """A request; underscores in names of headers stand for hyphens."""
    spelled = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request.of(b"GET", target.encode(), spelled.items())


@pytest.mark.parametrize(
    ("path", "route"),
    [
        (GEMINI, Route(Api("v1beta"))),
        (GEMINI.replace("v1beta", "v1"), Route(Api("v1"))),
        (GEMINI.replace("v1beta", "v1alpha") + "Constrained", Route(Api("v1alpha"), constrained=True)),
        (VERTEX, Route(Api("v1beta1", vertex=True))),
        (VERTEX.replace("v1beta1", "v1beta"), Route(Api("v1beta", vertex=True))),
        (f"{FIREBASE}.GenerativeService/BidiGenerateContent", Route(Api("v1beta", firebase=True))),
        (f"{FIREBASE}.LlmBidiService/BidiGenerateContent/locations/us-central1", Route(Api("v1beta", firebase=True))),
        (f"{FIREBASE}.LlmBidiService/BidiGenerateContent", None),
        ("/", Route()),
        (GEMINI.replace("v1beta", "v2"), None),
        (GEMINI + "X", None),
        ("/v1beta/models", None),
    ],
)
def test_a_path_names_a_route(path: str, route: Route | None) -> None:
    assert Route.of(path) == route


def test_empty_segments_do_not_count() -> None:
    assert request("//ws///x?a=b//c").path == "/ws/x"


@pytest.mark.parametrize(
    ("asked", "key", "token"),
    [
        (request(), None, None),
        (request(GEMINI + "?key=k"), "k", None),
        (request(x_goog_api_key="k"), "k", None),
        (request(GEMINI + "?access_token=auth_tokens%2F1a2b"), None, TOKEN),
        (request(Authorization=f"Token {TOKEN}", x_goog_api_key=TOKEN), None, TOKEN),
        (request(Authorization=f"token  {TOKEN}"), None, TOKEN),
        (request(Authorization="Bearer ya29"), "ya29", None),
        (request(Authorization="Basic abc"), None, None),
        (request(x_goog_api_key=TOKEN), TOKEN, None),
    ],
)
def test_credentials_come_in_many_places(asked: Request, key: str | None, token: str | None) -> None:
    assert Credentials.of(asked) == (key, token)


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:80", "http://a.localhost"]
)
def test_pages_of_this_machine_are_welcome(origin: str) -> None:
    assert Access(None).page_refused(request(origin=origin)) is None


@pytest.mark.parametrize(
    "origin", ["https://example.org", "http://localhost.example.org", "null", "http://[", "", "file://"]
)
def test_other_pages_are_refused(origin: str) -> None:
    refused = Access(None).page_refused(request(origin=origin))
    assert refused is not None
    assert refused.status == 403


def test_two_origins_are_none() -> None:
    twice = Request.of(b"GET", b"/", [("Origin", "http://localhost"), ("Origin", "https://example.org")])
    refused = Access(None).page_refused(twice)
    assert refused is not None
    assert refused.status == 403


@pytest.mark.parametrize(
    "host", ["127.0.0.1:1", "localhost", "a.localhost:80", "[::1]:8", "192.168.0.7", "host.docker.internal", "server"]
)
def test_the_server_is_called_by_names_that_no_stranger_can_have_given_it(host: str) -> None:
    assert Access(None).page_refused(request(host=host)) is None


@pytest.mark.parametrize("host", ["rebound.example.org", "127.0.0.1.example.org:80", "localhost, example.org", "a b"])
def test_a_name_that_may_be_rebound_is_refused_where_there_is_no_key(host: str) -> None:
    refused = Access(None).page_refused(request(host=host))
    assert refused is not None
    assert refused.status == 403
    assert Access("sesame").page_refused(request(host=host)) is None


def test_programs_have_no_origin() -> None:
    assert Access(None).page_refused(request()) is None


@pytest.mark.parametrize(
    ("api_key", "route", "credentials", "rule"),
    [
        (None, Route(), Credentials(None, None), None),
        (None, Route(), Credentials("any", None), None),
        (None, Route(), Credentials(TOKEN, None), KEY_INVALID),
        (None, Route(), Credentials(None, TOKEN), CALLER_UNKNOWN),
        (None, Route(constrained=True), Credentials(None, None), CALLER_UNKNOWN),
        (None, Route(constrained=True), Credentials(None, TOKEN), None),
        ("sesame", Route(), Credentials("sesame", None), None),
        ("sesame", Route(), Credentials("sésame", None), KEY_INVALID),
        ("sesame", Route(), Credentials("s\udcffsame", None), KEY_INVALID),
        ("sesame", Route(), Credentials(None, None), CALLER_UNKNOWN),
        ("sesame", Route(constrained=True), Credentials(None, TOKEN), None),
    ],
)
def test_a_connection_needs_the_right_key(
    api_key: str | None, route: Route, credentials: Credentials, rule: Rule | None
) -> None:
    assert Access(api_key).connection_refused(route, credentials) == rule


@pytest.mark.parametrize(
    ("asked", "status", "name"),
    [
        (request("/v1beta/auth_tokens"), 403, "PERMISSION_DENIED"),
        (request("/v1beta/auth_tokens?key=wrong"), 400, "INVALID_ARGUMENT"),
        (request(VERTEX), 401, "UNAUTHENTICATED"),
        (request(VERTEX, Authorization="Bearer wrong"), 401, "UNAUTHENTICATED"),
    ],
)
def test_a_request_needs_the_right_key(asked: Request, status: int, name: str) -> None:
    refused = Access("sesame").caller_refused(asked)
    assert refused is not None
    assert (refused.status, refused.content["error"]["status"]) == (status, name)
    assert Access(None).caller_refused(asked) is None


@pytest.mark.parametrize("shown", [{"x_goog_api_key": "sesame"}, {"Authorization": "Bearer sesame"}])
def test_with_it_a_request_is_answered(shown: dict[str, str]) -> None:
    assert Access("sesame").caller_refused(request(VERTEX, **shown)) is None


@pytest.mark.parametrize("rule", [KEY_INVALID, CALLER_UNKNOWN])
def test_no_rule_repeats_what_was_shown(rule: Rule) -> None:
    assert "{" not in rule.reason
