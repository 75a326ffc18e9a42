"""The plaintext listener of the test entry point: it logs clients in that know of neither TLS nor logins.

Bytes pass as they are, both ways, from the first one on. Of the agent's side the handshake alone is read: AUTHENTICATE
is answered here with a user name and a token, and AUTH_SUCCESS reaches the client as READY, on its STARTUP's stream.
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from tests.compat import frames
from tests.compat.relaying import pump, run_both


@dataclass(frozen=True, kw_only=True, slots=True)
class Front:
    """Where the agent is, and who logs in."""

    agent: tuple[str, int]
    tls: ssl.SSLContext
    server_name: str
    username: str
    token: Callable[[], str]
    """Asked for each connection."""

    async def serve(self, address: str, port: int) -> asyncio.Server:
        """Listen without TLS."""
        return await asyncio.start_server(self._client, address, port)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream = await asyncio.open_connection(*self.agent, ssl=self.tls, server_hostname=self.server_name)
        except OSError:
            writer.close()
            return
        login = _Login(self)
        await run_both(
            pump(reader, upstream[1], login.from_client),
            pump(upstream[0], writer, lambda data: login.from_agent(data, upstream[1])),
            close=(writer, upstream[1]),
        )


class _Login:
    """The handshake of one connection."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._client = frames.Frames()
        self._agent = frames.Frames()
        self._startup_stream: int | None = None
        self._over = False

    def from_client(self, data: bytes) -> bytes:
        """What goes to the agent: the same."""
        if self._startup_stream is None:
            for message in self._client.feed(data):
                if message.opcode == frames.STARTUP:
                    self._startup_stream = message.stream
        return data

    def from_agent(self, data: bytes, agent: asyncio.StreamWriter) -> bytes:
        """What goes to the client: the same, but for the login."""
        if self._over:
            return data
        passed = b""
        for message in self._agent.feed(data):
            if message.opcode == frames.AUTHENTICATE:
                agent.write(self._credentials(message))
            elif message.opcode == frames.SUCCESS:
                self._over = True
                passed += frames.frame(message.version, self._startup_stream or 0, frames.READY)
            else:
                passed += message.raw
        return passed + (self._agent.take_rest() if self._over else b"")

    def _credentials(self, asked: frames.Frame) -> bytes:
        plain = f"\0{self._front.username}\0{self._front.token()}".encode()
        return frames.frame(asked.version & 0x7F, asked.stream, frames.RESPONSE, frames.long_bytes(plain))
