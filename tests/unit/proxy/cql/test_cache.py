"""Readings that are remembered."""

from __future__ import annotations

import hashlib
import tracemalloc

import pytest

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


def test_a_hundred_thousand_texts_of_an_attacker_stay_within_the_bound() -> None:
    cache = ReadingCache(maximum_bytes=1024 * 1024)
    for number in range(100_000):
        cache.read(b"'%d" % number if number % 10 else b"USE k%d" % number, None)
        assert cache.bytes_used <= 1024 * 1024


@pytest.mark.parametrize(
    "text",
    [
        "SELEC{n}",
        "USE k{n}",
        "DESCRIBE TABLE k{n}.t" + "x" * 40,
        "SELECT c{n} FROM ks.t WHERE k = ? AND d = 'x'",
        'SELECT "\U0001f600{n}" FROM "\U0001f600"."t{n}"',
        "INSERT INTO ks.t{n} (a, b) VALUES (1, 'x')",
        "SELECT " + ", ".join(f"column_{i}" for i in range(50)) + " FROM system.t{n}",
        "SELECT " + ", ".join(["a AS b"] * 50) + " FROM system.t{n}",
        "SELECT * FROM system.t{n} WHERE " + " AND ".join(["a = :b"] * 50),
        "SELECT * FROM system.t{n} WHERE " + " AND ".join(f"c{i} = 'some literal'" for i in range(50)),
        "BEGIN BATCH " + " ".join(f"DELETE FROM k{{n}}.t{i} WHERE k=1 IF EXISTS" for i in range(30)) + " APPLY BATCH",
        "/*" + "x" * 1000 + "*/ SELECT {n}",
    ],
)
def test_the_bytes_that_are_counted_are_those_that_are_used(text: str) -> None:
    texts = [text.replace("{n}", str(number)).encode() for number in range(50)]
    cache = ReadingCache()
    tracemalloc.start()
    try:
        for one in texts:
            cache.read(bytes(bytearray(one)), "ks")
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert cache.bytes_used / 3 < used < cache.bytes_used * 1.05
