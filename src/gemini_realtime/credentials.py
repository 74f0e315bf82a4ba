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
            are refreshed when needed; `"default"` for application default credentials; or the path of a service
            account's key file.

    Raises:
        ConfigError: the callable returned no token, or there are no credentials where they were said to be.
        MissingDependencyError: google-auth is needed and not installed.
    """
    if credentials is None:
        return None
    if hasattr(credentials, "refresh"):
        return await asyncio.to_thread(_refreshed, credentials)
    if isinstance(credentials, str):
        return await asyncio.to_thread(_found, credentials)
    token = credentials()
    if inspect.isawaitable(token):
        token = await token
    if not isinstance(token, str) or not token:
        raise ConfigError("the `credentials` callable returned no token", remedy="return the access token as a string")
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
