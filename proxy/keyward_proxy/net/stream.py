"""One TLS connection on the event loop, without asyncio's transports.

A non-blocking `ssl.SSLSocket` works directly on its file descriptor and the loop only says when that is ready.
Measured against a C relay this costs 1.3 times as much CPU and 75 kB a session; asyncio's own TLS transports
cost 2.1 to 2.4 times and 609 kB, because each side of those preallocates 256 KiB and copies through memory BIOs.

What OpenSSL asks of such a caller, all of it here:
- either call may want the socket readable or writable, whichever it is itself; it is repeated when that is so;
- bytes already decrypted make no file descriptor readable: `pending()` is asked before the loop is waited for;
- a write that was not finished is repeated with the same bytes first, and not fewer of them;
- closing is three steps (flush, close_notify and FIN, then read to the peer's end): a socket closed with unread
  bytes resets the connection, and the peer may lose the ERROR frame that told it why.

Limits: no renegotiation (see `tls`), and no urgent data. A stream belongs to one loop and is not thread-safe.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Protocol

READ_BYTES = 64 * 1024
"""Offered to each read; a TLS record holds at most 16 KiB, so that one read takes one record."""

RECORD_BYTES = 16 * 1024
READS_PER_TURN = 4
"""Records taken from one connection before the others have their turn."""

HIGH_WATER = 256 * 1024
"""Unsent bytes above which the source of these bytes should pause."""

LOW_WATER = 64 * 1024
"""Unsent bytes below which it may go on."""

CLOSE_SECONDS = 5.0
"""What is unsent, and the peer's own end, are waited for this long once a stream is being closed."""


class Peer(Protocol):
    """Whoever owns a stream, told of what happens on it. Each call comes from the loop, never from a call in."""

    def received(self, data: bytes) -> None:
        """Bytes arrived; never empty."""

    def ended(self, reason: str) -> None:
        """Nothing more will arrive: the other side closed, or the connection broke. Comes once, not after `close`."""

    def congested(self, congested: bool) -> None:
        """Unsent bytes rose above HIGH_WATER, or fell below LOW_WATER again."""

    def gone(self) -> None:
        """The socket is closed. Comes once, and last."""


