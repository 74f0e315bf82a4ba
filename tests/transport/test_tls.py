"""Whom a connection over TLS trusts, and that it needs no files."""

from __future__ import annotations

import asyncio
import os
import ssl
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from gemini_realtime.errors import HandshakeError
from gemini_realtime.transport.websocket import dial
from tests.loop import settle
from tests.transport.test_websocket import WAIT_S, Client, Server, serving

trustme = pytest.importorskip("trustme", reason="TLS needs the extra [local]")


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The only one that is trusted."""
    authority = trustme.CA()
    trust(authority, tmp_path / "bundle.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "bundle.pem"))
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    return authority


def trust(authority: Any, bundle: Path) -> None:
    authority.cert_pem.write_to_path(bundle)


def presented(authority: Any) -> ssl.SSLContext:
    """What a server shows that this authority vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


async def test_certificates_are_read_once_for_all_connections_and_again_when_they_change(
    authority: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = Mock(wraps=ssl.create_default_context)
    monkeypatch.setattr(ssl, "create_default_context", reading)
    async with asyncio.timeout(WAIT_S), serving(lambda request: Server(), tls=presented(authority)) as url:
        for _ in range(3):
            await (await dial(url, {}, Client())).close()
        assert reading.call_count == 1
        trust(trustme.CA(), tmp_path / "bundle.pem")
        os.utime(tmp_path / "bundle.pem", ns=(0, 0))
        with pytest.raises(HandshakeError, match="is not trusted"):
            await dial(url, {}, Client())
        await settle()


@pytest.mark.parametrize("given", [False, True])
async def test_a_connection_needs_no_file_that_can_be_written(
    authority: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: bool
) -> None:
    shown = presented(authority)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    async with asyncio.timeout(WAIT_S), serving(lambda request: Server(), tls=shown) as url:
        ours = ssl.create_default_context() if given else None
        await (await dial(url, {}, Client(), ssl=ours)).close()
        await settle()
