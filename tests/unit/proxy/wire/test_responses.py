"""Responses, as far as the agent reads and writes them."""

from __future__ import annotations

import struct

import pytest

from keyward_proxy.wire.header import HEADER_BYTES, Opcode, frame, response
from keyward_proxy.wire.responses import (
    error_body,
    message_body,
    read_error,
    read_result_kind,
    read_row_count,
    supported_body,
)
from keyward_proxy.wire.scanner import Frame, ResponseScanner
from tests.unit.proxy import frames


def scanned(data: bytes) -> Frame:
    (found,) = ResponseScanner(maximum_body=1 << 20, version=data[0] & 0x7F).feed(data)
    assert isinstance(found, Frame)
    return found


def count(data: bytes) -> int | None:
    body = message_body(scanned(data))
    assert read_result_kind(body) == 2
    return read_row_count(body)


def result_rows(metadata: bytes, rows: int) -> bytes:
    return frames.response(0x08, struct.pack(">i", 2) + metadata + struct.pack(">i", rows))


def test_rows_are_counted_behind_tracing_warnings_and_payload() -> None:
    prefix = (
        b"\0" * 16 + b"\0\1" + frames.string("warning") + b"\0\1" + frames.string("k") + struct.pack(">i", 1) + b"v"
    )
    assert count(frames.rows(b"a", b"b", flags=0x0E, prefix=prefix)) == 2


def test_rows_without_metadata_are_counted() -> None:
    assert count(result_rows(struct.pack(">ii", 4, 300), 7)) == 7
    assert count(result_rows(struct.pack(">iii", 6, 300, 2) + b"xy", 7)) == 7


def test_every_type_of_column_is_passed_over() -> None:
    name, text = frames.string("c"), struct.pack(">H", 0x0D)
    types = [
        text,
        struct.pack(">H", 0) + frames.string("org.apache.X"),
        struct.pack(">H", 0x20) + text,
        struct.pack(">H", 0x21) + text + struct.pack(">H", 0x22) + text,
        struct.pack(">H", 0x30) + frames.string("ks") + frames.string("type") + struct.pack(">H", 1) + name + text,
        struct.pack(">HH", 0x31, 2) + text + text,
    ]
    table = frames.string("ks") + frames.string("t")
    columns = b"".join(table + name + kind for kind in types)
    assert count(result_rows(struct.pack(">ii", 0, len(types)) + columns, 9)) == 9


@pytest.mark.parametrize(
    "metadata",
    [
        struct.pack(">ii", 1, 65),
        struct.pack(">ii", 1, 1),
        struct.pack(">ii", 0, 1) + b"\0\0\0\0\0\0" + b"\0\x20" * 40,
    ],
)
def test_a_count_that_costs_too_much_or_is_not_there_is_unknown(metadata: bytes) -> None:
    assert count(result_rows(metadata, 1)) is None


def test_an_error_is_read_and_written() -> None:
    assert read_error(scanned(frames.error(0x2100, "no"))) == (0x2100, "no")
    seen, _ = frames.split(response(4, 5, Opcode.ERROR, error_body(0x2500, "gone", b"\0\2id")))
    assert (seen[0].message.code, seen[0].message.message, seen[0].message.info) == (0x2500, "gone", b"id")


def test_a_message_longer_than_its_length_field_is_cut() -> None:
    seen, _ = frames.split(response(4, 5, Opcode.ERROR, error_body(0, "x" * 100_000)))
    assert len(seen[0].message.message) == 65535


def test_supported_tells_empty_lists() -> None:
    seen, _ = frames.split(
        response(3, 1, Opcode.SUPPORTED, supported_body({"CQL_VERSION": ["3.4.4"], "COMPRESSION": []}))
    )
    assert seen[0].message.options == {"COMPRESSION": []}


def test_requests_and_responses_differ_by_the_top_bit() -> None:
    assert frame(4, 1, Opcode.OPTIONS)[0] == 4
    assert response(4, 1, Opcode.READY)[0] == 0x84
    assert len(response(4, 1, Opcode.READY)) == HEADER_BYTES
