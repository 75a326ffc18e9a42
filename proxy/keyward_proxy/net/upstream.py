"""The connection to Keyspaces: always to the endpoint's name, always verified by that name.

Peers' addresses are never dialled: Keyspaces' certificate does not name them. Every new connection to the name
lands on another request handler, which spreads load without reading system.peers.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from keyward_proxy.net.errors import UpstreamUnreachable
from keyward_proxy.net.server_context import CIPHERS
from keyward_proxy.net.sockets import tune
from keyward_proxy.net.stream import describe, handshake

CONNECT_SECONDS = 10.0
"""Name lookup, TCP and TLS together."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """Where Keyspaces is, and by which name and roots it proves itself."""

    address: str
    port: int
    server_name: str
    roots: str | None
    """PEM; None means the roots that AWS names for Keyspaces, which this package ships."""


@lru_cache(maxsize=8)
def client_context(roots: str | None) -> ssl.SSLContext:
    """Trust these roots and nothing else; raises UpstreamUnreachable where they are no PEM certificates.

    Built without `create_default_context`, whose strict flag (Python 3.13) refuses roots of before 2010.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    try:
        context.load_verify_locations(cadata=roots or amazon_roots())
    except ssl.SSLError as error:
        raise UpstreamUnreachable(
            f"the endpoint's caBundle holds no usable PEM certificates: {describe(error)}"
        ) from error
    return context


def amazon_roots() -> str:
    """Amazon Root CA 1 to 4 and Starfield Class 2, as the Keyspaces developer guide names them (PEM)."""
    return resources.files("keyward_proxy.net").joinpath("amazon-roots.pem").read_text("ascii")


class TLSConnector:
    """Connects to Keyspaces over TCP and TLS."""

    async def connect(self, endpoint: Endpoint) -> ssl.SSLSocket:
        """A non-blocking socket after its handshake; raises UpstreamUnreachable."""
        where = f"{endpoint.address}:{endpoint.port}"
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await self._connect(endpoint)
        except TimeoutError as error:
            raise UpstreamUnreachable(f"{where} did not answer within {CONNECT_SECONDS:.0f} s") from error
        except ssl.SSLCertVerificationError as error:
            raise UpstreamUnreachable(
                f"{where} did not prove to be {endpoint.server_name}: {error.verify_message}"
            ) from error
        except OSError as error:
            raise UpstreamUnreachable(f"cannot connect to {where}: {describe(error)}") from error
        except ValueError as error:  # what the `idna` codec says to names that no host can have
            raise UpstreamUnreachable(f"cannot connect to {where}: {error}") from error

    async def _connect(self, endpoint: Endpoint) -> ssl.SSLSocket:
        context = client_context(endpoint.roots)
        endpoint.server_name.encode("idna")  # `wrap_socket` would find out too late, and leave a socket open
        plain = await _connect_any(endpoint.address, endpoint.port)
        try:
            tune(plain)
            sock = context.wrap_socket(plain, server_hostname=endpoint.server_name, do_handshake_on_connect=False)
        except BaseException:
            plain.close()
            raise
        try:
            await handshake(sock)
        except BaseException:
            sock.close()
            raise
        return sock


async def _connect_any(host: str, port: int) -> socket.socket:
    """Try the name's addresses in order; raises the last one's OSError."""
    loop = asyncio.get_running_loop()
    addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for position, (family, kind, protocol, _, address) in enumerate(addresses):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            # An address that swallows packets must leave time for the next one.
            share = CONNECT_SECONDS / 2 if position + 1 < len(addresses) else None
            async with asyncio.timeout(share):
                await loop.sock_connect(sock, address)
            return sock
        except BaseException as error:
            sock.close()
            if not isinstance(error, OSError) or position + 1 == len(addresses):
                raise
    raise OSError(f"{host} has no address")
