"""Everything, from time to time: what no event told of is found here, at the latest one period late.

kopf tells nothing of what vanished while a watch was broken. Where it lists again, a resync is asked for at once.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable

from keyward_api import names
from keyward_api.tenants import PlatformSettings
from keyward_operator import kinds
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.errors import OperatorError
from keyward_operator.journal import Journal
from keyward_operator.keys import AgentRoleKey, DatabaseKey, IAMRoleKey, Key, NamespaceKey, StrayRolesKey
from keyward_operator.queue.work_queue import Inlet, Priority
from keyward_operator.reconcile.orphans import Orphans
from keyward_operator.scope import Scope

JITTER = 0.1
"""The part of a period by which one may be longer or shorter."""

GATHERING = 2.0
"""Seconds without a request after which a resync begins: while watches begin, the objects that they list ask for it."""

GATHERING_LIMIT = 30.0
"""Seconds after which a resync begins, whatever is still requested."""

RETRY = 5.0
"""Seconds after a resync that failed."""

logger = logging.getLogger(__name__)


class Resync:
    """Adds the keys of all namespaces that hold something of ours, of databases that only children still name, and of
    all IAM roles."""

    def __init__(
        self,
        api: KubernetesApi,
        queue: Inlet[Key],
        journal: Journal,
        scope: Scope,
        *,
        settings: Callable[[], PlatformSettings],
        period: float,
    ) -> None:
        """`period` is in seconds."""
        self._api = api
        self._queue = queue
        self._journal = journal
        self._scope = scope
        self._orphans = Orphans(api, scope)
        self._settings = settings
        self._period = period
        self._requested = asyncio.Event()
        self._requested.set()  # the watches begin when we do

    def request(self) -> None:
        """Have a resync soon."""
        self._requested.set()

    async def run(self) -> None:
        """Resync once the watches have begun, and then once a period or when requested, until cancelled."""
        while True:
            await self._gather()
            delay = self._period * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - to spread, not to hide
            try:
                await self.once()
            except OperatorError as error:
                logger.warning("a resync failed, tried again in %.0f s: %s", RETRY, error)
                delay = RETRY
            await self._wait(delay)

    async def once(self) -> None:
        """Add all keys now. Raises ApiError."""
        databases: set[DatabaseKey] = set()
        roles: set[Key] = set()
        namespaces: set[str] = set()
        for kind in kinds.INPUTS:
            for where in self._scope.where(kind):
                async for metadata in self._api.pages_of_metadata(kind, namespace=where, label_selector=""):
                    namespaces.add(metadata["namespace"])
                    if kind is kinds.KEYSPACES_DATABASE:
                        databases.add(DatabaseKey(metadata["namespace"], metadata["name"]))
                        if names.AGENT_ROLE_FINALIZER in metadata.get("finalizers", ()):
                            roles.add(AgentRoleKey(metadata["namespace"], metadata["name"]))
                    elif kind is kinds.KEYSPACES_IAM_ROLE:
                        roles.add(IAMRoleKey(metadata["namespace"], metadata["name"]))
        gone = await self._orphans.owners() - databases
        keys: list[Key] = [*sorted(gone), *map(NamespaceKey, sorted(namespaces)), *sorted(roles, key=str)]
        if any(tenant.iam.mode == "Manage" for tenant in self._settings().tenants):
            keys.append(StrayRolesKey())
        for key in keys:
            self._journal.heard(key, "a resync")
            self._queue.add(key, Priority.LOW)
        logger.debug("asked for a look at %d namespaces with %d databases", len(namespaces), len(databases))

    async def _wait(self, delay: float) -> None:
        try:
            async with asyncio.timeout(delay):
                await self._requested.wait()
        except TimeoutError:
            pass  # the period is over

    async def _gather(self) -> None:
        """Wait until nothing more is requested: what a watch lists is looked at after it was listed, and once."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GATHERING_LIMIT):
                while self._requested.is_set():
                    self._requested.clear()
                    await asyncio.wait_for(self._requested.wait(), GATHERING)
