"""Where an issuer's keys come from: a file, or the issuer itself over HTTPS.

Keys rotate. A file is read again when it changes. An address is asked again when a token names a key that is not known
(at a bounded rate, whatever tokens come), and now and then in any case, so that withdrawn keys go. What cannot be read
leaves the keys in place that were read last; those of an address only for an hour.
"""

from __future__ import annotations

import asyncio
import logging
import math
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

import aiohttp

from keyward_proxy.auth.key_set import MAXIMUM_BYTES, IssuerKeys, KeySetError, VerifyingKey
from keyward_proxy.clock import Clock
from keyward_proxy.files import Stamp, stamp

logger = logging.getLogger(__name__)

FETCH_SECONDS = 5.0
FRESH_SECONDS = 300.0
"""After so long keys are fetched again, asked for or not."""

STALE_SECONDS = 3600.0
"""Keys that could not be fetched again for so long verify nothing."""

INTERVAL_SECONDS = 10.0
"""Between two fetches, whatever tokens come."""


class KeysUnavailable(Exception):
    """There are no keys to verify anything with; the text is for the log."""


class KeySource(Protocol):
    """Gives the keys of one issuer."""

    async def find(self, kid: str | None, algorithm: str) -> VerifyingKey | None:
        """The key that a token names; None where the issuer has no such key. Raises KeysUnavailable."""


class FileKeys:
    """Keys in a file."""

    def __init__(self, file: Path) -> None:
        """Reads the file; raises KeySetError."""
        self._file = file
        self._seen: Stamp = stamp([file])
        self._keys = self._read()

    async def find(self, kid: str | None, algorithm: str) -> VerifyingKey | None:
        """See `KeySource.find`."""
        seen = stamp([self._file])
        if seen != self._seen:
            self._seen = seen
            try:
                self._keys = self._read()
            except KeySetError as error:
                logger.error("issuer's keys not read, the present ones stay", extra={"error": str(error)})
        return self._keys.find(kid, algorithm)

    def _read(self) -> IssuerKeys:
        try:
            return IssuerKeys.parse(self._file.read_bytes())
        except OSError as error:
            raise KeySetError(f"cannot read {self._file}: {error.strerror}") from error
        except KeySetError as error:
            raise KeySetError(f"{self._file}: {error}") from error


class FetchedKeys:
    """Keys at an address of the issuer."""

    def __init__(self, url: str, *, clock: Clock, fetch: Callable[[str], Awaitable[bytes]] | None = None) -> None:
        self._url = url
        self._clock = clock
        self._fetch = fetch or fetch_document
        self._keys: IssuerKeys | None = None
        self._fetched = self._tried = -math.inf
        self._fetching = asyncio.Lock()

    async def find(self, kid: str | None, algorithm: str) -> VerifyingKey | None:
        """See `KeySource.find`."""
        if self._age > FRESH_SECONDS:
            await self._refresh()
        found = self._usable().find(kid, algorithm)
        if found is None:
            await self._refresh()
            found = self._usable().find(kid, algorithm)
        return found

    @property
    def _age(self) -> float:
        return self._clock.monotonic() - self._fetched

    def _usable(self) -> IssuerKeys:
        if self._keys is None or self._age > STALE_SECONDS:
            raise KeysUnavailable(f"no keys from {self._url}")
        return self._keys

    async def _refresh(self) -> None:
        """Fetch, unless that was done a moment ago. Whoever comes meanwhile waits for the same answer."""
        async with self._fetching:
            if self._clock.monotonic() - self._tried < INTERVAL_SECONDS:
                return
            self._tried = self._clock.monotonic()
            try:
                self._keys = IssuerKeys.parse(await self._fetch(self._url))
                self._fetched = self._clock.monotonic()
            except (aiohttp.ClientError, TimeoutError, OSError, KeySetError) as error:
                logger.error(
                    "issuer's keys not fetched", extra={"url": self._url, "error": str(error) or type(error).__name__}
                )


async def fetch_document(url: str) -> bytes:
    """GET over HTTPS, verified with the system's roots (or SSL_CERT_FILE); raises aiohttp.ClientError, TimeoutError."""
    timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
    context = ssl.create_default_context()
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(url, ssl=context, allow_redirects=False) as response,
    ):
        if response.status != 200:
            raise aiohttp.ClientError(f"status {response.status}")
        document = bytearray()
        async for part in response.content.iter_chunked(65536):
            document += part
            if len(document) > MAXIMUM_BYTES:
                break  # Refused as too long by whoever reads it.
        return bytes(document)
