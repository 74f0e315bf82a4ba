"""The certificate for this machine, in the form of files and on the wire."""

from __future__ import annotations

import asyncio
import errno
import ssl
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import picows
import pytest

from gemini_realtime.errors import ConfigError, MissingDependencyError
from gemini_realtime.local.server.limits import Limits
from gemini_realtime.local.server.tls import ORGANIZATION, local_identity
from tests.local.server.test_http import served
from tests.local.test_serve import WAIT_S

trustme = pytest.importorskip("trustme", reason="TLS needs the extra [local]")

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("gemini_realtime.local.server.tls._cache_folder", lambda: tmp_path / "gemini-realtime")
    return tmp_path / "gemini-realtime"


def ours(bundle: Path) -> list[str]:
    """The serial numbers of our authorities in a bundle."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(bundle)
    return [str(cert["serialNumber"]) for cert in context.get_ca_certs() if ORGANIZATION in str(cert["subject"])]


def trusting(bundle: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=bundle)
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # as Python does from 3.13 on
    return context


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "::1"])
async def test_a_program_with_the_bundle_connects_under_every_name(name: str) -> None:
    async with served(tls=True) as server:
        bundle = Path(server.environment()["SSL_CERT_FILE"])
        transport, _ = await picows.ws_connect(
            picows.WSListener, server.tls_url, ssl_context=trusting(bundle), server_hostname=name
        )
        transport.disconnect(False)
        await transport.wait_disconnected()


async def test_ws_and_wss_are_served_at_once() -> None:
    async with served(tls=True) as server:
        assert server.url == f"ws://127.0.0.1:{server.port}"
        assert server.tls_url.startswith("wss://127.0.0.1:")
        assert server.tls_url.rpartition(":")[2] != str(server.port)
        assert server.environment()["GOOGLE_GEMINI_BASE_URL"] == server.tls_url.replace("wss", "https")


async def test_the_environment_holds_a_key_that_the_server_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    async with served(tls=True, api_key="sesame") as server:
        environment = server.environment()
        assert environment["GOOGLE_API_KEY"] == environment["GEMINI_API_KEY"] == "sesame"


async def test_without_tls_there_is_no_such_environment() -> None:
    async with served() as server:
        with pytest.raises(ConfigError, match="tls=True"):
            server.environment()


async def test_with_a_certificate_of_ones_own_trust_is_ones_own_affair() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    async with served(tls=context) as server:
        assert "SSL_CERT_FILE" not in server.environment()
        transport, _ = await picows.ws_connect(picows.WSListener, server.tls_url, ssl_context=trust)
        transport.disconnect(False)
        await transport.wait_disconnected()


async def test_a_taken_tls_port_frees_the_other(unused_tcp_port: int) -> None:
    async with served() as other:
        with pytest.raises(OSError, match=str(other.port)):
            await served(tls=True, port=unused_tcp_port, tls_port=other.port).__aenter__()
    async with served(port=unused_tcp_port) as server:
        assert server.port == unused_tcp_port


async def test_who_does_not_begin_with_tls_is_cut_off() -> None:
    async with served(tls=True, limits=Limits(handshake_s=0.05)) as server, asyncio.timeout(WAIT_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(server.tls_url.rpartition(":")[2]))
        assert await reader.read() == b""
        writer.close()


def test_the_key_is_for_the_users_eyes_only(cache: Path) -> None:
    local_identity(NOW)
    (key,) = cache.glob("*/key-and-chain.pem")
    if sys.platform != "win32":
        assert key.stat().st_mode & 0o077 == 0
        assert key.parent.stat().st_mode & 0o077 == 0
    assert key.read_text().count("PRIVATE KEY") == 2  # one, which is not the authority's


def test_it_is_used_again_and_renewed_when_it_is_old(cache: Path) -> None:
    first = ours(local_identity(NOW).bundle)
    assert ours(local_identity(NOW).bundle) == first
    later = ours(local_identity(NOW + timedelta(days=200)).bundle)
    assert len(first) == len(later) == 1
    assert first != later


def test_the_first_to_make_it_wins(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gemini_realtime.local.server import tls

    first = ours(local_identity(NOW).bundle)
    (chain,) = cache.glob("*/key-and-chain.pem")
    tls._make(chain, NOW)  # as another program would that has seen no certificate yet
    assert ours(local_identity(NOW).bundle) == first
    assert list(cache.glob("*/key-and-chain.pem")) == [chain]


def test_damaged_files_are_made_anew_and_the_log_says_so(cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = local_identity(NOW).bundle
    (chain,) = cache.glob("*/key-and-chain.pem")
    chain.write_bytes(chain.read_bytes()[:1000])
    second = local_identity(NOW).bundle
    assert ours(second)
    assert second != first
    second.write_bytes(bytes(range(256)))
    assert local_identity(NOW).bundle == second
    assert ours(second)
    assert [record.getMessage().partition(" (")[0] for record in caplog.records] == [
        f"the certificate in {chain} is damaged",
        f"the certificate in {chain} is damaged",
        f"{second} is damaged: it is written anew",
    ]


def test_servers_that_trust_different_authorities_share_a_cache(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = local_identity(NOW).bundle
    before = usual.read_bytes()
    (tmp_path / "set.pem").write_bytes(trustme.CA(organization_name="A company").cert_pem.bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "set.pem"))
    assert local_identity(NOW).bundle != usual
    assert usual.read_bytes() == before


def test_the_bundle_trusts_whom_the_machine_trusts_and_not_an_earlier_certificate(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = trustme.CA(organization_name="A company").cert_pem.bytes()
    old = trustme.CA(organization_name=ORGANIZATION).cert_pem.bytes()
    (tmp_path / "set.pem").write_bytes(company + old)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "set.pem"))
    bundle = local_identity(NOW).bundle
    assert len(ours(bundle)) == 1
    names = str(trusting(bundle).get_ca_certs())
    assert "A company" in names
    assert names.count("'organizationName'") > 50  # everybody else


def test_a_folder_that_cannot_be_written_to_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="XDG_CACHE_HOME"):
        local_identity(NOW, tmp_path / "file" / "folder")


def test_what_cannot_be_kept_leaves_nothing_half_made(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(ConfigError, match="No space left on device"):
        local_identity(NOW)
    assert [path.name for path in cache.rglob("*") if path.is_file()] == ["key-and-chain.pem"]


@pytest.mark.parametrize("module", ["trustme", "certifi"])
def test_a_missing_library_names_the_extra(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependencyError, match=r"\[local\]"):
        local_identity(NOW)
