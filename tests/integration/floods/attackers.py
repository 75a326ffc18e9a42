"""Many hostile clients in one process.

`python -m tests.integration.floods.attackers KIND PORT COUNT SOURCE TOKEN` keeps COUNT connections of that kind to PORT
of this machine, opens another for each that is closed, and prints what it has as JSON, five times a second, until its
input ends. SOURCE is the address to come from, or `many` for another one each time.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import socket
import ssl
import sys

from keyward_proxy.net.stream import Stream, handshake
from keyward_proxy.session.settings import LOGIN_FRAME_BYTES
from keyward_proxy.tasks import TaskHolder
from tests.integration.floods import frames
from tests.integration.floods.processes import until_input_ends

OPENING_AT_ONCE = 64
RECONNECTS_PER_SECOND = 500
"""In all: the attack must leave the machine, which is the target's too, some time."""

PIPELINED = 8
BUFFER_BYTES = 16 * 1024
PARTIAL_BYTES = LOGIN_FRAME_BYTES
STATEMENT_BYTES = 64 * 1024
READABLE = "SELECT " + "a," * (STATEMENT_BYTES // 2 - 30) + "a FROM shop.items"
"""Names are what takes the longest to read."""

_CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_CONTEXT.check_hostname = False
_CONTEXT.verify_mode = ssl.CERT_NONE


def client_hello() -> bytes:
    """The first flight of a TLS client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        _CONTEXT.wrap_bio(incoming, outgoing, server_hostname="agent.test").do_handshake()
    return outgoing.read()


class Attack:
    """All connections of one kind."""

    def __init__(self, kind: str, port: int, count: int, source: str, token: str) -> None:
        self._begin, self._stay = {
            "silent": (self._say_nothing, self._hold),
            "cut": (self._cut, self._hold),
            "drip": (self._say_nothing, self._drip),
            "handshaken": (self._secure, self._hold),
            "partial": (self._partial, self._hold),
            "session": (self._log_in, self._hold),
            "steady": (self._log_in, self._ask_steadily),
            "asking": (self._start, self._never_read),
            "deaf": (self._log_in, self._never_read),
            "expensive": (self._log_in, self._ask_much),
        }[kind]
        self._port = port
        self._count = count
        self._numbers = itertools.count(1)
        self._source = source
        self._token = token
        self._opening = asyncio.Semaphore(count if kind in ("silent", "cut", "drip") else OPENING_AT_ONCE)
        self.open = self.ready = self.opened = self.closed = self.sent = 0

    def told(self) -> dict[str, int]:
        """What there is now; `ready` are connections that have got as far as their kind does."""
        return {name: getattr(self, name) for name in ("open", "ready", "opened", "closed", "sent")}

    async def keep(self) -> None:
        """One connection after the other."""
        while True:
            with contextlib.suppress(OSError, EOFError):
                await self._once()
            self.closed += 1
            await asyncio.sleep(self._count / RECONNECTS_PER_SECOND)

    async def _once(self) -> None:
        async with self._opening:
            sock = await self._connect()
            self.open += 1
            self.opened += 1
            try:
                sock = await self._begin(sock)
            except BaseException:
                self.open -= 1
                sock.close()
                raise
        self.ready += 1
        try:
            await self._stay(sock)
        finally:
            self.open -= 1
            self.ready -= 1
            sock.close()

    async def _connect(self) -> socket.socket:
        sock = socket.socket()
        try:
            sock.setblocking(False)
            # What the agent does not take and what is not read here shall not lie in this machine's kernel.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
            sock.bind((self._address(), 0))
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self._port))
        except BaseException:
            sock.close()
            raise
        return sock

    def _address(self) -> str:
        if self._source != "many":
            return self._source
        number = next(self._numbers)
        return f"127.{1 + number // 62500 % 100}.{number // 250 % 250}.{1 + number % 250}"

    # How they begin.

    async def _say_nothing(self, sock: socket.socket) -> socket.socket:
        return sock

    async def _cut(self, sock: socket.socket) -> socket.socket:
        await self._send(sock, client_hello()[:100])
        return sock

    async def _secure(self, sock: socket.socket) -> ssl.SSLSocket:
        secure = _CONTEXT.wrap_socket(sock, server_hostname="agent.test", do_handshake_on_connect=False)
        try:
            await handshake(secure)
        except BaseException:
            secure.close()
            raise
        return secure

    async def _partial(self, sock: socket.socket) -> socket.socket:
        secure = await self._secure(sock)
        await self._send(secure, frames.HEADER.pack(4, 0, 0, frames.STARTUP, PARTIAL_BYTES))
        await self._send(secure, bytes(PARTIAL_BYTES - 1))
        return secure

    async def _start(self, sock: socket.socket) -> socket.socket:
        secure = await self._secure(sock)
        await self._send(secure, frames.startup())
        return secure

    async def _log_in(self, sock: socket.socket) -> socket.socket:
        secure = await self._secure(sock)
        for asked, expected in (
            (frames.startup(), frames.AUTHENTICATE),
            (frames.login(self._token), frames.AUTH_SUCCESS),
        ):
            await self._send(secure, asked)
            header = await self._receive(secure, frames.HEADER.size)
            body = await self._receive(secure, int.from_bytes(header[5:]))
            if header[4] != expected:
                print(json.dumps({"refused": body.decode("latin-1")}), file=sys.stderr)
                secure.close()
                raise EOFError
        return secure

    # How they stay.

    async def _hold(self, sock: socket.socket) -> None:
        """Until the other side closes."""
        await self._ready_to(sock, read=True)

    async def _drip(self, sock: socket.socket) -> None:
        for byte in client_hello():
            await self._send(sock, bytes([byte]))
            await asyncio.sleep(1)

    async def _never_read(self, sock: socket.socket) -> None:
        while True:
            await self._send(sock, frames.request(frames.OPTIONS) * 1000)

    async def _ask_steadily(self, sock: ssl.SSLSocket) -> None:
        client = Client(sock)
        await asyncio.sleep(random.random())  # noqa: S311  (so that they do not all ask at once)
        while True:
            client.ask(frames.query("SELECT a FROM shop.items"), 0)
            await client.answered()
            await asyncio.sleep(1)

    async def _ask_much(self, sock: ssl.SSLSocket) -> None:
        client = Client(sock)
        for number in itertools.count():
            while len(client.waiting) > PIPELINED:
                await client.answered()
            # A text that was read before costs nothing.
            text = READABLE.replace("a", f"c{number:06}", 1)
            client.ask(frames.query(text, stream=number % 1000), number % 1000)

    # Steps.

    async def _receive(self, sock: ssl.SSLSocket, count: int) -> bytes:
        received = b""
        while len(received) < count:
            try:
                data = sock.recv(count - len(received))
            except ssl.SSLWantReadError:
                await self._ready_to(sock, read=True)
                continue
            if not data:
                raise EOFError
            received += data
        return received

    async def _send(self, sock: socket.socket, data: bytes) -> None:
        while data:
            try:
                sent = sock.send(data)
            except (BlockingIOError, ssl.SSLWantWriteError):
                await self._ready_to(sock, read=False)
                continue
            self.sent += sent
            data = data[sent:]

    async def _ready_to(self, sock: socket.socket, *, read: bool) -> None:
        loop = asyncio.get_running_loop()
        ready = loop.create_future()
        watch, unwatch = (loop.add_reader, loop.remove_reader) if read else (loop.add_writer, loop.remove_writer)
        watch(sock.fileno(), lambda: None if ready.done() else ready.set_result(None))
        try:
            await ready
        finally:
            unwatch(sock.fileno())


class Client:
    """One that is logged in, and asks more than it waits for."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self.waiting: set[int] = set()
        self.buffer = bytearray()
        self._heard = asyncio.Event()
        self._over = False
        self.stream = Stream(sock, self)
        self.stream.start()

    def ask(self, frame: bytes, stream: int) -> None:
        self.waiting.add(stream)
        self.stream.write(frame)

    async def answered(self) -> None:
        """Wait for the next answers."""
        if not self._over:
            self._heard.clear()
            await self._heard.wait()
        if self._over:
            raise EOFError

    def received(self, data: bytes) -> None:
        self.buffer += data
        self.waiting -= {stream for _, stream, _ in frames.split(self.buffer)}
        self._heard.set()

    def ended(self, reason: str) -> None:
        self._over = True
        self._heard.set()

    def congested(self, congested: bool) -> None:
        """What is asked is bounded already."""

    def gone(self) -> None:
        """Nothing is kept."""


async def main(kind: str, port: int, count: int, source: str, token: str) -> None:
    """Until the input ends."""
    attack, tasks = Attack(kind, port, count, source, token), TaskHolder()

    async def tell() -> None:
        while True:
            print(json.dumps(attack.told()), flush=True)
            await asyncio.sleep(0.2)

    tasks.start(tell(), name="tell")
    for _ in range(count):
        tasks.start(attack.keep(), name=kind)
    await until_input_ends()
    await tasks.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5]))
