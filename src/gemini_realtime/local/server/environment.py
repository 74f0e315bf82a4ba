"""The environment in which a program that knows Google's addresses only comes to the embedded server instead."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

_KEYS: Final = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
"""Where clients look for a key. LiveKit's plugins and the examples of pipecat read the first only, langwatch-scenario
and tau2-bench the second only; google-genai, and what is built on it, reads both, and logs a warning that it takes the
first. A line in the log is less than a program without a key."""

_ANY_KEY: Final = "offline"

_THIS_MACHINE: Final = ("127.0.0.1", "localhost", "::1")


def leading_to(base_url: str, authorities: Path | None, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that are to be set.

    Args:
        base_url: of the server.
        authorities: certificates to trust; None when the server's is trusted anyway.
        environ: the environment as it is.

    Sources: google-genai 3.4.0 (`_base_url.py`, `_api_client.py`); https://nodejs.org/api/cli.html#node_extra_ca_certsfile.
    """
    variables = {"GOOGLE_GEMINI_BASE_URL": base_url, "GOOGLE_VERTEX_BASE_URL": base_url}
    if authorities is not None:
        variables |= {"SSL_CERT_FILE": str(authorities), "NODE_EXTRA_CA_CERTS": str(authorities)}
    if any(name.lower().endswith("_proxy") and name.lower() != "no_proxy" for name in environ):
        known = environ.get("no_proxy") or environ.get("NO_PROXY")
        direct = ",".join(filter(None, (known, *_THIS_MACHINE)))
        variables |= {"NO_PROXY": direct, "no_proxy": direct}
    return variables


def key_for(api_key: str | None, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables in which clients find a key; one that is set already stays, unless it is a wrong one.

    Args:
        api_key: the only one that the server takes; None when it takes any.
        environ: the environment as it is.

    Sources: google-genai 3.4.0 (`_api_client.py`), @google/genai 3.1.0, pydantic-ai 2.68 (`providers/google.py`);
    https://docs.livekit.io/reference/python/livekit/plugins/google/realtime/realtime_api.html;
    langwatch-scenario 1.6.0 (`voice/adapters/gemini_live.py`); tau2-bench (`audio_native/gemini/provider.py`).
    """
    if api_key is not None:
        return dict.fromkeys(_KEYS, api_key)
    return {name: _ANY_KEY for name in _KEYS if not environ.get(name)}
