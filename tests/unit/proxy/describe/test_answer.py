"""What the client gets, as the driver reads it."""

from __future__ import annotations

import struct

import pytest

from keyward_proxy.cql.description import Subject
from keyward_proxy.describe import answer as answering
from keyward_proxy.describe.answer import answer
from keyward_proxy.describe.inquiry import DescriptionError, Inquiry, SchemaPage
from tests.unit.proxy import frames
from tests.unit.proxy.describe.schemas import inquiry, told
from tests.unit.proxy.session.script import rule

SHOPKEEPER = (rule("keeper/allow/0", "shop", "*", "Select"),)


def columns(asked: Inquiry) -> list[str]:
    names: list[str] = frames.split(frames.response(0x08, answer(asked).body))[0][0].message.column_names
    return names


def test_lists_have_three_columns_and_elements_four() -> None:
    names = ["keyspace_name", "type", "name"]
    for subject in (Subject.KEYSPACES, Subject.TABLES, Subject.TYPES, Subject.FUNCTIONS, Subject.AGGREGATES):
        assert columns(inquiry(subject, allow=SHOPKEEPER)) == names
    for subject in (Subject.SCHEMA, Subject.FULL_SCHEMA):
        assert columns(inquiry(subject, allow=SHOPKEEPER)) == [*names, "create_statement"]
    assert columns(inquiry(Subject.TABLE, "shop", "orders", allow=SHOPKEEPER)) == [*names, "create_statement"]


def test_rows_are_what_was_found() -> None:
    assert told(answer(inquiry(Subject.TABLES, "shop", allow=SHOPKEEPER))) == [
        ("shop", "table", '"Items"'),
        ("shop", "table", "orders"),
    ]
    _, index = told(answer(inquiry(Subject.TABLE, "shop", "orders", allow=SHOPKEEPER)))
    assert index == ("shop", "index", "orders_by_v", "CREATE INDEX orders_by_v ON shop.orders (v);")


def test_the_cluster_is_what_system_local_says() -> None:
    asked = inquiry(Subject.CLUSTER, allow=SHOPKEEPER, parts=())
    assert columns(asked) == ["cluster", "partitioner", "snitch"]
    assert told(answer(asked))[0][:2] == ("Amazon Keyspaces", "Murmur3Partitioner")


def test_metadata_is_left_out_where_the_client_has_it() -> None:
    body = answer(inquiry(Subject.TABLES, "shop", allow=SHOPKEEPER, skip_metadata=True)).body
    assert struct.unpack_from(">iii", body) == (2, 0x04, 3)


def test_pages_that_are_no_pages_are_told_as_such() -> None:
    asked = inquiry(Subject.TABLES, "shop", allow=SHOPKEEPER, parts=())
    broken = Inquiry(
        description=asked.description, grant=asked.grant, pages=(SchemaPage(table="tables", body=b"\0\0\0\2"),)
    )
    with pytest.raises(DescriptionError, match="Amazon Keyspaces sent nonsense") as refused:
        answer(broken)
    assert refused.value.code == 0x0000


def test_an_answer_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "MAXIMUM_BYTES", 1 << 9)
    assert answer(inquiry(Subject.TYPE, "shop", "sender", allow=SHOPKEEPER)).rows == 1
    with pytest.raises(DescriptionError, match="name a keyspace or a table") as refused:
        answer(inquiry(Subject.SCHEMA, allow=SHOPKEEPER))
    assert refused.value.code == 0x2200
