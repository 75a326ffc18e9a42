"""The scanner of what Keyspaces sends: every byte told once and in order, whatever the reads, and little held."""

from __future__ import annotations

from collections.abc import Sequence

from keyward_proxy.wire.errors import WireError
from keyward_proxy.wire.header import HEADER, HEADER_BYTES, RESPONSE, VERSIONS
from keyward_proxy.wire.scanner import Frame, ResponseScanner
from tests.fuzz.choices import Choices, pieces
from tests.unit.proxy import frames

CAPS = (16, 64, 512, 4096, 65536)
KIND_BYTES = 4
"""Of a RESULT's body so many tell its kind; they may have to be waited for."""

Whole = tuple[tuple[int, int, int, int], bytes]
"""A frame's header without its length, and all its bytes."""


def run(data: bytes) -> None:
    """Scan the same bytes in few reads and in many.

    The cap is for what must be kept: a frame that lies wholly inside a read is told however long it is. Hence no
    read here is longer than the cap, as none is in the agent.
    """
    choices = Choices(data)
    version, cap, cuts = VERSIONS[choices.below(2)], CAPS[choices.below(len(CAPS))], choices.cuts()
    sent = choices.rest()
    whole, told, violation = scan(pieces(sent, [cap]), version, cap)
    torn, torn_told, torn_violation = scan(pieces(sent, [min(cut, cap) for cut in cuts]), version, cap)
    assert torn_violation == violation
    if violation is None:
        assert torn_told == told
        assert torn == whole
    # Of a read that breaks the protocol, the answers in front of the breach are not told.
    assert sent.startswith(torn_told)
    assert sent.startswith(told)
    shorter = min(len(whole), len(torn))
    assert torn[:shorter] == whole[:shorter]
    for (frame_version, flags, stream, opcode), raw in torn:
        assert raw.startswith(HEADER.pack(frame_version | RESPONSE, flags, stream, opcode, len(raw) - HEADER_BYTES)), (
            "a frame is not what its header says"
        )
        assert frame_version == version


def scan(reads: Sequence[bytes], version: int, cap: int) -> tuple[list[Whole], bytes, tuple[str, str, int] | None]:
    """Whole frames, every byte told, and how it ended."""
    scanner = ResponseScanner(maximum_body=cap, version=version)
    whole: list[Whole] = []
    told = bytearray()
    begun: Frame | None = None
    begun_at = 0
    for read in reads:
        try:
            found = scanner.feed(read)
        except WireError as error:
            return whole, bytes(told), (type(error).__name__, str(error), error.stream)
        assert scanner.held_bytes <= cap + HEADER_BYTES + KIND_BYTES
        for item in found:
            if isinstance(item, Frame):
                assert begun is None, "a frame inside another"
                begun, begun_at = item, len(told)
            told += item.buffer[item.start : item.end]
            if not item.missing:
                assert begun is not None, "the middle of no frame"
                whole.append(((begun.version, begun.flags, begun.stream, begun.opcode), bytes(told[begun_at:])))
                begun = None
    return whole, bytes(told), None


def seeds() -> list[bytes]:
    """A server's frames."""
    login = frames.authenticate("com.example.Authenticator") + frames.challenge(b"nonce=1") + frames.auth_success()
    work = frames.void(stream=1) + frames.rows(b"x" * 700, b"y", stream=2) + frames.set_keyspace("ks", stream=3)
    work += frames.prepared(b"0123456789abcdef", stream=4) + frames.error(0x2200, "no", stream=5)
    old = frames.rows(b"x" * 70, version=3)
    return [
        bytes([1, 3, 2, 8, 100, 3]) + login,
        bytes([1, 2, 0, 40]) + work,
        bytes([1, 4, 0, 255]) + work * 9,
        bytes([0, 1, 1, 5, 20]) + old,
    ]
