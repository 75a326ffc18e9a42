"""How old the newest proof is that the policy in force is current, and what follows from it.

Two things are proven: by the API server that the policy is the newest that it has (`keyward_proxy.feed.watch`), and by
the Lease that the operator, who would have changed it, is at work (`keyward_proxy.feed.lease`). The older proof counts,
by this agent's own monotonic clock. An agent begins as though it had both at its start.

A stale agent stays ready: were all of them unready, clients would find nobody to tell them why, and those that are
served would lose the nodes that they know. docs/adr/0016-stale-policies.md says more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from keyward_api.resources.policy import PolicyDatabase
from keyward_proxy.clock import Clock
from keyward_proxy.health import NotReady
from keyward_proxy.metrics import Metrics
from keyward_proxy.session.staleness import REASON, Staleness

logger = logging.getLogger(__name__)


class PolicyAge:
    """Measures, and refuses logins and closes sessions as the database asks for."""

    def __init__(self, *, clock: Clock, metrics: Metrics, state: Staleness, close: Callable[[str], None]) -> None:
        """`state` is what sessions see; `close` ends all of them, for a reason."""
        self._clock = clock
        self._metrics = metrics
        self._state = state
        self._close = close
        self._closed = False
        self._policy_at = self._operator_at = clock.monotonic()

    def policy_is_current(self) -> None:
        """The API server said so, now."""
        self._policy_at = self._clock.monotonic()

    def operator_worked(self, seconds_ago: float) -> None:
        """The operator gave a sign of life then."""
        self._operator_at = self._clock.monotonic() - seconds_ago

    @property
    def seconds(self) -> float:
        """The age of the older proof."""
        return self._clock.monotonic() - min(self._policy_at, self._operator_at)

    def judge(self, database: PolicyDatabase) -> None:
        """Compare with what the database allows; to be called about every second."""
        age, limit = self.seconds, database.staleness.max_staleness_seconds
        was_stale, is_stale = self._state.refusal is not None, age > limit
        self._metrics.policy_age.set(age)
        self._metrics.policy_stale.set(is_stale)
        if not is_stale:
            self._state.refusal, self._closed = None, False
            if was_stale:
                logger.info("policy known to be current again")
            return
        self._state.refusal = self._words(database, limit)
        if not was_stale:
            logger.error("policy stale", extra={"onStale": database.staleness.on_stale, "why": self._state.refusal})
        if database.staleness.on_stale == "CloseAll" and not self._closed:
            self._closed = True
            self._close(self._state.refusal)

    def warnings(self) -> list[NotReady]:
        """For whoever asks for readiness."""
        return [NotReady(reason=REASON, message=self._state.refusal)] if self._state.refusal else []

    def _words(self, database: PolicyDatabase, limit: int) -> str:
        silent = "the API server" if self._policy_at < self._operator_at else "Keyward's operator"
        return (
            f"this agent of database {database.namespace}/{database.name} has heard nothing from {silent} for more "
            f"than {limit} s (`policy.maxStalenessSeconds`), so it cannot know whether access was taken away since: "
            "tell whoever runs the cluster, and try again later"
        )
