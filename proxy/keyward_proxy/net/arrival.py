"""A client's connection from its accept on, while its login is not complete.

Nothing is made for it before its first byte: floods of connections that say nothing cost a descriptor and little else.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from keyward_proxy.net.connection import Connection
from keyward_proxy.session.cluster import Entrance


class Arrival:
    """One connection: silent at first, then in its handshake, then with a session."""

    __slots__ = ("_timer", "connection", "deadline", "entrance", "handshake", "host", "port", "sock")

    def __init__(self, sock: socket.socket, *, host: str, port: int, entrance: Entrance) -> None:
        self.sock = sock
        self.host = host
        self.port = port
        self.entrance = entrance
        self.deadline = 0.0
        """The loop's time at which the handshake must be complete."""

        self.handshake: asyncio.Task[None] | None = None
        """From the first byte on."""

        self.connection: Connection | None = None
        """Once the handshake is complete."""

        self._timer: asyncio.TimerHandle | None = None

    def wait(
        self, *, seconds: float, on_first_byte: Callable[[Arrival], None], on_silence: Callable[[Arrival], None]
    ) -> None:
        """Call the one when the client sends something, or the other when it did not for so long."""
        loop = asyncio.get_running_loop()
        self.sock.setblocking(False)
        self.deadline = loop.time() + seconds
        self._timer = loop.call_at(self.deadline, self._silent, on_silence)
        loop.add_reader(self.sock.fileno(), self._spoke, on_first_byte)

    def end(self, reason: str) -> None:
        """Close it at once, whatever it has come to."""
        if self.connection:
            self.connection.end(reason)
        elif self.handshake:
            self.handshake.cancel()
        else:
            self._stop_waiting()
            self.sock.close()

    def _spoke(self, on_first_byte: Callable[[Arrival], None]) -> None:
        self._stop_waiting()
        on_first_byte(self)

    def _silent(self, on_silence: Callable[[Arrival], None]) -> None:
        self._stop_waiting()
        self.sock.close()
        on_silence(self)

    def _stop_waiting(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
            asyncio.get_running_loop().remove_reader(self.sock.fileno())
