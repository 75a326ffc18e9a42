"""The upstream of the test entry point: Keyspaces' TLS and SigV4 login in front of a Cassandra that has neither.

The signature is verified by local AWS. STARTUP goes to Cassandra when the login is complete, so its options arrive; a
READY that comes back becomes AUTH_SUCCESS. After that bytes pass as they are.
"""

import asyncio
import re
import secrets
import ssl
from dataclasses import dataclass

from local.aws.client import AdminClient, AdminError
from tests.compat import frames
from tests.compat.relaying import pump, run_both

HELENUS = "com.amazon.helenus.auth.HelenusAuthenticator"
REGION = "us-east-1"
_FIELD = re.compile(r"(signature|access_key|amzdate|session_token)=([^,]*)")
_ERROR = 0x00


@dataclass(frozen=True, kw_only=True, slots=True)
class Back:
    """Which Cassandra, and who verifies signatures."""

    cassandra: tuple[str, int]
    tls: ssl.SSLContext
    aws: AdminClient

    async def serve(self, address: str, port: int) -> asyncio.Server:
        """Listen with TLS."""
        return await asyncio.start_server(self._agent, address, port, ssl=self.tls)

    async def _agent(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        cassandra = await asyncio.open_connection(*self.cassandra)
        try:
            await self._log_in(reader, writer, cassandra)
        except (asyncio.IncompleteReadError, OSError):
            writer.close()
            cassandra[1].close()
            return
        await run_both(pump(reader, cassandra[1]), pump(cassandra[0], writer), close=(writer, cassandra[1]))

    async def _log_in(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        cassandra: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        startup: frames.Frame | None = None
        nonce = secrets.token_hex(16)
        while True:
            message = await _read(reader)
            answer = message.version | 0x80, message.stream
            if message.opcode == frames.STARTUP:
                startup = message
                writer.write(frames.frame(*answer, frames.AUTHENTICATE, frames.string(HELENUS)))
            elif message.opcode == frames.RESPONSE and message.body[4:] == b"SigV4\0\0":
                challenge = frames.long_bytes(f"nonce={nonce}".encode())
                writer.write(frames.frame(*answer, frames.CHALLENGE, challenge))
            elif message.opcode == frames.RESPONSE and startup is not None:
                if refusal := await asyncio.to_thread(self._refusal, message.body[4:].decode(), nonce):
                    writer.write(frames.frame(*answer, _ERROR, b"\0\0\x01\0" + frames.string(refusal)))
                    raise OSError(refusal)
                ready = await _exchange(cassandra, startup)
                success = frames.frame(*answer, frames.SUCCESS, frames.long_bytes(b""))
                writer.write(success if ready.opcode == frames.READY else ready.raw)
                return
            else:
                writer.write((await _exchange(cassandra, message)).raw)

    def _refusal(self, response: str, nonce: str) -> str:
        """What is wrong with the signature; empty where nothing is."""
        found = dict(_FIELD.findall(response))
        try:
            self.aws.authenticate(
                access_key_id=found.get("access_key", ""),
                session_token=found.get("session_token"),
                nonce=nonce,
                amzdate=found.get("amzdate", ""),
                region=REGION,
                signature=found.get("signature", ""),
            )
        except AdminError as error:
            return str(error.body)
        return ""


async def _read(reader: asyncio.StreamReader) -> frames.Frame:
    header = await reader.readexactly(frames.HEADER.size)
    version, _, stream, opcode, length = frames.HEADER.unpack(header)
    body = await reader.readexactly(length)
    return frames.Frame(version=version, stream=stream, opcode=opcode, body=body, raw=header + body)


async def _exchange(
    cassandra: tuple[asyncio.StreamReader, asyncio.StreamWriter], message: frames.Frame
) -> frames.Frame:
    cassandra[1].write(message.raw)
    return await _read(cassandra[0])
