"""Bytes that nobody meant: the scanners raise only their own errors and hold only what they may."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyward_proxy.wire import requests as read_requests
from keyward_proxy.wire import responses as read_responses
from keyward_proxy.wire.errors import ProtocolViolation, WireError
from keyward_proxy.wire.header import HEADER_BYTES, Opcode, frame
from keyward_proxy.wire.scanner import Frame, RequestScanner, ResponseScanner
from tests.fuzz.choices import pieces

CAP = 512
BODIES = st.binary(max_size=CAP)
STREAMS = st.integers(0, 0x7FFF)
REQUESTS = st.builds(frame, st.just(4), STREAMS, st.sampled_from(Opcode), BODIES)
ROWS = st.builds(lambda body: b"\0\0\0\2" + body, st.binary(max_size=4 * CAP))
RESPONSES = st.one_of(
    st.builds(frame, st.just(0x84), STREAMS, st.sampled_from(Opcode), BODIES),
    st.builds(frame, st.just(0x84), STREAMS, st.just(Opcode.RESULT), ROWS),
)
CUTS = st.lists(st.integers(1, 200), min_size=1, max_size=50)


@given(st.lists(REQUESTS, max_size=20), CUTS)
def test_torn_requests_are_the_same_requests(sent: list[bytes], cuts: list[int]) -> None:
    scanner = RequestScanner(maximum_body=CAP)
    found = [item for piece in pieces(b"".join(sent), cuts) for item in scanner.feed(piece)]
    assert [item.buffer[item.start : item.end] for item in found] == sent
    assert scanner.held_bytes == 0


@given(st.lists(RESPONSES, max_size=20), CUTS)
def test_torn_responses_are_the_same_bytes(sent: list[bytes], cuts: list[int]) -> None:
    scanner, told, ends = ResponseScanner(maximum_body=CAP, version=4), bytearray(), 0
    for piece in pieces(b"".join(sent), cuts):
        for item in scanner.feed(piece):
            told += item.buffer[item.start : item.end]
            ends += not item.missing
        assert scanner.held_bytes <= CAP + HEADER_BYTES
    assert (bytes(told), ends) == (b"".join(sent), len(sent))


@given(st.lists(st.binary(max_size=300), max_size=30))
def test_random_requests_hold_no_more_than_the_cap(reads: list[bytes]) -> None:
    scanner = RequestScanner(maximum_body=CAP)
    with contextlib.suppress(WireError):
        for read in reads:
            scanner.feed(read)
            assert scanner.held_bytes <= CAP + HEADER_BYTES


@given(st.lists(st.binary(max_size=300), max_size=30))
def test_random_responses_hold_no_more_than_the_cap(reads: list[bytes]) -> None:
    scanner = ResponseScanner(maximum_body=CAP, version=4)
    with contextlib.suppress(WireError):
        for read in reads:
            scanner.feed(b"\x84" + read)
            assert scanner.held_bytes <= CAP + HEADER_BYTES


def read_values(found: Frame) -> object:
    return read_requests.read_values(found, read_requests.read_query(found).parameters)


def read_rows(found: Frame) -> object:
    body = read_responses.message_body(found)
    return read_responses.read_result_kind(body), read_responses.read_row_count(body)


@pytest.mark.parametrize(
    "read",
    [
        read_requests.read_startup,
        read_requests.read_auth_response,
        read_requests.read_register,
        read_requests.read_query,
        read_requests.read_prepare,
        read_requests.read_execute,
        read_responses.read_error,
        read_responses.read_authenticate,
        read_responses.read_challenge,
        read_values,
        read_rows,
    ],
)
@given(body=BODIES, flags=st.sampled_from([0, 2, 4, 8, 14]))
def test_random_bodies_raise_nothing_but_violations(read: Callable[[Frame], object], body: bytes, flags: int) -> None:
    found = Frame(4, flags, 1, 7, b"\0" * HEADER_BYTES + body, 0, HEADER_BYTES + len(body))
    with contextlib.suppress(ProtocolViolation):
        read(found)
