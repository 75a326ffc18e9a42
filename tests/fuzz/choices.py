"""A fuzzer's bytes, spent as choices: what is left over at the end counts as zeros, so that any bytes are an input."""

from __future__ import annotations


class Choices:
    """Takes choices off the front of some bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def __bool__(self) -> bool:
        """Whether there is anything left."""
        return self._position < len(self._data)

    def take(self, count: int) -> bytes:
        """The next bytes, fewer at the end."""
        start = self._position
        self._position = min(len(self._data), start + count)
        return self._data[start : self._position]

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._data))

    def below(self, limit: int) -> int:
        """A number from 0 to `limit` - 1; takes one byte, or two where one cannot tell that many."""
        return int.from_bytes(self.take(1 if limit <= 256 else 2)) % limit

    def chance(self) -> bool:
        """Yes or no."""
        return bool(self.below(2))

    def string(self) -> bytes:
        """Up to 255 bytes, its length first."""
        return self.take(self.below(256))

    def cuts(self) -> list[int]:
        """Sizes of reads: one to four of 1 to 256 bytes."""
        return [1 + self.below(256) for _ in range(1 + self.below(4))]


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """`data` in reads of these sizes, again and again."""
    found, position, turn = [], 0, 0
    while position < len(data):
        found.append(data[position : position + cuts[turn % len(cuts)]])
        position += cuts[turn % len(cuts)]
        turn += 1
    return found
