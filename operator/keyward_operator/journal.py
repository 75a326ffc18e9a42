"""What the operator did for each key, and why: kept in memory for `keyward-operator explain`, and told as log lines.

Of each key the last looks that did something are kept, and the very last one. Bounded: the keys that were looked at
longest ago are forgotten first.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from keyward_operator import metrics
from keyward_operator.json_types import Json
from keyward_operator.keys import Key
from keyward_operator.plan.result import Happening

KEPT = 5
"""Looks that are kept of each key."""

KEYS = 5000
"""Keys of which looks are kept."""

CAUSES = 8
"""Causes that are remembered of a look; more happen where much changes at once."""

logger = logging.getLogger(__name__)


@dataclass(kw_only=True, slots=True)
class Look:
    """One time that a key was worked on."""

    began: datetime
    causes: list[str]
    steps: list[str] = field(default_factory=list)
    """What was done, in order."""

    error: str = ""
    """Why it failed; empty where it did not."""

    seconds: float = 0.0

    def to_json(self) -> Json:
        """For `explain`."""
        return {
            "time": self.began.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "seconds": round(self.seconds, 3),
            "causes": self.causes,
            "steps": self.steps,
            "error": self.error,
        }


class Journal:
    """The memory."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heard: dict[Key, list[str]] = {}
        self._looks: OrderedDict[Key, list[Look]] = OrderedDict()
        self._current: dict[Key, Look] = {}

    def heard(self, key: Key, cause: str) -> None:
        """Something happened that `key` will be looked at for."""
        causes = self._heard.setdefault(key, [])
        if cause not in causes and len(causes) < CAUSES:
            causes.append(cause)

    def pass_on(self, key: Key, to: Key) -> None:
        """What `key` is being worked on for, `to` will be looked at for, too."""
        look = self._current.get(key)
        for cause in look.causes if look else ():
            self.heard(to, cause)

    @contextmanager
    def look(self, key: Key) -> Iterator[None]:
        """Around the work on `key`."""
        begin = self._clock()
        look = Look(began=datetime.now(UTC), causes=self._heard.pop(key, []))
        self._current[key] = look
        try:
            yield
        except Exception as error:
            look.error = str(error) or type(error).__name__
            raise
        finally:
            look.seconds = self._clock() - begin
            outcome = "error" if look.error else "success"
            metrics.RECONCILES.labels(reconciler=key.RECONCILER, outcome=outcome).inc()
            metrics.RECONCILE_SECONDS.labels(reconciler=key.RECONCILER).observe(look.seconds)
            self._keep(key, self._current.pop(key))

    def did(self, key: Key, step: str) -> None:
        """A step was taken for `key`, which is being worked on."""
        look = self._current.get(key)
        if look is not None:
            look.steps.append(step)
        logger.info(step, extra={"key": key})

    def told(self, key: Key, happenings: Sequence[Happening]) -> None:
        """Events were written about `key`, which is being worked on."""
        for happening in happenings:
            self.did(key, f"told by an event: {happening.action} {happening.reason}: {happening.message}")

    def of(self, key: Key) -> list[Look]:
        """The looks that are kept, oldest first."""
        return list(self._looks.get(key, ()))

    def about(self, namespace: str, name: str) -> dict[str, list[Look]]:
        """The looks at an object, whatever its kind, and at its namespace, by the reconciler."""
        return {
            key.RECONCILER: list(looks)
            for key, looks in self._looks.items()
            if getattr(key, "namespace", None) == namespace and getattr(key, "name", name) == name
        }

    def _keep(self, key: Key, look: Look) -> None:
        kept = [old for old in self._looks.get(key, ()) if old.steps or old.error]
        self._looks[key] = [*kept[1 - KEPT :], look]
        self._looks.move_to_end(key)
        while len(self._looks) > KEYS:
            self._looks.popitem(last=False)
