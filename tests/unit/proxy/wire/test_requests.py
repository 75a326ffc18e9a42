"""Requests, as the Python driver encodes them."""

from __future__ import annotations

import struct

import pytest
from cassandra import ConsistencyLevel
from cassandra.protocol import _UNSET_VALUE
from cassandra.query import BatchType

from keyward_proxy.wire.errors import ProtocolViolation
from keyward_proxy.wire.requests import (
    Batch,
    BatchChild,
    BatchTooLarge,
    Values,
    auth_response_body,
    read_auth_response,
    read_batch,
    read_execute,
    read_prepare,
    read_query,
    read_register,
    read_startup,
    read_values,
    startup_body,
)
from keyward_proxy.wire.scanner import Frame, RequestScanner
from tests.unit.proxy import frames


def scanned(data: bytes) -> Frame:
    (frame,) = RequestScanner(maximum_body=1 << 20).feed(b"" + data)
    return frame


@pytest.mark.parametrize("version", [3, 4])
def test_a_query_s_text_and_level_are_found(version: int) -> None:
    data = frames.query("SELECT 1", version=version, consistency=ConsistencyLevel.TWO)
    read = read_query(scanned(data))
    assert read.text == b"SELECT 1"
    assert read.parameters.consistency == ConsistencyLevel.TWO
    at = read.parameters.consistency_at
    assert data[at : at + 2] == b"\0\2"


def test_a_custom_payload_stands_in_front() -> None:
    payload = {"a": b"\0\0\0\1x", "b": b"", "c": b"SELECT"}
    data = frames.query("SELECT 1", payload=payload, consistency=ConsistencyLevel.THREE)
    read = read_query(scanned(data))
    assert (read.text, read.parameters.consistency) == (b"SELECT 1", ConsistencyLevel.THREE)
    assert data[read.parameters.consistency_at :][:2] == b"\0\3"


@pytest.mark.parametrize("version", [3, 4])
def test_an_execute_s_id_level_and_values_are_found(version: int) -> None:
    frame = scanned(frames.execute(b"id", b"x", b"", version=version, consistency=ConsistencyLevel.ONE))
    read = read_execute(frame)
    assert (read.prepared_id, read.parameters.consistency) == (b"id", ConsistencyLevel.ONE)
    assert read_values(frame, read.parameters) == Values(positional=(b"x", b""))


def test_null_and_unset_values_are_none() -> None:
    body = struct.pack(">H", 2) + b"id" + b"\0\1\1" + struct.pack(">Hii", 2, -1, -2)
    frame = scanned(bytes([4, 0, 0, 0, 0x0A]) + struct.pack(">i", len(body)) + body)
    assert read_values(frame, read_execute(frame).parameters) == Values(positional=(None, None))


def test_named_values_are_told_by_name() -> None:
    body = struct.pack(">i", 1) + b"x" + b"\0\1\x41" + struct.pack(">H", 1) + frames.string("n") + struct.pack(">i", -1)
    frame = scanned(bytes([4, 0, 0, 0, 0x07]) + struct.pack(">i", len(body)) + body)
    assert read_values(frame, read_query(frame).parameters) == Values(named={"n": None})


def test_without_values_there_are_none() -> None:
    frame = scanned(frames.query("SELECT 1"))
    assert read_values(frame, read_query(frame).parameters) == Values()


def read(frame: Frame) -> Batch:
    return read_batch(frame, maximum_children=10, maximum_values=10)


@pytest.mark.parametrize("version", [3, 4])
def test_a_batch_is_read_child_by_child_and_its_values_skipped(version: int) -> None:
    frame = scanned(frames.batch("A", (b"id", (b"x", b"")), "B", version=version, kind=BatchType.UNLOGGED))
    batch = read(frame)
    assert batch.kind == "UNLOGGED "
    assert batch.children == (BatchChild(text=b"A"), BatchChild(prepared_id=b"id"), BatchChild(text=b"B"))
    at = batch.parameters.consistency_at
    assert frame.buffer[at : at + 2] == ConsistencyLevel.LOCAL_QUORUM.to_bytes(2)


