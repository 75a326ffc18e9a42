import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from keyward_api import names
from keyward_operator import kinds
from keyward_operator.clients.errors import ApiError
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.keys import DatabaseKey, Key
from keyward_operator.kinds import Kind
from keyward_operator.queue.work_queue import WorkQueue
from keyward_operator.reconcile import resync
from keyward_operator.reconcile.resync import Resync


class Lists:
    """Lists of metadata, as the API server gives them."""

    def __init__(self) -> None:
        self.asked = 0
        self.broken = False

    async def list_metadata(
        self, kind: Kind, *, namespace: str | None = None, label_selector: str
    ) -> list[dict[str, Any]]:
        self.asked += kind is kinds.KEYSPACES_DATABASE
        if self.broken:
            raise ApiError("no answer", status=0)
        if kind is kinds.KEYSPACES_DATABASE:
            return [{"metadata": {"namespace": "payments", "name": "orders"}}]
        if kind is kinds.SECRET:
            assert namespace == "keyward-agents"
            labels = {names.LABEL_OWNER_NAMESPACE: "gone", names.LABEL_OWNER_NAME: "db"}
            return [{"metadata": {"labels": labels}}]
        if kind is kinds.SERVICE:
            assert namespace is None
            return [{"metadata": {"labels": {names.LABEL_MANAGED_BY: "keyward-operator"}}}]
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


def resync_of(lists: Lists, queue: WorkQueue[Key], period: float) -> Resync:
    return Resync(cast(KubernetesApi, lists), queue, agents_namespace="keyward-agents", period=period)


@pytest.mark.usefixtures("quick")
async def test_it_adds_databases_and_the_owners_of_children_at_once() -> None:
    queue: WorkQueue[Key] = WorkQueue()
    await run(resync_of(Lists(), queue, 3600), lambda: len(queue) == 2)
    assert {await queue.get(), await queue.get()} == {DatabaseKey("payments", "orders"), DatabaseKey("gone", "db")}


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
