"""The comparison can fail: readings that are wrong in one thing each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from keyward_proxy.cql.reader import read
from tests.differential.campaign import oracles
from tests.differential.oracle import Answer, Oracle
from tests.differential.shrinking import shrink
from tests.differential.verdicts import Verdict, judge


@pytest.fixture(scope="module")
def versions() -> Iterator[list[Oracle]]:
    with oracles() as started:
        yield started


def answer(oracle: Oracle, text: str) -> Answer | None:
    oracle.ask([text])
    (found,) = oracle.answers(1)
    return found


@pytest.mark.parametrize(
    ("ours", "cassandras", "verdict"),
    [
        ("SELECT * FROM a.b", "SELECT x FROM a.b LIMIT 1", Verdict.SAME),
        ("SELECT * FROM b", "SELECT * FROM used.b", Verdict.SAME),
        ("SELECT * FROM a.b", "SELECT * FROM a.c", Verdict.DIFFERENT),
        ("SELECT * FROM a.b", "SELECT * FROM b", Verdict.DIFFERENT),
        ("SELECT * FROM a.b", "DELETE FROM a.b WHERE k = 1", Verdict.DIFFERENT),
        ("SELECT * FROM a.b", "TRUNCATE a.b", Verdict.DIFFERENT),
        ("DELETE FROM a.b WHERE k = 1", "DELETE FROM a.b WHERE k = 1 IF EXISTS", Verdict.DIFFERENT),
        ("DELETE FROM a.b WHERE k = 1 IF EXISTS", "DELETE FROM a.b WHERE k = 1", Verdict.DIFFERENT),
        ("INSERT INTO a.b (c) VALUES (1)", "UPDATE a.b SET c = 1 WHERE k = 1", Verdict.DIFFERENT),
        ("USE a", 'USE "A"', Verdict.DIFFERENT),
        ("DROP TABLE a.b", "DROP TYPE a.b", Verdict.DIFFERENT),
        ("DROP KEYSPACE a", "DROP KEYSPACE b", Verdict.DIFFERENT),
        ("CREATE TYPE a.y (b int)", "CREATE TYPE a.z (b int)", Verdict.SAME),
        ("BEGIN BATCH APPLY BATCH", "BEGIN BATCH DELETE FROM a.b WHERE k = 1 APPLY BATCH", Verdict.DIFFERENT),
        (
            "BEGIN BATCH DELETE FROM a.b WHERE k = 1 APPLY BATCH",
            "BEGIN BATCH DELETE FROM a.b WHERE k = 1 DELETE FROM a.c WHERE k = 1 APPLY BATCH",
            Verdict.DIFFERENT,
        ),
        (
            "UPDATE system.local SET partitioner = 'x' WHERE key = 'local'",
            "UPDATE system.local SET partitioner = 'x', rack = 'y' WHERE key = 'local'",
            Verdict.DIFFERENT,
        ),
        ("DESCRIBE TABLES", "DROP TABLE a.b", Verdict.DIFFERENT),
        ("SELECT * FROM a.b", "SELECT", Verdict.LOOSER),
        ("SELECT", "SELECT * FROM a.b", Verdict.STRICTER),
        ("SELECT", "SELECT", Verdict.BOTH_REFUSE),
    ],
)
def test_a_difference_is_seen(versions: list[Oracle], ours: str, cassandras: str, verdict: Verdict) -> None:
    for oracle in versions:
        assert judge(read(ours, "used"), answer(oracle, cassandras), "used") is verdict, oracle.version


def test_a_failing_text_is_made_short() -> None:
    assert shrink("SELECT a, b, c FROM ks . t WHERE x = 'bad' AND y = 2", lambda text: "bad" in text) == "bad"
