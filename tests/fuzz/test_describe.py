"""A hostile Keyspaces answers the agent's questions for its schema: there is an answer, or an error for the client."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from keyward_proxy.cql.description import Subject
from keyward_proxy.describe.answer import answer
from keyward_proxy.describe.inquiry import DescriptionError, SchemaPage
from keyward_proxy.describe.names import NAME_COLUMNS
from tests.unit.proxy.describe.schemas import (
    BOOLEAN,
    COLUMNS,
    DOUBLE,
    INTEGER,
    TEXT,
    TEXT_LIST,
    TEXT_MAP,
    TEXT_SET,
    inquiry,
    rows_body,
)
from tests.unit.proxy.session.script import rule

EVERYTHING = (rule("owner/allow/0", "*", "*", "Select"),)
NAMES = st.sampled_from(["a", "b", "A", 'a"b', "", "select", "frozen<a>", "list<", "none", "asc", "partition_key"])
TEXTS = NAMES | st.text(max_size=8)
VALUES: dict[bytes, st.SearchStrategy[Any]] = {
    TEXT: TEXTS,
    BOOLEAN: st.booleans(),
    INTEGER: st.integers(-2, 3),
    DOUBLE: st.floats(),
    TEXT_MAP: st.dictionaries(st.sampled_from(["class", "target", "class_name", "x"]), TEXTS, max_size=3),
    TEXT_SET: st.sets(st.sampled_from(["compound", "dense", "super", "counter"])),
    TEXT_LIST: st.lists(NAMES, max_size=3),
}
SUBJECTS = st.sampled_from(list(Subject))


def rows(table: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Rows with names that meet those of other tables, and nulls."""
    fields = {name: st.none() | VALUES[kind] for name, kind in COLUMNS[table].items() if kind in VALUES}
    keys = {"keyspace_name": NAMES, NAME_COLUMNS[table]: NAMES}
    return st.lists(st.fixed_dictionaries(fields | keys), max_size=4)


SCHEMAS = st.fixed_dictionaries({table: rows(table) for table in COLUMNS})


@given(SUBJECTS, NAMES, NAMES, SCHEMAS)
def test_a_schema_of_any_contents_is_described_or_refused(
    subject: Subject, keyspace: str, name: str, schema: dict[str, list[dict[str, Any]]]
) -> None:
    asked = inquiry(subject, keyspace, name, allow=EVERYTHING, parts=(schema,))
    with contextlib.suppress(DescriptionError):
        answer(asked)


@given(SUBJECTS, st.sampled_from(list(COLUMNS)), SCHEMAS, st.data())
def test_broken_pages_are_refused(
    subject: Subject, table: str, schema: dict[str, list[dict[str, Any]]], data: st.DataObject
) -> None:
    body = bytearray(rows_body(table, schema[table]))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    asked = inquiry(subject, "a", "b", allow=EVERYTHING, parts=())
    broken = type(asked)(
        description=asked.description,
        grant=asked.grant,
        pages=(SchemaPage(table=table, body=bytes(body[: data.draw(st.integers(1, len(body)))])),),
    )
    with contextlib.suppress(DescriptionError):
        answer(broken)
