"""Readings that are remembered."""

from __future__ import annotations

import hashlib

from keyward_proxy.cql.cache import ReadingCache
from keyward_proxy.cql.statement import Refusal, Statement


def test_the_same_text_in_the_same_keyspace_is_read_once() -> None:
    cache = ReadingCache()
    assert cache.read(b"SELECT * FROM t", "a") is cache.read(b"SELECT * FROM t", "a")


def test_the_keyspace_is_part_of_what_is_remembered() -> None:
    cache = ReadingCache()
    tables = []
    for keyspace in ("a", "b"):
        reading = cache.read(b"SELECT * FROM t", keyspace)
        assert isinstance(reading, Statement)
        tables.append(reading.accesses[0].keyspace)
    assert tables == ["a", "b"]
    assert isinstance(cache.read(b"SELECT * FROM t", None), Refusal)


def test_its_bytes_are_bounded_and_the_oldest_goes_first() -> None:
    cache = ReadingCache(maximum_bytes=20_000)
    first = cache.read(b"SELECT * FROM a.t", None)
    for number in range(1000):
        cache.read(f"SELECT * FROM a.t{number}".encode(), None)
        assert cache.bytes_used <= 20_000
    last = cache.read(b"SELECT * FROM a.t999", None)
    assert cache.read(b"SELECT * FROM a.t999", None) is last
    assert cache.read(b"SELECT * FROM a.t", None) is not first


def test_a_reading_that_is_used_stays() -> None:
    cache = ReadingCache(maximum_bytes=20_000)
    kept = cache.read(b"SELECT * FROM a.t", None)
    for number in range(1000):
        cache.read(f"SELECT * FROM a.t{number}".encode(), None)
        assert cache.read(b"SELECT * FROM a.t", None) is kept


def test_a_long_text_is_read_but_not_remembered() -> None:
    cache = ReadingCache()
    text = b"SELECT * FROM a.t WHERE k = '" + b"x" * 100_000 + b"'"
    assert isinstance(cache.read(text, None), Statement)
    assert cache.bytes_used == 0


def test_text_that_is_not_utf_8_is_refused_with_its_hash() -> None:
    reading = ReadingCache().read(b"SELECT '\xff'", None)
    assert isinstance(reading, Refusal)
    assert reading.sha256 == hashlib.sha256(b"SELECT '\xff'").hexdigest()
