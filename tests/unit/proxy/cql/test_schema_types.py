"""CREATE, ALTER and DROP TYPE."""

from __future__ import annotations

import pytest

from tests.unit.proxy.cql.readings import refusal, says


@pytest.mark.parametrize(
    ("text", "keyspace"),
    [
        ("CREATE TYPE ks.y (a int)", None),
        ("CREATE TYPE y (a int, b frozen<map<text, tuple<int, 'x.Y'>>>,)", "ks"),
        ('create type if not exists "ks"."Y" ("A" ks.other, ttl list<int>,,)', None),
    ],
)
def test_creating_a_type_needs_create_on_its_keyspace(text: str, keyspace: str | None) -> None:
    assert says(text, keyspace) == ("CREATE TYPE", ["Create on keyspace ks"])


@pytest.mark.parametrize(
    "text",
    [
        "ALTER TYPE ks.y ADD a int",
        "ALTER TYPE IF EXISTS ks.y ADD IF NOT EXISTS a set<int>",
        "ALTER TYPE ks.y ALTER a TYPE text",
        "ALTER TYPE ks.y RENAME a TO b AND c TO d",
        "ALTER TYPE ks.y RENAME IF EXISTS a TO b",
    ],
)
def test_altering_a_type_needs_alter_on_its_keyspace(text: str) -> None:
    assert says(text) == ("ALTER TYPE", ["Alter on keyspace ks"])


@pytest.mark.parametrize("text", ["DROP TYPE ks.y", "drop type if exists KS.y;"])
def test_dropping_a_type_needs_drop_on_its_keyspace(text: str) -> None:
    assert says(text) == ("DROP TYPE", ["Drop on keyspace ks"])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("CREATE TYPE y (a int)", "no keyspace is in use for type 'y'"),
        ('CREATE TYPE "Y z" (a int)', """write it as keyspace."Y z","""),
        ('CREATE TYPE "ks.y" (a int)', """write it as "ks"."y","""),
        ("CREATE TYPE ks.y ()", "the name of a field"),
        ("CREATE TYPE ks.y (a)", "a type"),
        ("CREATE TYPE ks.y (a int STATIC)", "'STATIC'"),
        ("CREATE TYPE ks.y (a list<int)", "'>'"),
        ("CREATE TYPE ks.y.z (a int)", "'('"),
        ("ALTER TYPE ks.y DROP a", "ADD, ALTER or RENAME"),
        ("ALTER TYPE ks.y ALTER a text", "'TYPE'"),
        ("ALTER TYPE ks.y RENAME a b", "'TO'"),
        ("DROP TYPE ks.y, ks.z", "not part of the statement"),
    ],
)
def test_what_is_not_wholly_understood_is_refused(text: str, found: str) -> None:
    assert found in refusal(text, None).message
