"""Bytes arrive whole and in order, memory stays bounded, and an ending reaches the other side."""

from __future__ import annotations

import asyncio
import hashlib
import random
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable

import pytest

from keyward_proxy.net import stream as stream_module
from keyward_proxy.net.leaf import Leaf
from keyward_proxy.net.sockets import tune
from keyward_proxy.net.stream import HIGH_WATER, LOW_WATER, Stream, handshake
from tests.unit.proxy.support import until

DEADLINE = 30.0


class Owner:
    """Records what a stream tells its owner."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.endings: list[str] = []
        self.congestion: list[bool] = []
        self.closed = asyncio.Event()
        self.heard = asyncio.Event()
        self.stream: Stream | None = None
        self.echo = False

    def received(self, data: bytes) -> None:
        self.data += data
        self.heard.set()
        if self.echo and self.stream:
            self.stream.write(data)

    def ended(self, reason: str) -> None:
        self.endings.append(reason)
        self.heard.set()
        if self.echo and self.stream:
            self.stream.close()

    def congested(self, congested: bool) -> None:
        self.congestion.append(congested)
        self.heard.set()

    def gone(self) -> None:
        self.closed.set()

    async def wait(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE):
            while not condition():
                self.heard.clear()
                await self.heard.wait()


def pair(small_buffers: bool = False) -> tuple[socket.socket, socket.socket]:
    """Two connected TCP sockets; small kernel buffers make every partial write happen."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    for sock in (client, server):
        tune(sock)
        sock.setblocking(True)
        if small_buffers:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    return client, server


async def open_stream(sock: socket.socket, context: ssl.SSLContext, owner: Owner, **options: bool | str) -> Stream:
    sock.setblocking(False)
    secure = context.wrap_socket(sock, do_handshake_on_connect=False, **options)
    await handshake(secure)
    owner.stream = Stream(secure, owner)
    owner.stream.start()
    return owner.stream


async def connected(leaf: Leaf, trusting: ssl.SSLContext, *, small_buffers: bool = False) -> tuple[Owner, Owner]:
    """Two streams that speak with each other: (client, server)."""
    client, server = pair(small_buffers)
    owners = Owner(), Owner()
    async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as group:
        group.create_task(open_stream(client, trusting, owners[0], server_hostname="agent.test"))
        group.create_task(open_stream(server, leaf.context, owners[1], server_side=True))
    return owners


async def close(*owners: Owner) -> None:
    async with asyncio.timeout(DEADLINE):
        for owner in owners:
            owner.stream.close()
        for owner in owners:
            await owner.closed.wait()


def chunks(seed: int, total: int) -> list[bytes]:
    """Random bytes in pieces of very different lengths."""
    source = random.Random(seed)  # noqa: S311
    made: list[bytes] = []
    while total > 0:
        size = min(total, source.choice([1, 9, 100, 1400, 16383, 16384, 16385, 70_000, 300_000]))
        made.append(source.randbytes(size))
        total -= size
    return made


@pytest.mark.parametrize("small_buffers", [False, True])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_what_is_echoed_through_two_streams_is_what_was_sent(
    leaf: Leaf, trusting: ssl.SSLContext, small_buffers: bool, version: ssl.TLSVersion
) -> None:
    trusting.maximum_version = version
    try:
        client, server = await connected(leaf, trusting, small_buffers=small_buffers)
    finally:
        trusting.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED
    assert client.stream._socket.version() == version.name.replace("_", ".")
    server.echo = True
    sent = chunks(seed=7, total=6_000_000)
    for position, chunk in enumerate(sent):
        client.stream.write(chunk)
        if position % 3 == 0:
            await asyncio.sleep(0)
    expected = b"".join(sent)
    await client.wait(lambda: len(client.data) >= len(expected))
    assert hashlib.sha256(client.data).digest() == hashlib.sha256(expected).digest()
    await close(client, server)


