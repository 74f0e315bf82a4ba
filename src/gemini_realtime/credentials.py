"""Access tokens for Vertex AI: from a callable of the user's, or from google-auth."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from gemini_realtime.errors import ConfigError, HandshakeError, MissingDependencyError, Secret

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
"""Source: https://cloud.google.com/vertex-ai/docs/authentication."""


async def access_token(credentials: Any, *, timeout_s: float = 15.0) -> Secret | None:
    """The bearer token to connect with.

    Args:
        credentials: None for no token; a callable, sync or async, that returns one; `google.auth` credentials, which
            are refreshed when needed; `"default"` for application default credentials; or the path of a service
            account's key file.
        timeout_s: how long it may take. A callable that is not async is called in the event loop, and must not block.

    Raises:
        HandshakeError: it took longer.
        ConfigError: there was no token, or there are no credentials where they were said to be.
        MissingDependencyError: google-auth is needed and not installed.
    """
    if credentials is None:
        return None
    try:
        async with asyncio.timeout(timeout_s) as limit:
            return Secret(await _token(credentials))
    except TimeoutError:
        if not limit.expired():  # it is the callable's own
            raise
    raise HandshakeError(
        f"`credentials` gave no access token within {timeout_s:g} s",
        remedy="check the network and where the token comes from, or raise `connect_timeout_s`",
    )


async def _token(credentials: Any) -> str:
    if hasattr(credentials, "refresh"):
        token = await asyncio.to_thread(_refreshed, credentials)
    elif isinstance(credentials, str):
        token = await asyncio.to_thread(_found, credentials)
    else:
        token = credentials()
        if inspect.isawaitable(token):
            token = await token
    return _checked(token)


def _checked(token: object) -> str:
    """The token without the line break with which files and commands end."""
    if not isinstance(token, str) or not (clean := token.strip()):
        given = "an empty string" if isinstance(token, str) else type(token).__name__
        problem = f"gave no token, but {given}"
    elif not clean.isascii() or not clean.isprintable() or " " in clean:
        problem = "gave what cannot be a token: it has spaces, line breaks or other than ASCII"
    else:
        return clean
    raise ConfigError(f"`credentials` {problem}", remedy="return the access token as a string")


def _found(where: str) -> object:
    """The token of the default credentials, or of those in a key file."""
    try:
        import google.auth
        from google.oauth2 import service_account
    except ImportError as error:
        raise MissingDependencyError("Vertex AI with Google credentials", "vertex") from error
    try:
        if where == "default":
            credentials, _ = google.auth.default(scopes=[SCOPE])
        else:
            credentials = service_account.Credentials.from_service_account_file(where, scopes=[SCOPE])  # type: ignore[no-untyped-call]
    except (google.auth.exceptions.GoogleAuthError, OSError, ValueError) as error:
        raise ConfigError(
            f"no Google credentials were found ({where})",
            remedy="run `gcloud auth application-default login`, or pass `credentials`",
        ) from error
    return _refreshed(credentials)


def _refreshed(credentials: Any) -> object:
    if not credentials.valid:
        try:
            from google.auth.transport.requests import Request
        except ImportError as error:
            raise MissingDependencyError("refreshing Google credentials", "vertex") from error
        credentials.refresh(Request())
    return credentials.token
