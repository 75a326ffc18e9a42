"""Requests that wait for a USE: their order, and a bound on what they take."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from keyward_proxy.cql.statement import Reading
from keyward_proxy.session.settings import MAXIMUM_HELD_BYTES
from keyward_proxy.wire.scanner import Frame

_ENTRY_BYTES = 300
"""About what a waiting request costs beside its frame."""


class Held(NamedTuple):
    """One of them."""

    frame: Frame
    received: float
    reading: Reading | None = None


class Barrier:
    """Frames held back, each with the monotonic time at which it came, and what its text says where that was read."""

    def __init__(self) -> None:
        self._frames: deque[Held] = deque()
        self._streams: set[int] = set()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._frames)

    def holds(self, stream: int) -> bool:
        """Whether a request on this stream waits."""
        return stream in self._streams

    def has_room(self, frame: Frame) -> bool:
        """Whether `frame` may still be held."""
        return self._bytes + _cost(frame) <= MAXIMUM_HELD_BYTES

    def hold(self, frame: Frame, received: float) -> None:
        """Let a frame wait behind the others."""
        self._frames.append(Held(self._keep(frame), received))

    def put_back(self, frame: Frame, received: float, reading: Reading) -> None:
        """Let a frame wait in front of the others; its text need not be read again."""
        self._frames.appendleft(Held(self._keep(frame), received, reading))

    def take(self) -> Held:
        """The frame that waited for longest. There must be one."""
        held = self._frames.popleft()
        self._streams.discard(held.frame.stream)
        self._bytes -= _cost(held.frame)
        return held

    def _keep(self, frame: Frame) -> Frame:
        """The frame in a buffer of its own, so that the read it came in can go."""
        self._streams.add(frame.stream)
        self._bytes += _cost(frame)
        return frame._replace(buffer=frame.buffer[frame.start : frame.end], start=0, end=frame.end - frame.start)


def _cost(frame: Frame) -> int:
    return _ENTRY_BYTES + frame.end - frame.start