async def test_random_pauses_on_both_sides_lose_and_reorder_nothing(leaf: Leaf, trusting: ssl.SSLContext) -> None:
    client, server = await connected(leaf, trusting, small_buffers=True)
    source = random.Random(11)  # noqa: S311
    sent = {client: chunks(1, 2_000_000), server: chunks(2, 2_000_000)}
    queues = {owner: list(reversed(pieces)) for owner, pieces in sent.items()}
    async with asyncio.timeout(DEADLINE):
        while any(queues.values()) or any(
            len(other.data) < sum(map(len, sent[owner])) for owner, other in ((client, server), (server, client))
        ):
            owner = source.choice([client, server])
            match source.randrange(4):
                case 0:
                    owner.stream.pause()
                case 1 | 2:
                    owner.stream.start()
                case 3 if queues[owner] and owner.stream.unsent < HIGH_WATER:
                    owner.stream.write(queues[owner].pop())
            await asyncio.sleep(0)
    assert bytes(server.data) == b"".join(sent[client])
    assert bytes(client.data) == b"".join(sent[server])
    await close(client, server)


async def test_a_reader_that_stops_makes_the_writer_congested_and_back_again(
    leaf: Leaf, trusting: ssl.SSLContext
) -> None:
    client, server = await connected(leaf, trusting, small_buffers=True)
    server.stream.pause()
    client.stream.write(bytes(HIGH_WATER + 1_000_000))
    await client.wait(lambda: client.congestion == [True])
    server.stream.start()
    await client.wait(lambda: client.congestion == [True, False])
    assert client.stream.unsent < LOW_WATER
    await server.wait(lambda: len(server.data) == HIGH_WATER + 1_000_000)
    await close(client, server)


async def test_close_delivers_what_is_unsent_even_when_the_peer_is_still_sending(
    leaf: Leaf, trusting: ssl.SSLContext
) -> None:
    """A socket closed with unread bytes resets the connection; the last words must arrive all the same."""
    plain, server_socket = pair()
    server = Owner()
    received = bytearray()

    def talkative_client() -> None:
        with trusting.wrap_socket(plain, server_hostname="agent.test") as secure:
            secure.sendall(b"x" * 50_000)
            while data := secure.recv(65536):
                received.extend(data)

    thread = threading.Thread(target=talkative_client)
    thread.start()
    stream = await open_stream(server_socket, leaf.context, server, server_side=True)
    stream.pause()
    stream.write(b"last words" * 10_000)
    stream.close()
    async with asyncio.timeout(DEADLINE):
        await server.closed.wait()
    await asyncio.to_thread(thread.join, DEADLINE)
    assert bytes(received) == b"last words" * 10_000


async def test_the_end_of_one_side_is_told_and_the_other_may_still_send(leaf: Leaf, trusting: ssl.SSLContext) -> None:
    client, server = await connected(leaf, trusting)
    client.stream.write(b"all I have")
    await server.wait(lambda: server.data == b"all I have")
    client.stream.close()
    await server.wait(lambda: bool(server.endings))
    assert server.endings == ["the other side closed the connection"]
    server.stream.write(b"goodbye")
    await close(server, client)


async def test_a_reset_is_an_ending(leaf: Leaf, trusting: ssl.SSLContext) -> None:
    client, server = await connected(leaf, trusting)
    client.stream._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.stream.abort()
    await server.wait(lambda: bool(server.endings))
    assert len(server.endings) == 1
    await close(server)
    await client.closed.wait()


async def test_writing_to_a_broken_connection_ends_it_once(leaf: Leaf, trusting: ssl.SSLContext) -> None:
    client, server = await connected(leaf, trusting)
    server.stream.pause()
    client.stream._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.stream.abort()
    async with asyncio.timeout(DEADLINE):
        while not server.endings:
            server.stream.write(b"anyone?")
            await asyncio.sleep(0)
    server.stream.write(b"still there?")
    await asyncio.sleep(0)
    assert len(server.endings) == 1
    await close(server)


async def test_a_peer_that_never_reads_does_not_hold_a_closing_stream(
    leaf: Leaf, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "CLOSE_SECONDS", 0.2)
    client, server = await connected(leaf, trusting, small_buffers=True)
    client.stream.pause()
    server.stream.write(bytes(1_000_000))
    server.stream.close()
    async with asyncio.timeout(DEADLINE):
        await server.closed.wait()
    client.stream.abort()
    await client.closed.wait()


async def test_a_close_with_unsent_bytes_takes_no_longer_than_sending_them(
    leaf: Leaf, trusting: ssl.SSLContext
) -> None:
    client, server = await connected(leaf, trusting, small_buffers=True)
    client.stream.write(bytes(300_000))
    client.stream.write(bytes(300_000))
    began = time.monotonic()
    client.stream.close()
    await server.wait(lambda: bool(server.endings))
    assert len(server.data) == 600_000
    await close(server, client)
    assert time.monotonic() - began < stream_module.CLOSE_SECONDS


