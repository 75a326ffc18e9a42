"""The operator's reconcilers in the test's own process, which can end at any request.

There are no watches, no clock and no Lease: everything is looked at, as a resync does, one key after the other, until a
look writes nothing. What decides is the same: the keys that a resync adds, the reconcilers, the requests.
"""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from keyward_api import names
from keyward_api.names import FieldManager
from keyward_api.tenants import PlatformSettings
from keyward_operator import kinds
from keyward_operator.clients.connection import Connection
from keyward_operator.clients.iam_api import IamApi
from keyward_operator.clients.kubernetes_api import KubernetesApi, Request
from keyward_operator.errors import OperatorError
from keyward_operator.journal import Journal
from keyward_operator.keys import AccessKey, Key
from keyward_operator.queue.work_queue import Priority, WorkQueue
from keyward_operator.reconcile.observe import read_cluster
from keyward_operator.reconcile.reconcilers import Reconcilers, build
from keyward_operator.reconcile.resync import Resync
from keyward_operator.scope import Scope
from tests.integration.operator.convergence.death import Death, Server
from tests.integration.operator.convergence.mortal_iam import MortalIam
from tests.integration.operator.installation import SETTINGS

LOOKS = 15
"""A world is settled after so many looks, or it never is."""

_READS = ("get", "list")

Json = dict[str, Any]


class MortalApi(KubernetesApi):
    """The real client, in a process that may end."""

    death: Death | None = None
    before_policies: list[Callable[[], Awaitable[None]]]
    """What happens just before the next write of a policy is sent, last one first."""

    async def _request(self, request: Request) -> Json:
        is_policy = (request.verb, request.kind) == ("apply", kinds.KEYSPACES_POLICY.kind)
        if self.before_policies and is_policy:
            await self.before_policies.pop()()
        send = partial(super()._request, request)
        if self.death is None:
            return await send()
        # To end at an event leaves the same as to end at what is written next: one that is lost is lost.
        is_write = request.verb not in _READS and request.kind != kinds.EVENT.kind
        return await self.death.meet(send, Server.KUBERNETES, is_write=is_write)


class Innermost:
    """Where reconcilers put keys in: the queue of the look that runs, of two that began last."""

    def __init__(self) -> None:
        self.queues: list[WorkQueue[Key]] = []

    def add(self, key: Key, priority: Priority = Priority.NORMAL) -> None:
        """Have `key` worked on."""
        self.queues[-1].add(key, priority)

    def add_after(self, key: Key, delay: float, priority: Priority = Priority.NORMAL) -> None:
        """Have `key` worked on later."""
        self.queues[-1].add_after(key, delay, priority)


class Operator:
    """A fresh operator: of what another one knew it knows nothing."""

    def __init__(
        self,
        connection: Connection,
        namespace: str,
        death: Death | None = None,
        *,
        iam: MortalIam | None = None,
        settings: Json = SETTINGS,
    ) -> None:
        """Works in one tenant's namespace; without `iam` the settings must keep it out of IAM."""
        self.writes = 0
        self.delays: dict[Key, float] = {}
        """What the last look asked to be looked at again without an event, and in how many seconds."""

        self._namespace = namespace
        self._settings = PlatformSettings.model_validate(copy.deepcopy(settings))
        self._innermost = Innermost()
        self._reconcilers: Reconcilers | None = None
        self.api = MortalApi(connection, field_manager=FieldManager.DATABASE, on_write=self._on_write)
        self.api.death = death
        self.api.before_policies = []
        self._iam = iam.of_another_process(death, on_write=self._on_write) if iam else IamApi(environment={})
        self._scope = Scope(
            operator_namespace=names.SYSTEM_NAMESPACE,
            agents_namespace=names.AGENTS_NAMESPACE,
            namespaces=(namespace,),
        )

    async def __aenter__(self) -> Operator:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.api.__aexit__(None, None, None)

    async def look(self) -> None:
        """Look at everything once. Raises DiedError, or OperatorError where something failed."""
        queue: WorkQueue[Key] = WorkQueue()
        await Resync(self.api, queue, Journal(), self._scope, settings=self._current_settings, period=1.0).once()
        await self._work(queue)

    async def look_at(self, *keys: Key) -> None:
        """Look at these once, as after events about them, and at what follows."""
        queue: WorkQueue[Key] = WorkQueue()
        for key in keys:
            queue.add(key)
        await self._work(queue)

    async def look_at_access(self) -> None:
        """Look at what roles, users and locks come to."""
        await self.look_at(AccessKey(self._namespace))

    async def _work(self, queue: WorkQueue[Key]) -> None:
        reconcilers = await self._built()
        self.delays.clear()
        self._innermost.queues.append(queue)
        try:
            while len(queue):
                key = await queue.get()
                delay = await reconcilers.reconcile(key)
                self.delays.pop(key, None)
                if delay is not None:
                    self.delays[key] = delay
                queue.done(key)
        finally:
            self._innermost.queues.remove(queue)
            queue.close()

    async def _built(self) -> Reconcilers:
        if self._reconcilers is None:
            self._reconcilers = build(
                self.api,
                self._iam,
                self._innermost,
                Journal(),
                self._scope,
                cluster=await read_cluster(self.api),
                settings=self._current_settings,
                instance="test",
            )
        return self._reconcilers

    async def settle(self, *keys: Key) -> None:
        """Look at these, without any at everything, until a look writes nothing."""
        trouble = "it still writes"
        for _ in range(LOOKS):
            before = self.writes
            try:
                await (self.look_at(*keys) if keys else self.look())
            except OperatorError as error:
                trouble = str(error)
                continue  # the key would be tried again: so it is here
            if self.writes == before:
                return
        raise AssertionError(f"not settled after {LOOKS} looks: {trouble}")

    def _current_settings(self) -> PlatformSettings:
        return self._settings

    def _on_write(self, kind: str, verb: str) -> None:
        self.writes += 1
