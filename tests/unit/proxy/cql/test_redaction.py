"""Texts without their literals."""

from __future__ import annotations

import pytest

from keyward_proxy.cql.redaction import redact


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("SELECT a FROM k.t WHERE b = 'x' AND c = 1", "SELECT a FROM k.t WHERE b = ? AND c = ?"),
        ("VALUES (0xCAFE, 1.5, -2, true, NaN, $$x$$, 1d, null)", "VALUES (?, ?, ?, ?, ?, ?, ?, null)"),
        ("WHERE id = 550e8400-e29b-41d4-a716-446655440000", "WHERE id = ?"),
        ("SELECT \"Quoted\" FROM k.t -- x 'y'", 'SELECT "Quoted" FROM k.t  '),
        ("SELECT/* secret */a", "SELECT a"),
        ("SELECT  a\n\tFROM k.t", "SELECT  a\n\tFROM k.t"),
        ("CREATE ROLE r WITH PASSWORD = 'secret'", "CREATE ROLE r WITH PASSWORD = ?"),
        ("SELECT 'secret FROM t", "SELECT  <unreadable from character 8>"),
        ("SELECT 1abc", "SELECT  <unreadable from character 8>"),
        ("{'a': [1, 2]}", "{?: [?, ?]}"),
        (f"eyJ{'a' * 80}.eyJhdWQ.c2ln-bmF0", " <unreadable from character 1>"),
        (f'SELECT a FROM "eyJ{"a" * 80}.eyJhdWQ.c2ln"', "SELECT a FROM  <unreadable from character 15>"),
        (f"SELECT {'a' * 48} FROM t", f"SELECT {'a' * 48} FROM t"),
    ],
)
def test_literals_and_comments_are_gone(text: str, redacted: str) -> None:
    assert redact(text, limit=1000) == redacted


def test_a_long_text_is_cut() -> None:
    found = redact("SELECT " + "column, " * 100_000, limit=100)
    assert len(found) < 150
    assert found.endswith("<800007 characters in all>")


def test_tags_and_properties_are_literals() -> None:
    text = "CREATE TABLE k.t (a int) WITH x = {'y': {'z': 1}} AND TAGS = {'owner': 'secret'} -- secret\n;"
    assert redact(text, limit=1000) == "CREATE TABLE k.t (a int) WITH x = {?: {?: ?}} AND TAGS = {?: ?}  \n;"
