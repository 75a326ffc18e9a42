"""A TCP proxy that falls silent: as a firewall does that forgot a connection, and tells nobody of it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

_CHUNK = 65536


@dataclass(eq=False)
class _Pair:
    """A client's connection, and the one to the server that is made for it."""

    client: socket.socket
    server: socket.socket
    is_silent: bool = False
    withheld: int = 0
    """Bytes of the server's that the client never gets."""

    def close(self) -> None:
        """End both."""
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@dataclass
class SilentProxy:
    """Listens on a port of 127.0.0.1, and passes bytes on to another one as they are, TLS and all."""

    target: int
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    _pairs: list[_Pair] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    @property
    def withheld(self) -> int:
        """Bytes that the server sent and nobody got."""
        return sum(pair.withheld for pair in self._pairs)

    def fall_silent(self) -> int:
        """From now on deliver nothing that the server sends by any of the connections that there are; how many.

        They stay open, also where the server ends them, and what clients send goes on to reach the server. Connections
        that are made later work.
        """
        for pair in self._pairs:
            pair.is_silent = True
        return len(self._pairs)

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes who accepts
        self._listener.close()
        self._threads[0].join()
        for pair in self._pairs:
            pair.close()
        for thread in self._threads:
            thread.join()

    def _start(self, work: Callable[..., None], *arguments: _Pair) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            pair = _Pair(client, socket.create_connection(("127.0.0.1", self.target)))
            self._pairs.append(pair)
            self._start(self._from_client, pair)
            self._start(self._from_server, pair)

    def _from_client(self, pair: _Pair) -> None:
        with contextlib.suppress(OSError):
            while data := pair.client.recv(_CHUNK):
                pair.server.sendall(data)
        pair.close()

    def _from_server(self, pair: _Pair) -> None:
        with contextlib.suppress(OSError):
            while data := pair.server.recv(_CHUNK):
                if pair.is_silent:
                    pair.withheld += len(data)
                else:
                    pair.client.sendall(data)
        if not pair.is_silent:
            pair.close()
