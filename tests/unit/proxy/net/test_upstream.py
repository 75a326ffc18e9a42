"""Keyspaces is reached by name, and only when it proves that name."""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
import ssl
from collections.abc import AsyncIterator

import pytest

from keyward_proxy.net import upstream
from keyward_proxy.net.errors import UpstreamUnreachable
from keyward_proxy.net.leaf import CertificateAuthority, Leaf
from keyward_proxy.net.sockets import SEND_BUFFER_BYTES
from keyward_proxy.net.upstream import Endpoint, TLSConnector, amazon_roots, client_context
from tests.unit.proxy.net.authorities import make_authority, pem

FINGERPRINTS = {
    "Amazon Root CA 1": "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
    "Amazon Root CA 2": "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
    "Amazon Root CA 3": "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
    "Amazon Root CA 4": "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
    "Starfield Class 2": "1465fa205397b876faa6f0a9958e5590e40fcc7faa4fb7c2c8677521fb5fb658",
}
"""SHA-256 of the certificates, as their owners publish them."""


def test_the_shipped_roots_are_exactly_those_that_aws_names() -> None:
    blocks = re.findall(r"-----BEGIN.*?-----END CERTIFICATE-----", amazon_roots(), re.DOTALL)
    found = {hashlib.sha256(ssl.PEM_cert_to_DER_cert(block)).hexdigest() for block in blocks}
    assert found == set(FINGERPRINTS.values())
    assert client_context(None).cert_store_stats()["x509_ca"] == 5


@pytest.fixture
async def server(leaf: Leaf) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    running = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=leaf.context)
    async with running:
        yield running.sockets[0].getsockname()[1]


def endpoint(port: int, authority: CertificateAuthority, **changes: str) -> Endpoint:
    fields = {"address": "127.0.0.1", "server_name": "agent.test", "roots": pem(authority)} | changes
    return Endpoint(port=port, **fields)


async def test_a_verified_endpoint_is_connected(server: int, authority: CertificateAuthority) -> None:
    with await TLSConnector().connect(endpoint(server, authority)) as sock:
        assert sock.version() == "TLSv1.3"
        assert not sock.getblocking()
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 2 * SEND_BUFFER_BYTES  # Linux counts it twice.


async def test_another_name_is_refused(server: int, authority: CertificateAuthority) -> None:
    with pytest.raises(UpstreamUnreachable, match=r"did not prove to be cassandra\.test"):
        await TLSConnector().connect(endpoint(server, authority, server_name="cassandra.test"))


async def test_other_roots_are_refused(server: int, authority: CertificateAuthority) -> None:
    with pytest.raises(UpstreamUnreachable, match=r"did not prove to be agent\.test"):
        await TLSConnector().connect(endpoint(server, authority, roots=pem(make_authority(name="other"))))


async def test_roots_that_are_no_certificates_are_refused(server: int, authority: CertificateAuthority) -> None:
    with pytest.raises(UpstreamUnreachable, match="caBundle holds no usable PEM"):
        await TLSConnector().connect(endpoint(server, authority, roots="nonsense"))


async def test_a_closed_port_is_told(authority: CertificateAuthority) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(UpstreamUnreachable, match=rf"^cannot connect to 127\.0\.0\.1:{port}: Connection refused$"):
        await TLSConnector().connect(endpoint(port, authority))


@pytest.mark.parametrize("changes", [{"address": "a..b"}, {"address": "x" * 64}, {"server_name": "x" * 64}])
async def test_a_name_that_no_host_can_have_is_told(
    server: int, authority: CertificateAuthority, changes: dict[str, str]
) -> None:
    with pytest.raises(UpstreamUnreachable, match=r"cannot connect to|did not prove"):
        await TLSConnector().connect(endpoint(server, authority, **changes))


async def test_a_silent_server_is_given_up(authority: CertificateAuthority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "CONNECT_SECONDS", 0.1)
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        pytest.raises(UpstreamUnreachable, match="did not answer within"),
    ):
        await TLSConnector().connect(endpoint(listener.getsockname()[1], authority))


async def test_every_address_of_the_name_is_tried(
    server: int, authority: CertificateAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lookup(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        stream = socket.SOCK_STREAM
        return [
            (socket.AF_INET6, stream, 6, "", ("::1", port, 0, 0)),
            (socket.AF_INET, stream, 6, "", ("127.0.0.1", port)),
        ]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", lookup)
    with await TLSConnector().connect(endpoint(server, authority, address="keyspaces.test")) as sock:
        assert sock.getpeername()[0] == "127.0.0.1"
