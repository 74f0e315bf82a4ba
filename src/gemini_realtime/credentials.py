"""Access tokens for Vertex AI: from a callable of the user's, or from google-auth."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from gemini_realtime.errors import ConfigError, MissingDependencyError

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
"""Source: https://cloud.google.com/vertex-ai/docs/authentication."""


async def access_token(credentials: Any) -> str | None:
    """The bearer token to connect with.

    Args:
        credentials: None for no token; a callable, sync or async, that returns one; `google.auth` credentials, which
            are refreshed when needed; or `"default"` for application default credentials.

    Raises:
        ConfigError: the callable returned no token, or there are no default credentials.
        MissingDependencyError: google-auth is needed and not installed.
    """
    if credentials is None:
        return None
    if hasattr(credentials, "refresh"):
        return await asyncio.to_thread(_refreshed, credentials)
    if credentials == "default":
        return await asyncio.to_thread(_default)
    token = credentials()
    if inspect.isawaitable(token):
        token = await token
    if not isinstance(token, str) or not token:
        raise ConfigError("the `credentials` callable returned no token", remedy="return the access token as a string")
    return token


def _default() -> str:
    try:
        import google.auth
    except ImportError as error:
        raise MissingDependencyError("Vertex AI with application default credentials", "vertex") from error
    try:
        credentials, _ = google.auth.default(scopes=[SCOPE])
    except google.auth.exceptions.DefaultCredentialsError as error:
        raise ConfigError(
            "no Google credentials were found",
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
