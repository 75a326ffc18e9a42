"""Remembers what statements say, across sessions.

Reading depends on a text and the keyspace in use only, so one answer serves everybody; deciding does not, and is not
remembered here. The cache is bounded in bytes, because clients choose the texts.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256
from sys import getsizeof

from keyward_api.decision import Access
from keyward_proxy.cql.errors import INVALID, SYNTAX_ERROR
from keyward_proxy.cql.reader import read
from keyward_proxy.cql.statement import Equality, Reading, Refusal, Selector

# Bytes as measured with tracemalloc on CPython 3.11, beside those of the strings.
_ENTRY_BYTES = 800
_ACCESS_BYTES = 100
_SELECTOR_BYTES = 120
_EQUALITY_BYTES = 170

_LONGEST = 64 * 1024
"""Longer texts hold literals and do not come again."""

MAXIMUM_STATEMENT_BYTES = 4 * 1024 * 1024
"""A longer text is refused unread. A row of Keyspaces has 1 MB, which is 2 MB as a blob in hexadecimal."""


class ReadingCache:
    """Statements read lately, by text and keyspace; the one unused for longest is forgotten first."""

    def __init__(self, *, maximum_bytes: int = 16 * 1024 * 1024) -> None:
        self._maximum_bytes = maximum_bytes
        self._readings: OrderedDict[tuple[bytes, str | None], tuple[Reading, int]] = OrderedDict()
        self._bytes = 0

    @property
    def bytes_used(self) -> int:
        """Bytes that the entries take, about; never more than the maximum."""
        return self._bytes

    def read(self, text: bytes, keyspace: str | None) -> Reading:
        """What `text`, as it came in a frame, does when `keyspace` is in use. Never raises."""
        key = (text, keyspace)
        known = self._readings.get(key)
        if known is not None:
            self._readings.move_to_end(key)
            return known[0]
        reading = _read(text, keyspace)
        if len(text) <= _LONGEST:
            self._remember(key, reading)
        return reading

    def _remember(self, key: tuple[bytes, str | None], reading: Reading) -> None:
        cost = getsizeof(key[0]) + getsizeof(key[1] or "") + cost_of(reading)
        self._readings[key] = reading, cost
        self._bytes += cost
        while self._bytes > self._maximum_bytes:
            _, (_, forgotten) = self._readings.popitem(last=False)
            self._bytes -= forgotten


def _read(text: bytes, keyspace: str | None) -> Reading:
    if len(text) > MAXIMUM_STATEMENT_BYTES:
        return Refusal(
            code=INVALID,
            message=f"the statement has {len(text)} bytes, more than {MAXIMUM_STATEMENT_BYTES}: send its values as "
            "bind variables",
            redacted=f"<{len(text)} bytes>",
            sha256=sha256(text).hexdigest(),
        )
    try:
        return read(text.decode(), keyspace)
    except UnicodeDecodeError as error:
        return Refusal(
            code=SYNTAX_ERROR,
            message=f"the statement is not UTF-8 at byte {error.start}",
            redacted="",
            sha256=sha256(text).hexdigest(),
        )


def cost_of(reading: Reading) -> int:
    """Bytes that a reading takes in a dictionary, about."""
    cost = _ENTRY_BYTES + getsizeof(reading.redacted)
    if isinstance(reading, Refusal):
        return cost + getsizeof(reading.message)
    cost += getsizeof(reading.use_keyspace or "") + sum(map(_cost_of_access, reading.accesses))
    if reading.description is not None:
        cost += getsizeof(reading.description.keyspace or "") + getsizeof(reading.description.name or "")
    if reading.selection is not None:
        cost += sum(map(_cost_of_selector, reading.selection.selectors))
        cost += sum(map(_cost_of_equality, reading.selection.equalities))
    return cost


def _cost_of_access(access: Access) -> int:
    return _ACCESS_BYTES + getsizeof(access.keyspace) + getsizeof(access.table or "")


def _cost_of_selector(selector: Selector) -> int:
    return _SELECTOR_BYTES + getsizeof(selector.column) + getsizeof(selector.alias or "")


def _cost_of_equality(equality: Equality) -> int:
    term = equality.term
    return _EQUALITY_BYTES + getsizeof(equality.column) + getsizeof(term.literal or "") + getsizeof(term.marker or "")
