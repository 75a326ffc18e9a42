"""The one write to a system table that Amazon Keyspaces has."""

from __future__ import annotations

import pytest

from tests.unit.proxy.cql.readings import says


@pytest.mark.parametrize(
    ("text", "keyspace"),
    [
        ("UPDATE system.local SET partitioner = 'x' WHERE key = 'local'", None),
        ("UPDATE local SET partitioner = 'x' WHERE key = 'local';", "system"),
        ('update "system"."local" set "partitioner" = $$x$$ where "key" = \'local\'', None),
        ("UPDATE System.LOCAL SET PARTITIONER = ? WHERE KEY = ?", None),
        ("UPDATE system.local SET partitioner = 'x', partitioner = 'y' WHERE key = 'local'", None),
    ],
)
def test_setting_the_partitioner_is_a_permission_of_its_own(text: str, keyspace: str | None) -> None:
    assert says(text, keyspace) == ("UPDATE PARTITIONER", ["UpdatePartitioner on system.local"])


@pytest.mark.parametrize(
    "text",
    [
        "UPDATE system.local SET partitioner = 'x', rack = 'y' WHERE key = 'local'",
        "UPDATE system.local SET rack = 'y' WHERE key = 'local'",
        "UPDATE system.local SET \"Partitioner\" = 'y' WHERE key = 'local'",
        "UPDATE system.local SET partitioner = 'x' WHERE key = 'other'",
        "UPDATE system.local SET partitioner = 'x' WHERE key = 'local' AND rack = 'local'",
        "UPDATE system.local SET partitioner = 'x' WHERE rack = 'local'",
        "UPDATE system.local SET partitioner = 'x' WHERE key IN ('local')",
        "UPDATE system.local USING TTL 1 SET partitioner = 'x' WHERE key = 'local'",
        "UPDATE system.local SET partitioner = partitioner + 'x' WHERE key = 'local'",
        "UPDATE system.local SET partitioner = 'x' + partitioner WHERE key = 'local'",
        "UPDATE system.local SET partitioner += 'x' WHERE key = 'local'",
        "UPDATE system.local SET partitioner['x'] = 'x' WHERE key = 'local'",
        "UPDATE system.local SET partitioner.x = 'x' WHERE key = 'local'",
        "INSERT INTO system.local (key, partitioner) VALUES ('local', 'x')",
        "DELETE partitioner FROM system.local WHERE key = 'local'",
    ],
)
def test_any_other_write_to_system_local_is_a_write(text: str) -> None:
    assert says(text)[1] == ["Modify on system.local"]


def test_a_conditional_change_of_the_partitioner_is_a_conditional_write() -> None:
    text = "UPDATE system.local SET partitioner = 'x' WHERE key = 'local' IF partitioner = 'y'"
    assert says(text) == ("UPDATE IF", ["Select on system.local", "Modify on system.local"])


def test_a_table_local_elsewhere_has_no_partitioner() -> None:
    assert says("UPDATE ks.local SET partitioner = 'x' WHERE key = 'local'") == ("UPDATE", ["Modify on ks.local"])
