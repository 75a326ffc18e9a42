"""Turns that groups take: of each group one thing a turn.

Start-time fair queueing (Goyal, Vin, Cheng 1996), in which all things weigh the same.
"""

from collections.abc import Hashable

_SWEEP = 1024
"""Groups of which turns are remembered before those are forgotten that wait for nothing."""


class Turns:
    """Turns are numbers; a group that has waited for nothing begins with the present one."""

    def __init__(self) -> None:
        self._present = 0
        self._next: dict[Hashable, int] = {}

    def next(self, group: Hashable) -> int:
        """Give `group` its next turn."""
        turn = max(self._present, self._next.get(group, 0))
        self._next[group] = turn + 1
        if len(self._next) > _SWEEP:
            self._next = {known: after for known, after in self._next.items() if after > self._present}
        return turn

    def reached(self, turn: int) -> None:
        """Something was taken whose turn this is."""
        self._present = max(self._present, turn)
