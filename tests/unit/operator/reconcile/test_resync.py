import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest

from keyward_api import names
from keyward_operator import kinds
from keyward_operator.clients.errors import ApiError
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.journal import Journal
from keyward_operator.keys import AgentRoleKey, DatabaseKey, IAMRoleKey, Key, NamespaceKey, StrayRolesKey
from keyward_operator.kinds import Kind
from keyward_operator.queue.work_queue import WorkQueue
from keyward_operator.reconcile import resync
from keyward_operator.reconcile.resync import Resync
from keyward_operator.scope import Scope
from tests.unit.operator.iam_roles import platform


class Lists:
    """Lists of metadata, as the API server gives them."""

    def __init__(self) -> None:
        self.asked = 0
        self.broken = False

    async def pages_of_metadata(
        self, kind: Kind, *, namespace: str | None, label_selector: str
    ) -> AsyncIterator[dict[str, Any]]:
        self.asked += kind is kinds.KEYSPACES_DATABASE
        for metadata in self._found(kind, namespace):
            yield metadata

    def _found(self, kind: Kind, namespace: str | None) -> list[dict[str, Any]]:
        if self.broken:
            raise ApiError("no answer", status=0)
        if kind is kinds.KEYSPACES_DATABASE:
            managed = {"namespace": "payments", "name": "managed", "finalizers": [names.AGENT_ROLE_FINALIZER]}
            return [{"namespace": "payments", "name": "orders"}, managed]
        if kind is kinds.KEYSPACES_USER:
            return [{"namespace": "early", "name": "before-the-database"}]
        if kind is kinds.KEYSPACES_IAM_ROLE:
            return [{"namespace": "payments", "name": "reader"}]
        if kind is kinds.SECRET:
            assert namespace == "keyward-agents"
            labels = {names.LABEL_OWNER_NAMESPACE: "gone", names.LABEL_OWNER_NAME: "db"}
            ours = {names.LABEL_OWNER_NAMESPACE: "payments", names.LABEL_OWNER_NAME: "orders"}
            return [{"namespace": namespace, "labels": labels}, {"namespace": namespace, "labels": ours}]
        if kind is kinds.SERVICE:
            assert namespace is None
            forged = {names.LABEL_OWNER_NAMESPACE: "payments", names.LABEL_OWNER_NAME: "forged"}
            nobodys = {names.LABEL_MANAGED_BY: "keyward-operator"}
            return [{"namespace": "mallory", "labels": forged}, {"namespace": "payments", "labels": nobodys}]
        return []


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resync, "GATHERING", 0.0)
    monkeypatch.setattr(resync, "RETRY", 0.01)


async def run(made: Resync, until: Callable[[], bool], *, request: bool = False) -> None:
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        running = group.create_task(made.run())
        while not until():
            if request:
                made.request()
            await asyncio.sleep(0.001)
        running.cancel()


def resync_of(lists: Lists, queue: WorkQueue[Key], period: float, mode: str = "Manage") -> Resync:
    scope = Scope(operator_namespace="keyward-system", agents_namespace="keyward-agents")
    return Resync(cast(KubernetesApi, lists), queue, Journal(), scope, settings=lambda: platform(mode), period=period)


@pytest.mark.usefixtures("quick")
async def test_it_adds_namespaces_iam_roles_and_databases_that_only_children_name_at_once() -> None:
    queue: WorkQueue[Key] = WorkQueue()
    await run(resync_of(Lists(), queue, 3600, mode="Verify"), lambda: len(queue) == 5)
    expected = {
        *(NamespaceKey("payments"), NamespaceKey("early"), DatabaseKey("gone", "db")),
        *(IAMRoleKey("payments", "reader"), AgentRoleKey("payments", "managed")),
    }
    assert {await queue.get() for _ in range(5)} == expected


@pytest.mark.usefixtures("quick")
async def test_roles_whose_objects_are_gone_are_looked_for_where_the_operator_makes_roles() -> None:
    queue: WorkQueue[Key] = WorkQueue()
    await run(resync_of(Lists(), queue, 3600), lambda: len(queue) == 6)
    assert StrayRolesKey() in {await queue.get() for _ in range(6)}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("period", "request_it"), [(0.01, False), (3600.0, True)])
async def test_it_comes_again_after_a_period_or_when_requested(period: float, request_it: bool) -> None:
    lists = Lists()
    await run(resync_of(lists, WorkQueue(), period), lambda: lists.asked >= 3, request=request_it)


@pytest.mark.usefixtures("quick")
async def test_a_failure_is_tried_again_soon() -> None:
    lists = Lists()
    lists.broken = True
    await run(resync_of(lists, WorkQueue(), 3600), lambda: lists.asked >= 3)


async def test_while_watches_begin_it_waits_until_they_have_listed_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resync, "GATHERING", 0.2)
    lists = Lists()
    made = resync_of(lists, WorkQueue(), 3600)

    async def requests() -> None:
        for _ in range(20):
            made.request()
            await asyncio.sleep(0.02)
            assert lists.asked == 0

    async with asyncio.TaskGroup() as group:
        group.create_task(requests())
        group.create_task(run(made, lambda: lists.asked == 1))
