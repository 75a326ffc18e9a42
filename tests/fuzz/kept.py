"""How many bytes of others' data an object keeps, wherever inside it they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def bytes_kept(root: object, *, beside: Iterable[object] = ()) -> int:
    """The length of all bytes and texts that `root` leads to, each counted once; `beside` is not entered."""
    seen = {id(value) for value in beside}
    waiting: list[Any] = [root]
    total = 0
    while waiting:
        value = waiting.pop()
        if id(value) in seen or isinstance(value, type | int | float | None):
            continue
        seen.add(id(value))
        if isinstance(value, bytes | bytearray | str):
            total += len(value)
        elif isinstance(value, memoryview):
            waiting.append(value.obj)
        elif isinstance(value, dict):
            waiting.extend(value)
            waiting.extend(value.values())
        elif isinstance(value, list | tuple | set | frozenset) or hasattr(value, "popleft"):
            waiting.extend(value)
        elif type(value).__module__.startswith("keyward"):
            waiting.extend(_attributes(value))
    return total


def _attributes(value: object) -> list[Any]:
    found = list(getattr(value, "__dict__", {}).values())
    for kind in type(value).__mro__:
        slots = getattr(kind, "__slots__", ())
        for name in [slots] if isinstance(slots, str) else slots:
            found.append(getattr(value, name, None))
    return found