async def test_garbage_in_the_middle_of_a_connection_ends_it(leaf: Leaf, trusting: ssl.SSLContext) -> None:
    plain, server_socket = pair()
    server = Owner()
    client = trusting.wrap_socket(plain, server_hostname="agent.test", do_handshake_on_connect=False)
    thread = threading.Thread(target=client.do_handshake)
    thread.start()
    await open_stream(server_socket, leaf.context, server, server_side=True)
    await asyncio.to_thread(thread.join)
    with socket.socket(fileno=client.detach()) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: agent\r\n\r\n")
        await server.wait(lambda: bool(server.endings))
    assert server.endings[0].startswith("reading failed: ")
    await close(server)


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\x04\x00\x00\x00\x05\x00\x00\x00\x00", bytes(64)])
async def test_what_is_not_tls_fails_the_handshake(leaf: Leaf, garbage: bytes) -> None:
    client, server_socket = pair()
    server_socket.setblocking(False)
    with client, leaf.context.wrap_socket(server_socket, server_side=True, do_handshake_on_connect=False) as secure:
        client.sendall(garbage)
        client.shutdown(socket.SHUT_WR)
        with pytest.raises(ssl.SSLError):
            async with asyncio.timeout(DEADLINE):
                await handshake(secure)


class Moody:
    """A socket that now and then asks for the other direction first, as OpenSSL may at a key update."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.moods: dict[str, list[Exception]] = {"recv": [], "send": []}

    def _heed(self, call: str) -> None:
        if self.moods[call]:
            raise self.moods[call].pop(0)

    def recv(self, size: int) -> bytes:
        self._heed("recv")
        try:
            return self.sock.recv(size)
        except BlockingIOError:
            raise ssl.SSLWantReadError from None

    def send(self, data: memoryview) -> int:
        self._heed("send")
        try:
            return self.sock.send(data)
        except BlockingIOError:
            raise ssl.SSLWantWriteError from None

    def pending(self) -> int:
        return 0

    def fileno(self) -> int:
        return self.sock.fileno()

    def unwrap(self) -> None:
        raise ssl.SSLWantReadError

    def shutdown(self, how: int) -> None:
        self.sock.shutdown(how)

    def close(self) -> None:
        self.sock.close()


async def moody_stream() -> tuple[Owner, Moody, socket.socket]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    owner, moody = Owner(), Moody(ours)
    owner.stream = Stream(moody, owner)  # type: ignore[arg-type]
    return owner, moody, theirs


async def test_a_read_that_wants_to_write_is_repeated_when_it_can() -> None:
    owner, moody, theirs = await moody_stream()
    moody.moods["recv"] = [ssl.SSLWantWriteError(), ssl.SSLWantWriteError()]
    owner.stream.start()
    theirs.sendall(b"after a key update")
    await owner.wait(lambda: owner.data == b"after a key update")
    assert not moody.moods["recv"]
    theirs.close()
    await owner.wait(lambda: bool(owner.endings))
    await close(owner)


async def test_a_write_that_wants_to_read_is_repeated_when_it_can() -> None:
    owner, moody, theirs = await moody_stream()
    moody.moods["send"] = [ssl.SSLWantReadError()]
    owner.stream.write(b"first")
    owner.stream.write(b" second")
    assert owner.stream.unsent == 12
    theirs.sendall(b"key update")
    await until(lambda: owner.stream.unsent == 0)
    assert await asyncio.to_thread(theirs.recv, 100) == b"first second"
    theirs.close()
    await close(owner)


async def test_a_failed_read_and_a_failed_write_are_one_ending() -> None:
    owner, moody, theirs = await moody_stream()
    moody.moods["recv"] = [ConnectionResetError(104, "Connection reset by peer")]
    moody.moods["send"] = [BrokenPipeError(32, "Broken pipe")]
    owner.stream.start()
    owner.stream.write(b"x")
    theirs.sendall(b"y")
    await owner.wait(lambda: bool(owner.endings))
    await asyncio.sleep(0.01)
    assert owner.endings in (["writing failed: Broken pipe"], ["reading failed: Connection reset by peer"])
    theirs.close()
    await close(owner)
