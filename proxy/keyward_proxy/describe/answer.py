"""Answers a DESCRIBE: has everything written that is asked for, and makes a RESULT of it.

Source: DescribeStatement.java of Apache Cassandra 4.0, for the columns. The answer is one page, whatever page size was
asked for: it is bounded, and a page size is a wish.
"""

from __future__ import annotations

import time

from keyward_proxy.cql.description import Subject
from keyward_proxy.describe.elements import LISTS, Elements
from keyward_proxy.describe.inquiry import Answer, DescriptionError, Inquiry, too_large
from keyward_proxy.describe.schema import Schema
from keyward_proxy.reported import CLUSTER_NAME, PARTITIONER
from keyward_proxy.wire.errors import ProtocolViolation
from keyward_proxy.wire.responses import ErrorCode
from keyward_proxy.wire.rows import Column, ColumnType, Value, rows_body

MAXIMUM_BYTES = 16 * 1024 * 1024
"""Longest answer."""

_LIST = ("keyspace_name", "type", "name")
_ELEMENTS = (*_LIST, "create_statement")
_CLUSTER = ("cluster", "partitioner", "snitch")
_NO_SNITCH = "not told by Amazon Keyspaces"


def answer(inquiry: Inquiry) -> Answer:
    """The answer, all of it. Raises DescriptionError."""
    subject = inquiry.description.subject
    if subject is Subject.CLUSTER:
        partitioner = PARTITIONER.rpartition(".")[2]
        return _answer(inquiry, _CLUSTER, [[CLUSTER_NAME, partitioner, _NO_SNITCH]])
    columns = _LIST if subject in LISTS or subject is Subject.KEYSPACES else _ELEMENTS
    try:
        schema = Schema(inquiry.pages, inquiry.grant)
    except ProtocolViolation as error:
        raise DescriptionError(f"Amazon Keyspaces sent nonsense: {error}", code=ErrorCode.SERVER_ERROR) from error
    return _answer(inquiry, columns, _rows(inquiry, schema, len(columns)))


def _rows(inquiry: Inquiry, schema: Schema, columns: int) -> list[list[Value]]:
    rows: list[list[Value]] = []
    size = 0
    for element in Elements(inquiry.description, schema).found():
        rows.append([*element[:columns]])
        size += sum(map(len, element))
        if size > MAXIMUM_BYTES:
            raise too_large(MAXIMUM_BYTES)
        time.sleep(0)  # the event loop's thread goes first: the driver's compiled code would not let it
    return rows


def _answer(inquiry: Inquiry, names: tuple[str, ...], rows: list[list[Value]]) -> Answer:
    columns = [Column(name, ColumnType.VARCHAR) for name in names]
    body = rows_body("system", "describe", columns, rows, skip_metadata=inquiry.skip_metadata)
    return Answer(body=body, rows=len(rows))
