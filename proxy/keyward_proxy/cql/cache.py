"""Remembers what statements say, across sessions.

Reading depends on a text and the keyspace in use only, so one answer serves everybody; deciding does not, and is not
remembered here. The cache is bounded in bytes, because clients choose the texts.
"""

from __future__ import annotations

from hashlib import sha256

from keyward_proxy.cql.errors import SYNTAX_ERROR
from keyward_proxy.cql.reader import read
from keyward_proxy.cql.statement import Refusal, Statement

_ENTRY_BYTES = 1500
"""About what an entry costs beside its texts."""

_LONGEST = 64 * 1024
"""Longer texts hold literals and do not come again."""


class ReadingCache:
    """Statements read lately, by text and keyspace; the one unused for longest is forgotten first."""

    def __init__(self, *, maximum_bytes: int = 16 * 1024 * 1024) -> None:
        self._maximum_bytes = maximum_bytes
        self._readings: dict[tuple[bytes, str | None], Statement | Refusal] = {}
        self._bytes = 0

    @property
    def bytes_used(self) -> int:
        """Bytes that the entries take, about; never more than the maximum."""
        return self._bytes

    def read(self, text: bytes, keyspace: str | None) -> Statement | Refusal:
        """What `text`, as it came in a frame, does when `keyspace` is in use. Never raises."""
        key = (text, keyspace)
        reading = self._readings.pop(key, None)
        if reading is None:
            reading = _read(text, keyspace)
            if len(text) > _LONGEST:
                return reading
            self._bytes += _cost(text, reading)
        self._readings[key] = reading
        while self._bytes > self._maximum_bytes:
            self._forget_oldest()
        return reading

    def _forget_oldest(self) -> None:
        key = next(iter(self._readings))
        self._bytes -= _cost(key[0], self._readings.pop(key))


def _read(text: bytes, keyspace: str | None) -> Statement | Refusal:
    try:
        return read(text.decode(), keyspace)
    except UnicodeDecodeError as error:
        return Refusal(
            code=SYNTAX_ERROR,
            message=f"the statement is not UTF-8 at byte {error.start}",
            redacted="",
            sha256=sha256(text).hexdigest(),
        )


def _cost(text: bytes, reading: Statement | Refusal) -> int:
    return _ENTRY_BYTES + len(text) + 4 * len(reading.redacted)
