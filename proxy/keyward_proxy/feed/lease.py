"""The operator's Lease (coordination.k8s.io/v1): whoever renews it is at work.

That it was renewed is known from its `renewTime` having changed since the last look, on this machine's own monotonic
clock; what that time says is never compared with a clock. But for the first look: an agent that starts while the
operator is away would otherwise take that moment for a sign of life. So until the Lease is seen to change it is taken
at its word where that makes it older: clocks that differ can make an agent too strict for a moment, never too
trusting. A Lease that cannot be read at first says nothing, and the agent counts from its start.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
import random
from collections.abc import AsyncIterator
from typing import Any, Protocol

from keyward_proxy.clock import Clock
from keyward_proxy.kubernetes_api import KubernetesAPI, KubernetesUnavailable

logger = logging.getLogger(__name__)

LOOK_SECONDS = 10.0
"""Between two looks; agents spread over two fifths of it. So much younger than it is may a sign of life seem."""

FIRST_LOOKS_SECONDS = 3.0
"""The same until the Lease was seen to change: an operator renews it every 2 s."""


class OperatorSigns(Protocol):
    """Where the operator's signs of life come from."""

    def ages(self) -> AsyncIterator[float]:
        """For each sign how long ago it was, in seconds, at the time when it is told. Never ends."""


class KubernetesLease:
    """The Lease in the cluster."""

    def __init__(self, api: KubernetesAPI, *, namespace: str, name: str, clock: Clock) -> None:
        self._api = api
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}"
        self._clock = clock

    async def ages(self) -> AsyncIterator[float]:
        """See `OperatorSigns.ages`."""
        seen: str | None = None
        changed = False
        while True:
            spec = await self._spec()
            renewed = str(spec.get("renewTime") or "") if spec is not None else seen
            if seen is None and renewed is not None:
                yield self._own_word(renewed)
            elif renewed != seen and spec and spec.get("holderIdentity"):
                changed = True
                yield 0.0
            seen = renewed
            pause = LOOK_SECONDS if changed else FIRST_LOOKS_SECONDS
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311  (to spread, not to hide)

    async def _spec(self) -> dict[str, Any] | None:
        """None where it cannot be read."""
        try:
            # From the API server's cache: that it is a moment old does no harm, and there may be thousands of agents.
            lease = await self._api.request("GET", self._path, parameters={"resourceVersion": "0"})
        except KubernetesUnavailable as error:
            logger.warning("operator's Lease not read", extra={"error": str(error)})
            return None
        return dict(lease.get("spec") or {})

    def _own_word(self, renewed: str) -> float:
        try:
            then = datetime.datetime.fromisoformat(renewed).timestamp()
        except ValueError:
            return 0.0
        return max(0.0, self._clock.wall() - then)
