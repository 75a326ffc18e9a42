"""What of Keyspaces' own keyspaces a login may read, whatever its grant says."""

from __future__ import annotations

import pytest

from tests.unit.proxy.frames import query
from tests.unit.proxy.session.script import READ_ORDERS, Script, audit, client, forward, logged_in, quiet, refused, rule


@pytest.fixture
def script() -> Script:
    return logged_in(READ_ORDERS)


@pytest.mark.parametrize("keyspace", ["system_schema", "system_schema_mcs", "system_multiregion_info"])
def test_every_login_may_read_the_schema(script: Script, keyspace: str) -> None:
    text = f"SELECT * FROM {keyspace}.tables"
    script >> client(query(text)) << forward(query(text)) << quiet()


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM system.prepared_statements",
        "SELECT * FROM system_auth.roles",
        'SELECT * FROM "system"."size_estimates"',
        "UPDATE system.local SET data_center = 'x' WHERE key = 'local'",
        "INSERT INTO system_schema.tables (a) VALUES (1)",
    ],
)
def test_nothing_else_of_the_system_keyspaces_whatever_the_grant_says(text: str) -> None:
    script = logged_in(rule("all", "*", "*", "Select", "Modify"))
    script >> client(query(text, stream=1)) << refused(0x2100, stream=1, says="of the system keyspaces only")
    script << audit("statement", outcome="denied") << quiet()


def test_whoever_may_not_set_the_partitioner_is_told_what_it_takes() -> None:
    script = logged_in(rule("all", "*", "*", "Select", "Modify"))
    script >> client(query("UPDATE system.local SET partitioner = 'x' WHERE key = 'local'", stream=1))
    script << refused(0x2100, stream=1, says="keyspaces [system], tables [local], permissions [UpdatePartitioner]")
