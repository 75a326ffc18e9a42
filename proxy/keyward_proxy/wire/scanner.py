"""Finds the frames in what a socket returned, without copying them.

A read is scanned in one go. Frames that lie wholly inside it are told by their positions in it, so that a run of
them can be forwarded as one slice. Only a frame that crosses a read's end is put together from its pieces, once.
Lengths are checked on the header, before a byte of the body is kept.

`RequestScanner` tells of whole frames only, because a request is decided as a whole. `ResponseScanner` passes the
pieces of a long RESULT Rows on as they come, so that no page of rows is ever held.
"""

from __future__ import annotations

from typing import NamedTuple

from keyward_proxy.wire.errors import FrameTooLarge, ProtocolViolation, UnsupportedVersion
from keyward_proxy.wire.header import HEADER, HEADER_BYTES, RESPONSE, VERSIONS, Flag, Opcode

_KIND_BYTES = HEADER_BYTES + 4
_ROWS = b"\x00\x00\x00\x02"
_REQUEST_FLAGS = {3: Flag.TRACING, 4: Flag.TRACING | Flag.CUSTOM_PAYLOAD}
_RESPONSE_FLAGS = Flag.TRACING | Flag.CUSTOM_PAYLOAD | Flag.WARNING


class Frame(NamedTuple):
    """A frame inside `buffer`, or the beginning of one where `missing` is not 0."""

    version: int
    """3 or 4; the direction bit is removed."""

    flags: int
    stream: int
    opcode: int
    buffer: bytes
    start: int
    """Where the header begins."""

    end: int
    missing: int = 0
    """Bytes of the body that are still to come, as `Piece`."""

    def __repr__(self) -> str:
        """Without the bytes, which may hold a token."""
        return f"Frame(stream={self.stream}, opcode=0x{self.opcode:02x}, {self.end - self.start} bytes)"


class Piece(NamedTuple):
    """The next bytes of a frame that was told as a beginning."""

    buffer: bytes
    start: int
    end: int
    missing: int
    """Bytes still to come; 0 ends the frame."""

    def __repr__(self) -> str:
        """Without the bytes, which are somebody's data."""
        return f"Piece({self.end - self.start} bytes, {self.missing} missing)"


class _Scanner:
    """What both directions share: holding the frame that a read cut in two."""

    def __init__(self, *, maximum_body: int) -> None:
        self.maximum_body = maximum_body
        """Longest body accepted, in bytes; may be raised once a login is complete."""

        self.version: int | None = None
        """Set once the connection's version is fixed: any other is a violation from then on."""

        self._held = bytearray()
        self._wanted = HEADER_BYTES

    @property
    def held_bytes(self) -> int:
        """Bytes of an unfinished frame that are kept; never more than the cap and a header."""
        return len(self._held)

    def _hold(self, piece: bytes, wanted: int) -> None:
        self._held += piece
        self._wanted = wanted

    def _complete(self, data: bytes) -> tuple[bytes, int]:
        """Add of `data` what the held bytes want; return them joined and how much of `data` was used.

        Returns no bytes when `data` was not enough.
        """
        used = self._wanted - len(self._held)
        if used > len(data):
            self._hold(data, self._wanted)
            return b"", len(data)
        self._held += data[:used]
        joined = bytes(self._held)
        self._held = bytearray()
        return joined, used

    def _check_length(self, length: int, stream: int) -> None:
        if length < 0:
            raise ProtocolViolation(f"a frame announces a body of {length} bytes", stream=stream)
        if length > self.maximum_body:
            raise FrameTooLarge(
                f"a frame announces a body of {length} bytes; the limit here is {self.maximum_body}",
                stream=stream,
            )


