"""What a refusal says, in words that its reader can act on; and with which consistency a request is sent."""

from __future__ import annotations

import re

import pytest
import yaml
from cassandra import ConsistencyLevel

from tests.unit.proxy import frames
from tests.unit.proxy.frames import query
from tests.unit.proxy.session.script import (
    READ_ORDERS,
    audit,
    client,
    forward,
    logged_in,
    policy,
    policy_changed,
    rule,
    upstream,
)

WRITE_ITEMS = rule("writer/allow/0", "orders", "items", "Modify")
SELECT = "SELECT id FROM orders.items"
INSERT = "INSERT INTO orders.items (id) VALUES (1)"


@pytest.mark.parametrize(
    ("text", "keyspaces", "tables"),
    [
        ("DROP TABLE orders.items", ["orders"], ["items"]),
        ("DROP KEYSPACE orders", ["orders"], ["*"]),
        ('DROP TABLE "On"."4711"', ["On"], ["4711"]),
        ("DROP TABLE yes.null_", ["yes"], ["null_"]),
        ('DROP TABLE orders."a, b]: #"', ["orders"], ["a, b]: #"]),
    ],
)
def test_the_rule_that_a_denial_asks_for_may_be_pasted_into_a_manifest(
    text: str, keyspaces: list[str], tables: list[str]
) -> None:
    script = logged_in(READ_ORDERS) >> client(query(text))
    reason = script.audits[-1].decision.reason
    lists = re.sub(r"(\w+) (\[.*?\])(, (?=\w+ \[)|$)", r"\1: \2\n", reason.partition("rule with ")[2])
    rule_asked_for = yaml.safe_load(lists)
    wanted = {"dbUsers": ["Reader"], "keyspaces": keyspaces, "tables": tables, "permissions": ["Drop"]}
    assert rule_asked_for == wanted


@pytest.mark.parametrize(
    ("consistency", "text", "asked", "sent"),
    [
        ({"writes": "PassThrough"}, INSERT, ConsistencyLevel.ONE, ConsistencyLevel.ONE),
        ({"writes": "PassThrough"}, SELECT, ConsistencyLevel.QUORUM, ConsistencyLevel.LOCAL_QUORUM),
        ({"reads": "PassThrough"}, SELECT, ConsistencyLevel.QUORUM, ConsistencyLevel.QUORUM),
        ({"reads": "PassThrough"}, "USE orders", ConsistencyLevel.ANY, ConsistencyLevel.ANY),
        ({"reads": "PassThrough"}, INSERT, ConsistencyLevel.ONE, ConsistencyLevel.LOCAL_QUORUM),
    ],
)
def test_a_database_may_leave_levels_as_the_client_asks(
    consistency: dict[str, str], text: str, asked: int, sent: int
) -> None:
    script = logged_in(READ_ORDERS, WRITE_ITEMS, consistency=consistency)
    script >> client(query(text, stream=1, consistency=asked))
    script << forward(query(text, stream=1, consistency=sent))
    script >> upstream(frames.void(stream=1))
    names = ConsistencyLevel.value_to_name
    script << audit("statement", consistency=names[sent], requested_consistency=names[asked] if asked != sent else None)


def test_what_becomes_of_levels_follows_the_policy() -> None:
    script = logged_in(READ_ORDERS)
    asked = query(SELECT, stream=1, consistency=ConsistencyLevel.ALL)
    script >> client(asked) << forward(query(SELECT, stream=1)) >> upstream(frames.void(stream=1))
    passing = policy(READ_ORDERS, revision="r2", consistency={"reads": "PassThrough"})
    script >> policy_changed(passing) >> client(asked) << forward(asked) >> upstream(frames.void(stream=1))
    script >> policy_changed(policy(READ_ORDERS, revision="r3"))
    script >> client(asked) << forward(query(SELECT, stream=1))
