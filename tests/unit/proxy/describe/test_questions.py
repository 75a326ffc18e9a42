"""What Keyspaces is asked for a description."""

from __future__ import annotations

import pytest

from keyward_api.permissions import Permission
from keyward_proxy.cql.description import Description, Subject
from keyward_proxy.cql.reader import read
from keyward_proxy.cql.statement import Statement
from keyward_proxy.describe.names import NAME_COLUMNS
from keyward_proxy.describe.questions import questions


def asked(
    subject: Subject, keyspace: str | None = None, name: str | None = None, *, qualified: bool = False
) -> list[str]:
    description = Description(subject=subject, keyspace=keyspace, name=name, qualified=qualified)
    return [text.removeprefix("SELECT * FROM system_schema.") for _, text in questions(description)]


def test_nothing_is_asked_that_is_known_or_cannot_be_answered() -> None:
    assert asked(Subject.CLUSTER) == []
    for subject in (Subject.KEYSPACE, Subject.ONLY_KEYSPACE, Subject.TABLE, Subject.INDEX, Subject.TYPE):
        assert asked(subject, None, "t") == []


def test_lists_need_the_keyspaces_and_what_is_listed() -> None:
    assert asked(Subject.KEYSPACES) == ["keyspaces"]
    assert asked(Subject.TABLES) == ["keyspaces", "tables"]
    where = " WHERE keyspace_name = 'shop'"
    assert asked(Subject.TYPES, "shop") == [f"keyspaces{where}", f"types{where}"]


def test_a_schema_needs_everything_and_a_keyspace_everything_of_its_own() -> None:
    assert asked(Subject.SCHEMA) == asked(Subject.FULL_SCHEMA) == list(NAME_COLUMNS)
    assert asked(Subject.KEYSPACE, "a") == [f"{table} WHERE keyspace_name = 'a'" for table in NAME_COLUMNS]
    assert asked(Subject.ONLY_KEYSPACE, "a") == ["keyspaces WHERE keyspace_name = 'a'"]


def test_one_table_needs_only_its_own_rows() -> None:
    where = " WHERE keyspace_name = 'a' AND table_name = 't'"
    assert asked(Subject.TABLE, "a", "t") == [
        "keyspaces WHERE keyspace_name = 'a'",
        f"tables{where}",
        f"columns{where}",
        f"indexes{where}",
        "views WHERE keyspace_name = 'a' AND view_name = 't'",
    ]


def test_a_bare_name_is_looked_for_among_keyspaces_and_in_the_one_in_use() -> None:
    found = asked(Subject.ANYTHING, "used", "x")
    assert "tables WHERE keyspace_name = 'x'" in found
    assert "tables WHERE keyspace_name = 'used' AND table_name = 'x'" in found
    assert "indexes WHERE keyspace_name = 'used'" in found
    assert len(found) == len(set(found))
    assert asked(Subject.ANYTHING, None, "x") == asked(Subject.KEYSPACE, "x")
    assert asked(Subject.ANYTHING, "x", "x") == asked(Subject.KEYSPACE, "x")
    assert "tables WHERE keyspace_name = 'x'" not in asked(Subject.ANYTHING, "used", "x", qualified=True)


@pytest.mark.parametrize("name", ["it's", "'; DROP", "''", 'a"b', "x' AND table_name = 'y"])
@pytest.mark.parametrize("subject", list(Subject))
def test_names_stay_literals_of_a_select_on_the_schema(subject: Subject, name: str) -> None:
    for table, text in questions(Description(subject=subject, keyspace=name, name=name, qualified=True)):
        reading = read(text, None)
        assert isinstance(reading, Statement)
        (access,) = reading.accesses
        assert (access.permission, access.keyspace, access.table) == (Permission.SELECT, "system_schema", table)
        assert reading.selection
        literals = {equality.column: equality.term.literal for equality in reading.selection.equalities}
        assert set(literals.values()) <= {name}
        assert set(literals) <= {"keyspace_name", NAME_COLUMNS[table]}