class RequestScanner(_Scanner):
    """Scans what a client sends."""

    def __init__(self, *, maximum_body: int) -> None:
        super().__init__(maximum_body=maximum_body)
        self.scanned: list[Frame] = []
        """What the latest `feed` found, also when it raised: the frames before the one that is wrong."""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes, in order.

        Raises `UnsupportedVersion` and `ProtocolViolation`, carrying a stream to answer on.
        """
        self.scanned = []
        position = 0
        while self._held and position < len(data):
            joined, used = self._complete(data[position:] if position else data)
            position += used
            if joined:
                self._scan(joined, 0)
        if position < len(data):
            self._scan(data, position)
        return self.scanned

    def _scan(self, buffer: bytes, position: int) -> None:
        size = len(buffer)
        unpack = HEADER.unpack_from
        append = self.scanned.append
        while position < size:
            if size - position < HEADER_BYTES:
                self._check_version(buffer, position)
                self._hold(buffer[position:], HEADER_BYTES)
                return
            version, flags, stream, opcode, length = unpack(buffer, position)
            if version != self.version or flags or length > self.maximum_body or length < 0 or stream < 0:
                self._check_version(buffer, position)
                self._check_rest(version, flags, stream)
                self._check_length(length, stream)
            end = position + HEADER_BYTES + length
            if end > size:
                self._hold(buffer[position:], HEADER_BYTES + length)
                return
            append(Frame(version, flags, stream, opcode, buffer, position, end))
            position = end

    def _check_version(self, buffer: bytes, position: int) -> None:
        version = buffer[position]
        if version in VERSIONS:
            return
        if version & RESPONSE and version & ~RESPONSE in VERSIONS:
            raise ProtocolViolation("a client sent a response frame")
        raise UnsupportedVersion(version)

    def _check_rest(self, version: int, flags: int, stream: int) -> None:
        if self.version is not None and version != self.version:
            raise ProtocolViolation(
                f"a frame of protocol version {version} on a connection of version {self.version}", stream=stream
            )
        if stream < 0:
            raise ProtocolViolation(f"a request carries the stream id {stream}; it must not be negative")
        if flags & Flag.COMPRESSED:
            raise ProtocolViolation("a compressed frame, but no compression was offered", stream=stream)
        if flags & ~_REQUEST_FLAGS[version]:
            raise ProtocolViolation(
                f"header flags 0x{flags:02x} in a request of protocol version {version}", stream=stream
            )


class ResponseScanner(_Scanner):
    """Scans what a server sends."""

    def __init__(self, *, maximum_body: int, version: int) -> None:
        super().__init__(maximum_body=maximum_body)
        self.version = version
        self._missing = 0

    def feed(self, data: bytes) -> list[Frame | Piece]:
        """The frames and pieces that `data` holds, in order. Raises `ProtocolViolation`."""
        found: list[Frame | Piece] = []
        position = 0
        while self._held and position < len(data):
            joined, used = self._complete(data[position:] if position else data)
            position += used
            if joined:
                self._scan(joined, 0, found)
        if self._missing and position < len(data):
            end = min(len(data), position + self._missing)
            self._missing -= end - position
            found.append(Piece(data, position, end, self._missing))
            position = end
        if position < len(data):
            self._scan(data, position, found)
        return found

    def _scan(self, buffer: bytes, position: int, found: list[Frame | Piece]) -> None:
        size = len(buffer)
        unpack = HEADER.unpack_from
        expected = (self.version or 0) | RESPONSE
        while position < size:
            if size - position < HEADER_BYTES:
                self._hold(buffer[position:], HEADER_BYTES)
                return
            version, flags, stream, opcode, length = unpack(buffer, position)
            if version != expected or flags & ~_RESPONSE_FLAGS:
                raise ProtocolViolation(
                    f"a response of version byte 0x{version:02x} and flags 0x{flags:02x}; expected 0x{expected:02x}",
                    stream=stream,
                )
            end = position + HEADER_BYTES + length
            if end <= size and length >= 0:
                found.append(Frame(version & ~RESPONSE, flags, stream, opcode, buffer, position, end))
                position = end
                continue
            if opcode == Opcode.RESULT and not flags and length >= len(_ROWS):
                if size - position < _KIND_BYTES:
                    self._hold(buffer[position:], _KIND_BYTES)
                    return
                if buffer[position + HEADER_BYTES : position + _KIND_BYTES] == _ROWS:
                    self._missing = end - size
                    found.append(Frame(version & ~RESPONSE, 0, stream, opcode, buffer, position, size, self._missing))
                    return
            self._check_length(length, stream)
            self._hold(buffer[position:], HEADER_BYTES + length)
            return
