"""Words that cannot be names."""

from __future__ import annotations

import pytest
from cassandra.metadata import cql_keywords_reserved, cql_keywords_unreserved

from keyward_proxy.cql.reader import read
from keyward_proxy.cql.statement import Refusal, Statement
from keyward_proxy.cql.terms import RESERVED


def test_what_is_reserved_here_is_reserved_for_the_driver_too() -> None:
    assert {word.lower() for word in RESERVED} <= set(cql_keywords_reserved)


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_a_reserved_word_names_a_table_only_in_quotes(word: str) -> None:
    assert isinstance(read(f"SELECT * FROM ks.{word}", None), Refusal)
    assert isinstance(read(f'SELECT * FROM ks."{word}"', None), Statement)


@pytest.mark.parametrize("word", sorted(cql_keywords_unreserved))
def test_any_other_word_is_a_name_like_any(word: str) -> None:
    for text in (
        f"SELECT {word} FROM {word}.{word} WHERE {word} = 1 ORDER BY {word}",
        f"INSERT INTO {word}.{word} ({word}) VALUES ({{{word}: 1}})",
        f"UPDATE {word}.{word} SET {word} = {word} + 1, {word}.{word} = 2 WHERE {word} IN (1) IF {word} = 3",
        f"DELETE {word} FROM {word}.{word} WHERE {word} = 1",
    ):
        reading = read(text, None)
        assert isinstance(reading, Statement), reading
        assert {(a.keyspace, a.table) for a in reading.accesses} == {(word, word)}
