"""CREATE, ALTER and DROP KEYSPACE."""

from __future__ import annotations

import pytest

from tests.unit.proxy.cql.readings import refusal, says

REPLICATION = "REPLICATION = {'class': 'SingleRegionStrategy'}"


@pytest.mark.parametrize(
    "text",
    [
        f"CREATE KEYSPACE ks WITH {REPLICATION}",
        f"create schema KS with {REPLICATION};",
        f'CREATE KEYSPACE IF NOT EXISTS "ks" WITH {REPLICATION} AND DURABLE_WRITES = true',
        f"CREATE KEYSPACE ks WITH {REPLICATION} AND TAGS = {{'key': 'value', 'a': 'b'}}",
        "CREATE KEYSPACE ks WITH replication = {'class': 'NetworkTopologyStrategy', 'eu-west-1': 3, 'eu-west-2': '3'}"
        " AND CLIENT_SIDE_TIMESTAMPS = {'status': 'ENABLED'}",
        "CREATE KEYSPACE ks WITH replication = {} AND x = -NaN AND y = NaN AND z = - infinity AND w = 0x00 AND v = ttl",
    ],
)
def test_creating_a_keyspace_is_about_the_whole_of_it(text: str) -> None:
    assert says(text, None) == ("CREATE KEYSPACE", ["Create on keyspace ks"])


@pytest.mark.parametrize(
    "text",
    [
        f"ALTER KEYSPACE ks WITH {REPLICATION} AND CLIENT_SIDE_TIMESTAMPS = {{'status': 'ENABLED'}}",
        f"ALTER SCHEMA IF EXISTS ks WITH {REPLICATION}",
        "ALTER KEYSPACE ks ADD TAGS {'a': 'b'}",
        "ALTER KEYSPACE ks DROP TAGS {'a': 'b', 'c': 'd'};",
    ],
)
def test_altering_a_keyspace_is_about_the_whole_of_it(text: str) -> None:
    assert says(text, None) == ("ALTER KEYSPACE", ["Alter on keyspace ks"])


@pytest.mark.parametrize("text", ["DROP KEYSPACE ks", "drop schema if exists KS;", 'DROP KEYSPACE "ks"'])
def test_dropping_a_keyspace_is_about_the_whole_of_it(text: str) -> None:
    assert says(text, None) == ("DROP KEYSPACE", ["Drop on keyspace ks"])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("CREATE KEYSPACE ks", "'WITH'"),
        ("CREATE KEYSPACE a.b WITH x = 1", "found '.'"),
        ("CREATE KEYSPACE IF EXISTS ks WITH x = 1", "'NOT'"),
        ("CREATE KEYSPACE ks WITH x", "'='"),
        ("CREATE KEYSPACE ks WITH x = ?", "the value of a property"),
        ("CREATE KEYSPACE ks WITH x = f(1)", "not part of the statement"),
        ("CREATE KEYSPACE ks WITH x = {'a': ?}", "the value of a property"),
        ("CREATE KEYSPACE ks WITH x = {a: 1}", "the name of a property, a literal"),
        ("CREATE KEYSPACE ks WITH x = {'a': 1, }", "the name of a property, a literal"),
        ("CREATE KEYSPACE ks WITH x = {'a': 1", "'}'"),
        ("CREATE KEYSPACE ks WITH x = {'a'}", "':'"),
        ("CREATE KEYSPACE ks WITH x = [1]", "the value of a property"),
        ("CREATE KEYSPACE ks WITH x = " + "{'a': " * 5000, "nested more than 32 deep"),
        ("CREATE KEYSPACE ks WITH x = 1, y = 2", "not part of the statement"),
        ("ALTER KEYSPACE ks", "WITH, ADD TAGS or DROP TAGS"),
        ("ALTER KEYSPACE ks ADD x int", "TAGS and a map of tags"),
        ("ALTER KEYSPACE ks ADD TAGS ['a']", "TAGS and a map of tags"),
        ("DROP KEYSPACE IF NOT EXISTS ks", "'EXISTS'"),
        ("DROP KEYSPACE a, b", "not part of the statement"),
        ("DROP KEYSPACE ?", "the name of a keyspace"),
    ],
)
def test_what_is_not_wholly_understood_is_refused(text: str, found: str) -> None:
    assert found in refusal(text).message
