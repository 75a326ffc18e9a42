"""A TLS server that plays Keyspaces' login and answers every query with an empty result, for thousands of connections.

`python -m tests.integration.floods.keyspaces DIR` reads its certificate from DIR/keyspaces.pem, prints its port and
serves until its input ends.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from pathlib import Path

from keyward_proxy.net.sockets import tune
from keyward_proxy.net.stream import Stream, handshake
from keyward_proxy.tasks import TaskHolder
from tests.integration.floods import frames
from tests.integration.floods.processes import until_input_ends

_AUTHENTICATOR = "com.amazon.helenus.auth.HelenusAuthenticator"
_VOID = (1).to_bytes(4)


class Served:
    """One connection."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self.buffer = bytearray()
        self.stream = Stream(sock, self)
        self.stream.start()

    def received(self, data: bytes) -> None:
        self.buffer += data
        for opcode, stream, body in frames.split(self.buffer):
            self.stream.write(answer(opcode, stream, body))

    def ended(self, reason: str) -> None:
        self.stream.close()

    def congested(self, congested: bool) -> None:
        if congested:
            self.stream.pause()
        else:
            self.stream.start()

    def gone(self) -> None:
        """Nothing is kept."""


def answer(opcode: int, stream: int, body: bytes) -> bytes:
    """What Keyspaces says to this."""
    if opcode == frames.STARTUP:
        return frames.response(frames.AUTHENTICATE, frames.string(_AUTHENTICATOR), stream=stream)
    if opcode == frames.AUTH_RESPONSE and body[4:] == b"SigV4\0\0":
        nonce = b"nonce=91703fdc2ef562e19fbdab0f58e42fe5"
        return frames.response(frames.AUTH_CHALLENGE, len(nonce).to_bytes(4) + nonce, stream=stream)
    if opcode == frames.AUTH_RESPONSE:
        return frames.response(frames.AUTH_SUCCESS, (-1).to_bytes(4, signed=True), stream=stream)
    return frames.response(frames.RESULT, _VOID, stream=stream)


async def accept(listener: socket.socket, context: ssl.SSLContext, tasks: TaskHolder) -> None:
    """Serve whoever comes."""
    served: set[Served] = set()

    async def serve(plain: socket.socket) -> None:
        tune(plain)
        secure = context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        try:
            await handshake(secure)
        except OSError:
            secure.close()
        else:
            served.add(Served(secure))

    while True:
        sock, _ = await asyncio.get_running_loop().sock_accept(listener)
        tasks.start(serve(sock), name="serve")


async def main(directory: Path) -> None:
    """Until the input ends."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "keyspaces.pem")
    context.num_tickets = 0
    tasks = TaskHolder()
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        listener.setblocking(False)
        tasks.start(accept(listener, context, tasks), name="accept")
        print(listener.getsockname()[1], flush=True)
        await until_input_ends()
        await tasks.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
