"""What a refusal says: words that its reader can act on."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.unit.proxy.frames import query
from tests.unit.proxy.session.script import READ_ORDERS, client, logged_in


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
