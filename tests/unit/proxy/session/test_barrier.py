"""What waits for a USE."""

from __future__ import annotations

from keyward_proxy.cql.reader import read
from keyward_proxy.session.barrier import Barrier
from keyward_proxy.session.settings import MAXIMUM_HELD_BYTES
from keyward_proxy.wire.scanner import Frame

READ = b"x" * 5000


def frame(stream: int, size: int = 100) -> Frame:
    return Frame(4, 0, stream, 7, READ, 10, 10 + size)


def test_frames_leave_in_order_and_one_may_be_put_back() -> None:
    barrier = Barrier()
    for stream in (1, 2, 3):
        barrier.hold(frame(stream), float(stream))
    first, received, nothing = barrier.take()
    assert (first.stream, received, nothing, barrier.holds(1), barrier.holds(2)) == (1, 1.0, None, False, True)
    reading = read("USE orders", None)
    barrier.put_back(first, received, reading)
    assert [(held.frame.stream, held.reading) for held in (barrier.take() for _ in range(3))] == [
        (1, reading),
        (2, None),
        (3, None),
    ]
    assert not barrier


def test_a_held_frame_lets_its_read_go() -> None:
    barrier = Barrier()
    barrier.hold(frame(1), 0.0)
    held = barrier.take().frame
    assert held.buffer == READ[10:110]
    assert (held.start, held.end) == (0, 100)


def test_what_is_held_is_bounded_and_room_comes_back() -> None:
    barrier, count = Barrier(), 0
    while barrier.has_room(frame(count)):
        barrier.hold(frame(count), 0.0)
        count += 1
    assert count == MAXIMUM_HELD_BYTES // 400
    barrier.take()
    assert barrier.has_room(frame(count))
