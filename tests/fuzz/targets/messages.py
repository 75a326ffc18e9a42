"""The readers of messages: nothing but a violation is raised, nothing beyond the body is read, nothing large is made.

Where the Python driver understands the same bytes, it must have understood the same.
"""

from __future__ import annotations

import contextlib
import tracemalloc
from collections.abc import Callable
from typing import Any

from cassandra.protocol import ResultMessage

from keyward_proxy.wire import requests, responses
from keyward_proxy.wire.errors import ProtocolViolation
from keyward_proxy.wire.header import HEADER, HEADER_BYTES, Opcode
from keyward_proxy.wire.scanner import Frame
from tests.fuzz.choices import Choices
from tests.unit.proxy import frames

FLAGS = (0, 2, 4, 8, 14)
MEMORY_FACTOR = 80
"""Bytes that may be made for each that came: the many small objects of a list of bound values."""

MEMORY_BASE = 64 * 1024
MOST_ROWS = 1000
"""Beyond this the driver is not asked: it makes an object for each row that a server claims."""


def _values(frame: Frame) -> object:
    return requests.read_values(frame, requests.read_query(frame).parameters)


def _query(frame: Frame) -> object:
    query = requests.read_query(frame)
    at = query.parameters.consistency_at
    assert frame.start + HEADER_BYTES < at <= frame.end - 2
    assert int.from_bytes(frame.buffer[at : at + 2]) == query.parameters.consistency
    assert at < query.parameters.values_at <= frame.end
    return query


def _execute(frame: Frame) -> object:
    execute = requests.read_execute(frame)
    at = execute.parameters.consistency_at
    assert frame.start + HEADER_BYTES < at <= frame.end - 2
    return execute


def _rows(frame: Frame) -> int | None:
    body = responses.message_body(frame)
    if responses.read_result_kind(body) != responses.ResultKind.ROWS:
        return None
    return responses.read_row_count(body)


READERS: tuple[Callable[[Frame], object], ...] = (
    requests.read_startup,
    requests.read_auth_response,
    requests.read_register,
    _query,
    requests.read_prepare,
    _execute,
    _values,
    responses.read_error,
    responses.read_authenticate,
    responses.read_challenge,
    _rows,
)


def run(data: bytes) -> None:
    """Let one reader read a body that lies between other bytes."""
    choices = Choices(data)
    reader, version, flags = choices.below(len(READERS)), 3 + choices.below(2), FLAGS[choices.below(len(FLAGS))]
    measured, body = choices.below(32) == 0, choices.rest()
    buffer = b"\xaa" * 3 + HEADER.pack(version, flags, 1, 7, len(body)) + body
    frame = Frame(version, flags, 1, 7, buffer + b"\xbb" * 8, 3, len(buffer))
    found: Any = None
    if measured:
        tracemalloc.start()
    try:
        with contextlib.suppress(ProtocolViolation):
            found = READERS[reader](frame)
        if measured:
            assert tracemalloc.get_traced_memory()[1] <= MEMORY_BASE + MEMORY_FACTOR * len(body)
    finally:
        tracemalloc.stop()
    if READERS[reader] is _rows and isinstance(found, int):
        _agree_on_rows(version, flags, body, found)


def _agree_on_rows(version: int, flags: int, body: bytes, count: int) -> None:
    """The driver reads every value where we read the count: it may fail where we did not, but not differ."""
    if count > MOST_ROWS:
        return
    seen = frames.Seen(version=version | 0x80, flags=flags, stream=1, opcode=Opcode.RESULT, body=body)
    try:
        message = seen.message
    except Exception:
        return
    if isinstance(message, ResultMessage) and message.parsed_rows is not None:
        assert len(message.parsed_rows) == max(count, 0)


def seeds() -> list[bytes]:
    """Each reader's own kind of message, as drivers and servers make them."""
    made = {
        requests.read_startup: frames.startup(DRIVER_NAME="driver"),
        requests.read_auth_response: frames.auth_response(b"\0user\0token"),
        requests.read_register: frames.register(),
        _query: frames.query("SELECT a FROM b.c"),
        requests.read_prepare: frames.prepare("SELECT a FROM b.c"),
        _execute: frames.execute(b"0123456789abcdef", b"1"),
        _values: frames.query("SELECT a FROM b.c")[:-1] + b"\x01\0\2\0\0\0\1x\xff\xff\xff\xff",
        responses.read_error: frames.error(0x2200, "no"),
        responses.read_authenticate: frames.authenticate("com.example.Authenticator"),
        responses.read_challenge: frames.challenge(b"nonce=1"),
        _rows: frames.rows(b"x", b"y"),
    }
    return [bytes([READERS.index(reader), 1, 0, 1]) + frame[HEADER_BYTES:] for reader, frame in made.items()]
