"""Makes a failing text short."""

from __future__ import annotations

from collections.abc import Callable


def shrink(text: str, fails: Callable[[str], bool]) -> str:
    """The shortest text found by cutting pieces out of `text` that still fails."""
    length = max(1, len(text) // 2)
    while True:
        place, shorter = 0, False
        while place < len(text):
            candidate = text[:place] + text[place + length :]
            if fails(candidate):
                text, shorter = candidate, True
            else:
                place += length
        if length > 1:
            length //= 2
        elif not shorter:
            return text
