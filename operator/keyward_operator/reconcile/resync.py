"""Everything, from time to time: what no event told of is found here, at the latest one period late.

kopf tells nothing of what vanished while a watch was broken. Where it lists again, a resync is asked for at once.
"""

import asyncio
import logging
import random

from keyward_operator import kinds
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.errors import OperatorError
from keyward_operator.keys import DatabaseKey, Key
from keyward_operator.queue.work_queue import Priority, WorkQueue
from keyward_operator.reconcile.orphans import Orphans

JITTER = 0.1
"""The part of a period by which one may be longer or shorter."""

GATHERING = 1.0
"""Seconds in which several requests for a resync become one."""

RETRY = 5.0
"""Seconds after a resync that failed."""

logger = logging.getLogger(__name__)


class Resync:
    """Adds the keys of all databases, and of all that children still name as their owners."""

    def __init__(self, api: KubernetesApi, queue: WorkQueue[Key], *, agents_namespace: str, period: float) -> None:
        self._api = api
        self._queue = queue
        self._orphans = Orphans(api, agents_namespace=agents_namespace)
        self._period = period
        self._requested = asyncio.Event()

    def request(self) -> None:
        """Have a resync soon."""
        self._requested.set()

    async def run(self) -> None:
        """Resync at once, and then once a period or when requested, until cancelled."""
        while True:
            delay = self._period * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - to spread, not to hide
            try:
                await self._once()
            except OperatorError as error:
                logger.warning("a resync failed, tried again in %.0f s: %s", RETRY, error)
                delay = RETRY
            await self._wait(delay)

    async def _once(self) -> None:
        databases = await self._api.list_metadata(kinds.KEYSPACES_DATABASE, label_selector="")
        known = {DatabaseKey(item["metadata"]["namespace"], item["metadata"]["name"]) for item in databases}
        for key in sorted(known | await self._orphans.owners()):
            self._queue.add(key, Priority.LOW)
        logger.debug("asked for a look at %d databases", len(known))

    async def _wait(self, delay: float) -> None:
        try:
            async with asyncio.timeout(delay):
                await self._requested.wait()
                await asyncio.sleep(GATHERING)
        except TimeoutError:
            pass  # the period is over
        self._requested.clear()
