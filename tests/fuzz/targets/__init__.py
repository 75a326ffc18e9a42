"""What is fuzzed. Each module gives `run`, which fails on bytes that break a promise, and `seeds` to begin with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

NAMES = ("requests", "responses", "messages", "statements", "redaction", "credentials", "session")


class Target(Protocol):
    """A module of this package."""

    run: Callable[[bytes], None]
    """Fails, with whatever exception, where the bytes break a promise of the code."""

    seeds: Callable[[], Sequence[bytes]]
    """Inputs that reach deep, made of what real drivers send."""
