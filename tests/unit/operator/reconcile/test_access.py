import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

import pytest

from keyward_operator.children import Child
from keyward_operator.clients.errors import ApiError, ForbiddenError
from keyward_operator.errors import OvertakenError
from keyward_operator.journal import Journal
from keyward_operator.keys import AccessKey, DatabaseKey, Key
from keyward_operator.plan.access.plan import StatusChange
from keyward_operator.plan.observed import Observed
from keyward_operator.plan.view import View
from keyward_operator.queue.work_queue import WorkQueue
from keyward_operator.reconcile.access import AccessReconciler
from keyward_operator.reconcile.databases import Views
from keyward_operator.reconcile.known import KnownAccess
from keyward_operator.reconcile.publisher import Publisher
from keyward_operator.reconcile.survey import Inputs, NamespaceWorld, Surveyor
from keyward_operator.reconcile.telling import Telling
from tests.unit.operator.builders import Json, lock, observed, role, settings, settled, user, view_for
from tests.unit.operator.plan.access.worlds import database, named, verdicts_of

ROLES, USERS = (named(role()),), (named(user()),)
LOCKS = (named(lock(target={"database": "orders"})),)
PLATFORM = settings()
SETTLED = settled(observed(roles=ROLES, users=USERS))
"""A world in which the lock is not known yet."""


class Cluster:
    """The API server and what reads it: for each namespace so many databases, each with a policy that is to change."""

    def __init__(self, databases: dict[str, int] | None = None) -> None:
        self.counts = databases or {"payments": 1}
        self.compiled: list[str] = []
        self.policies: list[str] = []
        self.statuses: dict[str, Json] = {}
        """What was left to be told, by the objects' names."""

        self.policy_errors: list[Exception] = []
        self.has_settled = False
        """Whether all policies are as they shall be, and all databases say so."""

        self.visits: list[str] = []
        """Databases whose policies were written, or found as they shall be."""

        self.versions: dict[str, str] = {}
        """Of databases."""

    async def survey_access(self, namespace: str) -> NamespaceWorld:
        inputs = Inputs(roles=ROLES, users=USERS, locks=LOCKS, iam_roles=())
        named = [f"orders-{number}" if number else "orders" for number in range(self.counts[namespace])]
        databases: dict[str, Json] = {name: database(name) for name in named}
        for name, version in self.versions.items():
            databases[name]["metadata"]["resourceVersion"] = version
        return NamespaceWorld(namespace=namespace, databases=databases, labels={}, inputs=inputs, children={}, pods={})

    async def database(self, world: NamespaceWorld, _: str) -> Observed:
        children = {Child.POLICY: SETTLED.children[Child.POLICY]}
        locks = () if self.has_settled else LOCKS
        return replace(SETTLED, children=children, locks=locks, namespace_labels={"name": world.namespace})

    async def of(self, seen: Observed, _: datetime) -> View:
        self.compiled.append(seen.namespace_labels["name"])
        await asyncio.sleep(0.002)
        return view_for(seen)

    def ticket(self) -> int:
        return 1

    def writes(self, _: DatabaseKey) -> int:
        return len(self.policies)

    async def publish(self, key: DatabaseKey, manifest: Json | None, **_: Any) -> None:
        if self.policy_errors:
            raise self.policy_errors.pop(0)
        self.visits.append(key.name)
        if manifest is not None:
            self.policies.append(str(key))

    async def begin(self, _: str) -> None:
        pass

    def leave(self, _: str, changes: Iterable[StatusChange]) -> None:
        self.statuses |= {change.reference.name: change.status for change in changes}


def made(cluster: Cluster, journal: Journal | None = None) -> tuple[AccessReconciler, WorkQueue[Key]]:
    queue: WorkQueue[Key] = WorkQueue()
    reconciler = AccessReconciler(
        queue,
        surveyor=cast(Surveyor, cluster),
        publisher=cast(Publisher, cluster),
        views=cast(Views, cluster),
        known=KnownAccess(cast(Publisher, cluster), settings=lambda: PLATFORM),
        telling=cast(Telling, cluster),
        journal=journal or Journal(),
    )
    return reconciler, queue


