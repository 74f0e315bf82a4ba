from __future__ import annotations

from pathlib import Path

import pytest

from gemini_realtime.local.server.environment import key_for, leading_to

URL = "https://127.0.0.1:1"


def test_it_names_the_server_and_whom_to_trust() -> None:
    assert leading_to(URL, Path("/ca.pem"), {"PATH": "/bin", "NO_PROXY": "x"}) == {
        "GOOGLE_GEMINI_BASE_URL": URL,
        "GOOGLE_VERTEX_BASE_URL": URL,
        "SSL_CERT_FILE": str(Path("/ca.pem")),
        "NODE_EXTRA_CA_CERTS": str(Path("/ca.pem")),
    }


def test_where_proxies_are_asked_this_machine_is_not_their_affair() -> None:
    variables = leading_to(URL, None, {"https_proxy": "http://proxy:3128", "NO_PROXY": "intra.example"})
    assert variables["no_proxy"] == variables["NO_PROXY"] == "intra.example,127.0.0.1,localhost,::1"
    assert "SSL_CERT_FILE" not in variables


@pytest.mark.parametrize(
    ("api_key", "given", "variables"),
    [
        (None, {}, {"GOOGLE_API_KEY": "offline", "GEMINI_API_KEY": "offline"}),
        (None, {"GEMINI_API_KEY": ""}, {"GOOGLE_API_KEY": "offline", "GEMINI_API_KEY": "offline"}),
        (None, {"GEMINI_API_KEY": "mine"}, {"GOOGLE_API_KEY": "offline"}),
        (None, {"GEMINI_API_KEY": "a", "GOOGLE_API_KEY": "b"}, {}),
        ("sesame", {}, {"GOOGLE_API_KEY": "sesame", "GEMINI_API_KEY": "sesame"}),
        ("sesame", {"GEMINI_API_KEY": "mine"}, {"GOOGLE_API_KEY": "sesame", "GEMINI_API_KEY": "sesame"}),
    ],
)
def test_a_key_is_found_wherever_clients_look(
    api_key: str | None, given: dict[str, str], variables: dict[str, str]
) -> None:
    assert key_for(api_key, given) == variables