def test_null_and_unset_values_of_a_batch_are_skipped_too() -> None:
    frame = scanned(frames.batch((b"id", (None, _UNSET_VALUE)), "B", (b"id", (_UNSET_VALUE, b"x")), "C"))  # type: ignore[arg-type]
    assert [child.text or child.prepared_id for child in read(frame).children] == [b"id", b"B", b"id", b"C"]


def test_too_much_in_a_batch_is_told_apart_from_nonsense() -> None:
    with pytest.raises(BatchTooLarge, match="a batch of 11 statements; at most 10"):
        read(scanned(frames.batch(*["A"] * 11)))
    with pytest.raises(BatchTooLarge, match="more than 10 values"):
        read(scanned(frames.batch(*[(b"id", (b"x",) * 6)] * 2)))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"\3\0\0\0\1\0", "batch type 3"),
        (b"\0\0\1\2", "kind 2 in a batch"),
        (b"\0\0\1\0\0\0\0\1A\0\1\0\0\0\2x", "2 bytes announced"),
        (b"\0\0\0\0\1\x40", "query flags 0x40"),
        (b"\0\xff", "2 bytes announced, 1 left"),
    ],
)
def test_a_batch_that_lies_is_a_violation(body: bytes, says: str) -> None:
    with pytest.raises(ProtocolViolation, match=says):
        read(scanned(bytes([4, 0, 0, 0, 0x0D]) + struct.pack(">i", len(body)) + body))


def test_the_other_requests() -> None:
    assert read_startup(scanned(frames.startup(A="b"))) == {"CQL_VERSION": "3.4.4", "A": "b"}
    assert read_auth_response(scanned(frames.auth_response(b"\0u\0p"))) == b"\0u\0p"
    assert read_prepare(scanned(frames.prepare("SELECT 1"))) == b"SELECT 1"
    assert read_register(scanned(frames.register())) == ["TOPOLOGY_CHANGE", "STATUS_CHANGE", "SCHEMA_CHANGE"]
    assert read_auth_response(scanned(bytes([4, 0, 0, 0, 15, 0, 0, 0, 4]) + b"\xff" * 4)) == b""


def test_what_is_written_is_what_is_read() -> None:
    options = {"CQL_VERSION": "3.4.4", "Ü": "é"}
    body = startup_body(options)
    assert read_startup(scanned(bytes([4, 0, 0, 0, 1]) + struct.pack(">i", len(body)) + body)) == options
    body = auth_response_body(b"token")
    assert read_auth_response(scanned(bytes([4, 0, 0, 0, 15]) + struct.pack(">i", len(body)) + body)) == b"token"


@pytest.mark.parametrize(
    ("opcode", "body", "says"),
    [
        (0x07, b"", "4 bytes announced, 0 left"),
        (0x07, struct.pack(">i", 9) + b"x", "9 bytes announced, 1 left"),
        (0x07, struct.pack(">i", -1) + b"xxxx", "-1 bytes announced"),
        (0x07, struct.pack(">i", 1) + b"x\0\1", "1 bytes announced, 0 left"),
        (0x07, struct.pack(">i", 1) + b"x\0\1\x80", "query flags 0x80"),
        (0x01, b"\0\1\0\1A\0\2\xff\xff", "not UTF-8"),
        (0x01, b"\0\x41" + b"\0" * 65 * 4, "65 entries"),
    ],
)
def test_a_body_that_lies_is_a_violation(opcode: int, body: bytes, says: str) -> None:
    frame = scanned(bytes([4, 0, 0, 0, opcode]) + struct.pack(">i", len(body)) + body)
    with pytest.raises(ProtocolViolation, match=says):
        (read_startup if opcode == 1 else read_query)(frame)
