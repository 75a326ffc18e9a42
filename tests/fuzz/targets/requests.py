"""The scanner of what clients send: the same frames in whatever reads they come, no byte changed, no more held than the
cap allows."""

from __future__ import annotations

from collections.abc import Sequence

from keyward_proxy.wire.errors import WireError
from keyward_proxy.wire.header import HEADER, HEADER_BYTES, VERSIONS
from keyward_proxy.wire.scanner import Frame, RequestScanner
from tests.fuzz.choices import Choices, pieces
from tests.unit.proxy import frames

CAPS = (0, 8, 64, 512, 65536)
Told = tuple[list[tuple[Frame, bytes]], tuple[str, str, int] | None]


def run(data: bytes) -> None:
    """Scan the same bytes in one read and in many."""
    choices = Choices(data)
    version = (None, *VERSIONS)[choices.below(3)]
    cap, cuts = CAPS[choices.below(len(CAPS))], choices.cuts()
    sent = choices.rest()
    whole = scan([sent], version, cap)
    assert scan(pieces(sent, cuts), version, cap) == whole
    found, violation = whole
    told = b"".join(raw for _, raw in found)
    assert sent.startswith(told)
    for frame, raw in found:
        header = HEADER.pack(frame.version, frame.flags, frame.stream, frame.opcode, len(raw) - HEADER_BYTES)
        assert raw.startswith(header), "a frame is not what its header says"
        assert frame.version in VERSIONS
        assert version in (None, frame.version)
        assert frame.stream >= 0
        assert len(raw) - HEADER_BYTES <= cap
    if violation is None:
        assert len(sent) - len(told) < HEADER_BYTES + cap, "a whole frame was kept back"


def scan(reads: Sequence[bytes], version: int | None, cap: int) -> Told:
    """The frames with their bytes but without their places, and how it ended."""
    scanner = RequestScanner(maximum_body=cap)
    scanner.version = version
    found: list[tuple[Frame, bytes]] = []
    for read in reads:
        violation = None
        try:
            scanner.feed(read)
        except WireError as error:
            violation = (type(error).__name__, str(error), error.stream)
        found += [
            (frame._replace(buffer=b"", start=0, end=0), frame.buffer[frame.start : frame.end])
            for frame in scanner.scanned
        ]
        if violation:
            return found, violation
        assert scanner.held_bytes <= cap + HEADER_BYTES
    return found, None


def seeds() -> list[bytes]:
    """A driver's frames, each protocol version, one too new and one too old."""
    login = frames.options() + frames.startup() + frames.auth_response(b"\0user\0token")
    work = frames.query("SELECT a FROM b.c", stream=1) + frames.prepare("SELECT a FROM b.c", stream=2)
    work += frames.execute(b"0123456789abcdef", b"1", stream=3) + frames.batch("INSERT", "UPDATE", stream=4)
    old = frames.options(version=3) + frames.query("SELECT a FROM b.c", version=3)
    newer = b"\x05\0\0\0\x05\0\0\0\0"
    return [bytes([0, 4, 2, 8, 100, 3]) + sent for sent in (login, work, old, newer, b"\x02\0\7\5\0\0\0\0", work * 9)]