async def test_a_lock_is_in_force_once_its_policy_is_written() -> None:
    cluster = Cluster()
    reconciler, _ = made(cluster)
    await reconciler.reconcile(AccessKey("payments"))
    assert cluster.policies == ["KeyspacesDatabase payments/orders"]
    assert verdicts_of(cluster.statuses["incident"])["Ready"] == ("True", "Ready")


async def test_a_lock_is_not_in_force_while_its_policy_is_not_written() -> None:
    cluster = Cluster()
    cluster.policy_errors = [ForbiddenError("a quota", status=403)]
    reconciler, queue = made(cluster)
    await reconciler.reconcile(AccessKey("payments"))
    assert verdicts_of(cluster.statuses["incident"])["Ready"] == ("Unknown", "Pending")
    assert await queue.get() == DatabaseKey("payments", "orders"), "whose status tells why"


async def test_who_was_overtaken_says_nothing_and_looks_again_once_the_rest_is_written() -> None:
    cluster = Cluster({"payments": 3})
    cluster.policy_errors = [OvertakenError("somebody was faster")]
    reconciler, queue = made(cluster)
    assert await reconciler.reconcile(AccessKey("payments")) is None
    assert len(cluster.policies) == 2
    assert cluster.statuses.keys() <= {"orders", "orders-1", "orders-2"}, "nothing is told of users and locks"
    assert len(cluster.statuses) == 2, "but what was written"
    assert await queue.get() == AccessKey("payments")


async def test_who_looks_again_does_it_for_what_the_first_look_was_for() -> None:
    cluster, journal, key = Cluster(), Journal(), AccessKey("payments")
    cluster.policy_errors = [OvertakenError("somebody was faster")]
    reconciler, _ = made(cluster, journal)
    journal.heard(key, "app was added")
    for _ in range(2):
        with journal.look(key):
            await reconciler.reconcile(key)
    assert journal.of(key)[-1].causes == ["app was added", "somebody was faster"]


async def test_one_policy_that_cannot_be_written_keeps_no_other_waiting_and_is_tried_again() -> None:
    cluster = Cluster({"payments": 3})
    cluster.policy_errors = [ApiError("no answer", status=0)]
    reconciler, _ = made(cluster)
    with pytest.raises(ApiError, match="no answer"):
        await reconciler.reconcile(AccessKey("payments"))
    assert len(cluster.policies) == 2
    assert "app" in cluster.statuses, "all that is to be told is known"


async def test_the_next_look_reads_no_policy_that_nothing_is_new_for() -> None:
    cluster = Cluster({"payments": 3})
    cluster.has_settled = True
    reconciler, _ = made(cluster)
    await reconciler.reconcile(AccessKey("payments"))
    assert len(cluster.compiled) == 3
    told = dict(cluster.statuses)
    cluster.statuses.clear()
    await reconciler.reconcile(AccessKey("payments"))
    assert len(cluster.compiled) == 3
    assert cluster.statuses == told, "users and locks say the same"
    assert cluster.visits == ["orders", "orders-1", "orders-2"] * 2, "whoever read before may not write any more"
    cluster.versions["orders-1"] = "8"
    await reconciler.reconcile(AccessKey("payments"))
    assert len(cluster.compiled) == 4


async def test_who_was_overtaken_at_a_policy_that_it_knows_looks_again() -> None:
    cluster = Cluster()
    cluster.has_settled = True
    reconciler, queue = made(cluster)
    await reconciler.reconcile(AccessKey("payments"))
    cluster.policy_errors = [OvertakenError("somebody was faster")]
    await reconciler.reconcile(AccessKey("payments"))
    assert await queue.get() == AccessKey("payments")


async def test_a_namespace_with_many_databases_keeps_no_other_waiting() -> None:
    cluster = Cluster({"many": 50, "few": 1})
    reconciler, _ = made(cluster)
    async with asyncio.TaskGroup() as group:
        group.create_task(reconciler.reconcile(AccessKey("many")))
        group.create_task(reconciler.reconcile(AccessKey("few")))
    assert "few" in cluster.compiled[:25], "it does not wait for all of the other"
