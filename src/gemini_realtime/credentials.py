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
        ConfigError: the callable returned no token, or there are no credentials where they were said to be.
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
        return await asyncio.to_thread(_refreshed, credentials)
    if isinstance(credentials, str):
        return await asyncio.to_thread(_found, credentials)
    token = credentials()
    if inspect.isawaitable(token):
        token = await token
    if not isinstance(token, str) or not token:
        given = "an empty string" if token == "" else type(token).__name__
        raise ConfigError(
            f"the `credentials` callable returned no token, but {given}", remedy="return the access token as a string"
        )
    return token


def _found(where: str) -> str:
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


def _refreshed(credentials: Any) -> str:
    if not credentials.valid:
        try:
            from google.auth.transport.requests import Request
        except ImportError as error:
            raise MissingDependencyError("refreshing Google credentials", "vertex") from error
        credentials.refresh(Request())
    return str(credentials.token)