class Stream:
    """One TLS connection after its handshake."""

    def __init__(self, sock: ssl.SSLSocket, peer: Peer) -> None:
        """Takes the socket over; `start` begins reading."""
        self._socket = sock
        self._fd = sock.fileno()
        self._peer = peer
        self._loop = asyncio.get_running_loop()
        self._unsent = bytearray()
        self._reading = False
        self._read_wants_write = False
        self._write_wants_read = False
        self._watches_read = False
        self._watches_write = False
        self._congested = False
        self._closing = False
        self._discarding = False
        self._close_notify_waits = False
        self._ended = False
        self._gone = False
        self._deadline: asyncio.TimerHandle | None = None

    @property
    def unsent(self) -> int:
        """Bytes accepted by `write` that the socket has not taken yet."""
        return len(self._unsent)

    def start(self) -> None:
        """Read from now on; also ends a pause."""
        if self._reading or self._closing or self._ended:
            return
        self._reading = True
        self._watch()
        if self._socket.pending():
            self._loop.call_soon(self._on_readable)

    def pause(self) -> None:
        """Read nothing until `start`: the kernel's buffer fills and TCP slows the sender down."""
        self._reading = False
        self._watch()

    def read_now(self) -> None:
        """Take what has arrived by now, ahead of the loop's turn."""
        if self._reading:
            self._read()

    def write(self, data: bytes | memoryview) -> None:
        """Send these bytes, now as far as the socket takes them, else when it does. Ignored once closing."""
        if self._closing or self._gone:
            return
        sent = 0 if self._unsent else self._send(data)
        if sent < len(data):
            self._unsent += data[sent:]
            self._watch()
            self._measure()

    def close(self) -> None:
        """Send what is unsent, tell the peer, wait for its end, then close; all of it within CLOSE_SECONDS."""
        if self._closing or self._gone:
            return
        self._closing = True
        self._reading = False
        self._deadline = self._loop.call_later(CLOSE_SECONDS, self.abort)
        if self._unsent:
            self._watch()
        else:
            self._finish()

    def abort(self) -> None:
        """Close the socket at once; what is unsent is lost."""
        if self._gone:
            return
        self._gone = self._closing = True
        self._unsent.clear()
        self._reading = self._read_wants_write = self._write_wants_read = False
        self._discarding = self._close_notify_waits = False
        self._watch()
        if self._deadline:
            self._deadline.cancel()
        self._socket.close()
        self._loop.call_soon(self._peer.gone)

    # The loop's side.

    def _watch(self) -> None:
        """Tell the loop what is waited for: readers and writers change rarely, so that this is mostly two ifs."""
        read = self._reading or self._write_wants_read or self._discarding
        write = (
            self._read_wants_write or self._close_notify_waits or (bool(self._unsent) and not self._write_wants_read)
        )
        if read != self._watches_read:
            self._watches_read = read
            if read:
                self._loop.add_reader(self._fd, self._on_readable)
            else:
                self._loop.remove_reader(self._fd)
        if write != self._watches_write:
            self._watches_write = write
            if write:
                self._loop.add_writer(self._fd, self._on_writable)
            else:
                self._loop.remove_writer(self._fd)

    def _on_readable(self) -> None:
        if self._discarding:
            self._discard()
            return
        if self._write_wants_read:
            self._write_wants_read = False
            self._flush()
        if self._reading:
            self._read()

    def _on_writable(self) -> None:
        if self._read_wants_write:
            self._read_wants_write = False
            if self._reading:
                self._read()
        if self._unsent:
            self._flush()
        elif self._close_notify_waits:
            self._finish()
        self._watch()

    def _read(self) -> None:
        for _ in range(READS_PER_TURN):
            try:
                data = self._socket.recv(READ_BYTES)
            except ssl.SSLWantReadError:
                return
            except ssl.SSLWantWriteError:
                self._read_wants_write = True
                self._watch()
                return
            except OSError as error:
                self._end(f"reading failed: {describe(error)}")
                return
            if not data:
                self._end("the other side closed the connection")
                return
            self._peer.received(data)
            if not self._reading:
                return
            if len(data) < RECORD_BYTES and not self._socket.pending():
                return
        if self._socket.pending():
            self._loop.call_soon(self._on_readable)

    def _send(self, data: bytes | bytearray | memoryview) -> int:
        """Give the socket as much as it takes; returns how much that was."""
        sent = 0
        with memoryview(data) as view:
            while sent < len(view):
                try:
                    sent += self._socket.send(view[sent:])
                except ssl.SSLWantWriteError:
                    break
                except ssl.SSLWantReadError:
                    self._write_wants_read = True
                    break
                except OSError as error:
                    self._loop.call_soon(self._end, f"writing failed: {describe(error)}")
                    return len(view)
        return sent

    def _flush(self) -> None:
        sent = self._send(self._unsent)
        del self._unsent[:sent]
        self._watch()
        self._measure()
        if self._closing and not self._gone and not self._unsent:
            self._finish()

    def _measure(self) -> None:
        """Notice when the unsent bytes cross a water mark."""
        if self._closing:
            return
        if not self._congested and len(self._unsent) > HIGH_WATER:
            self._congested = True
            self._loop.call_soon(self._peer.congested, True)
        elif self._congested and len(self._unsent) < LOW_WATER:
            self._congested = False
            self._loop.call_soon(self._peer.congested, False)

    def _end(self, reason: str) -> None:
        self._reading = False
        self._watch()
        if self._closing:
            self.abort()
        elif not self._ended:
            self._ended = True
            self._peer.ended(reason)

    # Closing.

    def _finish(self) -> None:
        """Everything is sent: say so, in TLS and in TCP, and read until the other side says the same."""
        try:
            self._socket.unwrap()
        except ssl.SSLWantWriteError:
            self._close_notify_waits = True
            self._watch()
            return
        except OSError:
            # SSLWantReadError says that close_notify went out; anything else that only FIN is left to send.
            pass
        self._close_notify_waits = False
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.abort()
            return
        if self._ended:
            self.abort()
            return
        self._discarding = True
        self._watch()

    def _discard(self) -> None:
        try:
            if self._socket.recv(READ_BYTES):
                return
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            pass  # The other side reset the connection, which ends it as well.
        self.abort()


async def handshake(sock: ssl.SSLSocket, turn: Callable[[], Awaitable[None]] | None = None) -> None:
    """Complete the TLS handshake on a non-blocking socket. The caller bounds the time and closes the socket.

    `turn` is awaited before each step that may cost much. Raises ssl.SSLError (a peer that does not verify included)
    and OSError.
    """
    loop = asyncio.get_running_loop()
    while True:
        if turn:
            await turn()
        try:
            sock.do_handshake()
            return
        except ssl.SSLWantReadError:
            watch, unwatch = loop.add_reader, loop.remove_reader
        except ssl.SSLWantWriteError:
            watch, unwatch = loop.add_writer, loop.remove_writer
        ready: asyncio.Future[None] = loop.create_future()
        watch(sock.fileno(), _wake, ready)
        try:
            await ready
        finally:
            unwatch(sock.fileno())


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def describe(error: OSError) -> str:
    """An OSError in a few words, without file names or addresses: the same fault has the same words each time."""
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    if not isinstance(error, ssl.SSLError) and error.errno and error.errno > 0:
        return os.strerror(error.errno)  # asyncio puts the address into `strerror`
    return error.strerror or str(error) or type(error).__name__
