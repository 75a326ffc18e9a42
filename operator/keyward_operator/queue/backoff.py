"""How long a key that failed waits: longer each time, never in step with others."""

import random
from collections.abc import Hashable
from dataclasses import dataclass, field


@dataclass(kw_only=True, slots=True)
class Backoff:
    """Exponential delays per key, with jitter."""

    base: float = 0.5
    """Seconds after the first failure."""

    limit: float = 300.0
    """Seconds at most."""

    jitter: float = 0.25
    """The part of a delay by which it may be shorter."""

    _failures: dict[Hashable, int] = field(default_factory=dict)

    def next(self, key: Hashable) -> float:
        """Count a failure of `key`; seconds until it shall be tried again."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        # 2**failures is cut off early, for after a thousand failures it is no float any more.
        delay = min(self.limit, self.base * 2 ** min(failures, 32))
        return float(delay * (1 - self.jitter * random.random()))  # noqa: S311 - to spread, not to hide

    def forget(self, key: Hashable) -> None:
        """`key` succeeded."""
        self._failures.pop(key, None)

    def failures(self, key: Hashable) -> int:
        """How often `key` failed in a row."""
        return self._failures.get(key, 0)
