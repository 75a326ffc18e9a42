"""What must not get through the listener's TLS, nor past it: each ends quickly, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from keyward_proxy.net.connection import Services
from keyward_proxy.net.leaf import CertificateAuthority, Leaf
from keyward_proxy.net.server import Limits, Server
from keyward_proxy.session import commands, events
from keyward_proxy.tasks import TaskHolder
from tests.unit.proxy import frames
from tests.unit.proxy.net.relays import Opener, ScriptedSession, services
from tests.unit.proxy.support import until

QUICKLY = 9.0
"""Seconds; less than the handshake may take."""

OLD = ["TLSv1", "TLSv1_1"]
WEAK = [
    "AES128-SHA",  # no forward secrecy, CBC
    "AES128-GCM-SHA256",  # no forward secrecy
    "ECDHE-ECDSA-AES128-SHA256",  # CBC
    "ECDHE-ECDSA-AES256-SHA",  # CBC with SHA-1
    "aNULL",  # nobody proves anything
    "eNULL",  # nothing is hidden
    "DHE-RSA-AES128-GCM-SHA256",
]
NO_HANDSHAKE = {
    "an HTTP request": b"GET / HTTP/1.1\r\nHost: agent\r\n\r\n",
    "plain CQL": frames.options() + frames.startup(),
    "an SSL 2 hello": b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + bytes(40),
    "random bytes": bytes(range(255, -1, -1)) * 64,
    "zeros": bytes(20_000),
    "a record of the greatest length": b"\x16\x03\x01\xff\xff" + bytes(20_000),
    "a hello of the greatest length": b"\x16\x03\x01\x40\x00\x01\xff\xff\xff" + bytes(20_000),
    "application data at once": b"\x17\x03\x03\x00\x20" + bytes(32),
    "an alert": b"\x15\x03\x03\x00\x02\x02\x28",
}


@dataclass
class Listening:
    """A server, the sessions that it made, and what became of its connections."""

    server: Server
    port: int
    sessions: list[ScriptedSession]
    shared: Services

    def count(self, outcome: str) -> float:
        return self.shared.metrics.connections.labels(outcome)._value.get()

    def tcp(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=QUICKLY)

    def talk(self, context: ssl.SSLContext, name: str | None, session: ssl.SSLSession | None = None) -> ssl.SSLSocket:
        """Blocking: a handshake, a byte each way, and a proper end."""
        with context.wrap_socket(self.tcp(), server_hostname=name, session=session) as sock:
            sock.sendall(b"x")
            assert sock.recv(1) == b"y"
            sock.unwrap()
            return sock


@pytest.fixture
async def listening(leaf: Leaf, authority: CertificateAuthority, tasks: TaskHolder) -> AsyncIterator[Listening]:
    sessions: list[ScriptedSession] = []

    def new_session(*_: object) -> ScriptedSession:
        sessions.append(
            ScriptedSession(
                ClientData=[commands.ToClient(data=b"y")], ClientClosed=[commands.CloseClient(reason="closed")]
            )
        )
        return sessions[-1]

    shared = services(Opener(authority, 1), tasks)
    server = Server(context=lambda: leaf.context, new_session=new_session, services=shared, limits=Limits())
    made = Listening(server=server, port=server.listen("127.0.0.1", 0), sessions=sessions, shared=shared)
    yield made
    server.stop_accepting()
    server.end_all("the test is over")
    async with asyncio.timeout(QUICKLY):
        await server.wait_until_empty()


def careless(**settings: object) -> ssl.SSLContext:
    """A client that would accept anything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for name, value in settings.items():
        setattr(context, name, value)
    return context


async def refused(listening: Listening, context: ssl.SSLContext) -> None:
    with pytest.raises(ssl.SSLError):
        await asyncio.to_thread(listening.talk, context, "agent.test")
    await until(lambda: len(listening.server) == 0, QUICKLY)
    assert listening.count("handshake_failed") == 1
    assert not listening.sessions


@pytest.mark.parametrize("version", OLD)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_old_versions_are_refused(listening: Listening, version: str) -> None:
    only = ssl.TLSVersion[version]
    context = careless()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = only
    await refused(listening, context)


@pytest.mark.parametrize("cipher", WEAK)
async def test_weak_ciphers_are_refused(listening: Listening, cipher: str) -> None:
    context = careless(maximum_version=ssl.TLSVersion.TLSv1_2)
    context.set_ciphers(f"{cipher}:@SECLEVEL=0")
    await refused(listening, context)


@pytest.mark.parametrize("name", ["agent.test", "elsewhere.test", None])
async def test_the_name_that_a_client_asks_for_does_not_matter(listening: Listening, name: str | None) -> None:
    await asyncio.to_thread(listening.talk, careless(), name)
    assert len(listening.sessions) == 1


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
async def test_no_session_of_tls_is_taken_up_again(listening: Listening, version: str) -> None:
    context = careless(maximum_version=ssl.TLSVersion[version])
    first = await asyncio.to_thread(listening.talk, context, "agent.test")
    assert first.session is None or not first.session.has_ticket
    second = await asyncio.to_thread(listening.talk, context, "agent.test", first.session)
    assert not second.session_reused


@pytest.mark.parametrize("what", NO_HANDSHAKE)
async def test_what_is_no_handshake_is_ended_at_once(
    listening: Listening, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    descriptors = len(os.listdir("/proc/self/fd"))
    with listening.tcp() as sock:
        sock.sendall(NO_HANDSHAKE[what])
        await until(lambda: listening.count("handshake_failed") == 1, QUICKLY)
    await until(lambda: len(os.listdir("/proc/self/fd")) == descriptors, QUICKLY)
    assert not listening.sessions
    assert len(listening.server) == 0
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("reset", [True, False])
async def test_data_before_the_handshake_never_reaches_a_session(listening: Listening, reset: bool) -> None:
    """CVE-2023-40217: a client that sends in the clear and is gone before the server looks at its socket."""
    for _ in range(20):
        sock = listening.tcp()
        if reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.sendall(frames.options() + frames.startup())
        sock.close()
    await until(lambda: listening.count("handshake_failed") + listening.count("accepted") == 20, QUICKLY)
    assert not listening.sessions
    assert listening.count("accepted") == 0


async def test_data_behind_a_cut_handshake_never_reaches_a_session(listening: Listening) -> None:
    hello = client_hello()
    with listening.tcp() as sock:
        sock.sendall(hello[: len(hello) // 2] + frames.options() * 100)
        await until(lambda: listening.count("handshake_failed") == 1, QUICKLY)
    assert not listening.sessions


def client_hello() -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = careless().wrap_bio(incoming, outgoing, server_hostname="agent.test")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="Python's ssl cannot ask for a renegotiation")
async def test_nothing_is_negotiated_again(listening: Listening) -> None:
    client = await asyncio.create_subprocess_exec(
        *("openssl", "s_client", "-tls1_2", "-connect", f"127.0.0.1:{listening.port}"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert client.stdin is not None
    await until(lambda: len(listening.sessions) == 1, QUICKLY)
    client.stdin.write(b"R\n")
    async with asyncio.timeout(QUICKLY):
        said, _ = await client.communicate()
    assert b"RENEGOTIATING" in said
    assert b"no renegotiation" in said
    assert not listening.sessions[0].saw(events.ClientData)
