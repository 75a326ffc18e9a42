"""A string that must not be printed.

Tokens travel from the wire to whoever verifies them inside this wrapper, so that a traceback, a log line or
the repr of a command cannot show one by accident. It does not protect against code that calls `reveal()`.
"""

from __future__ import annotations


class Secret:
    """Holds one credential; every way of printing it shows `<secret>`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The credential itself; call it only where it is verified or sent."""
        return self._value

    def __repr__(self) -> str:
        return "<secret>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "<secret>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not serialised")
