"""A client that means no harm, with plain blocking sockets: how long it waits is what floods are judged by."""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import dataclass, field

from tests.integration.floods import frames

SECONDS = 20.0


@dataclass
class Honest:
    """Logs in and asks, from an address of its own."""

    port: int
    trusting: ssl.SSLContext
    token: str
    source: str = "127.0.0.1"
    _buffer: bytearray = field(default_factory=bytearray)
    _socket: ssl.SSLSocket | None = None

    def connect(self) -> None:
        """TCP, TLS and the login."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS, source_address=(self.source, 0))
        self._socket = self.trusting.wrap_socket(plain, server_hostname="agent.test")
        self._exchange(frames.startup(), frames.AUTHENTICATE)
        self._exchange(frames.login(self.token), frames.AUTH_SUCCESS)

    def ask(self) -> None:
        """One small statement."""
        self._exchange(frames.query("SELECT a FROM shop.items"), frames.RESULT)

    def close(self) -> None:
        """Leave."""
        if self._socket:
            self._socket.close()

    def _exchange(self, asked: bytes, expected: int) -> None:
        assert self._socket is not None
        self._socket.sendall(asked)
        while not (found := list(frames.split(self._buffer))):
            data = self._socket.recv(65536)
            assert data, "the agent closed an honest client's connection"
            self._buffer += data
        [(opcode, _, body)] = found
        assert opcode == expected, body


def visit(client: Honest) -> float:
    """Log in, ask and leave: the seconds until the answer."""
    began = time.monotonic()
    try:
        client.connect()
        client.ask()
        return time.monotonic() - began
    finally:
        client.close()
