"""Frames found in reads."""

from __future__ import annotations

import pytest

from keyward_proxy.wire.errors import FrameTooLarge, ProtocolViolation, UnsupportedVersion
from keyward_proxy.wire.scanner import Frame, Piece, RequestScanner, ResponseScanner
from tests.unit.proxy import frames
from tests.unit.proxy.frames import query, rows

A, B, C = (query(f"SELECT {name} FROM k.t", stream=stream) for stream, name in enumerate("abc"))


def requests(maximum_body: int = 1000) -> RequestScanner:
    return RequestScanner(maximum_body=maximum_body)


def responses(maximum_body: int = 1000) -> ResponseScanner:
    return ResponseScanner(maximum_body=maximum_body, version=4)


def texts(found: list[Frame]) -> list[bytes]:
    return [frame.buffer[frame.start : frame.end] for frame in found]


def test_frames_inside_a_read_are_told_in_place() -> None:
    data = A + B + C
    found = requests().feed(data)
    assert texts(found) == [A, B, C]
    assert all(frame.buffer is data for frame in found)
    assert [frame.stream for frame in found] == [0, 1, 2]


def test_a_frame_cut_in_two_is_put_together_and_its_neighbours_are_not_copied() -> None:
    scanner, data = requests(), A + B + C
    first, second = data[: len(A) + 5], data[len(A) + 5 :]
    assert texts(scanner.feed(first)) == [A]
    assert scanner.held_bytes == 5
    found = scanner.feed(second)
    assert texts(found) == [B, C]
    assert found[1].buffer is second
    assert scanner.held_bytes == 0


@pytest.mark.parametrize("size", [1, 2, 3, 7, 9, 10, 50])
def test_reads_of_any_size_give_the_same_frames(size: int) -> None:
    scanner, data = requests(), A + B + C
    found = [frame for start in range(0, len(data), size) for frame in scanner.feed(data[start : start + size])]
    assert texts(found) == [A, B, C]


def test_a_body_over_the_cap_is_refused_before_any_of_it_is_kept() -> None:
    scanner = requests(maximum_body=20)
    with pytest.raises(FrameTooLarge, match="21 bytes; the limit here is 20") as caught:
        scanner.feed(bytes([4, 0, 0, 5, 7, 0, 0, 0, 21]))
    assert caught.value.stream == 5
    assert scanner.held_bytes == 0


def test_a_whole_frame_over_the_cap_is_refused_too() -> None:
    with pytest.raises(FrameTooLarge):
        requests(maximum_body=5).feed(A)


def test_the_cap_can_be_raised_once_a_login_is_complete() -> None:
    scanner = requests(maximum_body=5)
    scanner.maximum_body = 1000
    assert texts(scanner.feed(A)) == [A]


def test_what_is_held_is_never_more_than_the_cap_and_a_header() -> None:
    scanner = requests(maximum_body=500)
    header = bytes([4, 0, 0, 5, 7, 0, 0, 1, 0xF4])
    scanner.feed(header)
    for _ in range(499):
        scanner.feed(b"x")
        assert scanner.held_bytes <= 509
    assert len(scanner.feed(b"x")) == 1


def test_frames_before_a_wrong_one_are_told() -> None:
    scanner = requests()
    with pytest.raises(UnsupportedVersion):
        scanner.feed(A + B + b"\x05\0\0\x07\0")
    assert texts(scanner.scanned) == [A, B]


@pytest.mark.parametrize("head", [b"\x01\0\x07\x05", b"\x02", b"\x05\0\x01\x02", b"\x42\0\xff\xff"])
def test_an_unknown_version_is_answered_on_stream_0_where_gocql_2_looks(head: bytes) -> None:
    with pytest.raises(UnsupportedVersion) as caught:
        requests().feed(head)
    assert caught.value.stream == 0


def test_a_version_that_changes_is_a_violation() -> None:
    scanner = requests()
    scanner.version = 3
    with pytest.raises(ProtocolViolation, match="version 4 on a connection of version 3"):
        scanner.feed(A)


# Responses.


def test_whole_answers_are_told_whole() -> None:
    data = rows(b"x", stream=1) + frames.void(stream=2)
    found = responses().feed(data)
    assert [item.missing for item in found] == [0, 0]
    assert all(isinstance(item, Frame) for item in found)


@pytest.mark.parametrize("size", [1, 5, 9, 13, 14, 100, 1000])
def test_long_rows_are_told_in_pieces_and_nothing_of_them_is_held(size: int) -> None:
    scanner = responses(maximum_body=50)
    data = rows(b"v" * 5000, stream=1) + frames.void(stream=2) + rows(b"w" * 300, stream=3)
    told = bytearray()
    streams = []
    for start in range(0, len(data), size):
        for item in scanner.feed(data[start : start + size]):
            told += item.buffer[item.start : item.end]
            if isinstance(item, Frame):
                streams.append(item.stream)
        assert scanner.held_bytes <= 59
    assert bytes(told) == data
    assert streams == [1, 2, 3]


def test_anything_but_rows_is_waited_for() -> None:
    scanner, data = responses(), frames.set_keyspace("orders", stream=1)
    assert scanner.feed(data[:-1]) == []
    assert len(scanner.feed(data[-1:])) == 1


def test_rows_with_a_warning_in_front_are_waited_for() -> None:
    scanner = responses()
    data = rows(b"x", stream=1, flags=0x08, prefix=b"\0\1" + frames.string("slow"))
    assert scanner.feed(data[:-1]) == []


def test_the_last_piece_ends_the_frame() -> None:
    scanner, data = responses(), rows(b"x" * 100, stream=1)
    (begun,) = scanner.feed(data[:50])
    assert begun.missing == len(data) - 50
    (piece,) = scanner.feed(data[50:])
    assert isinstance(piece, Piece)
    assert piece.missing == 0


@pytest.mark.parametrize(
    "sent",
    [
        frames.void(version=3),
        b"\x04" + frames.void()[1:],
        frames.response(0x08, b"", flags=0x01),
        frames.response(0x08, b"", flags=0x10),
        bytes([0x84, 0, 0, 1, 8, 0xFF, 0, 0, 0]),
        bytes([0x84, 0, 0, 1, 3, 0, 1, 0, 0]),
    ],
)
def test_what_a_server_must_not_send_is_a_violation(sent: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        responses().feed(sent)
