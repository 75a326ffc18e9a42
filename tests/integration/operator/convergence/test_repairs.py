"""Each child, deleted or changed: the operator makes it again what it was."""

from __future__ import annotations

import pytest

from keyward_operator.children import Child
from keyward_operator.clients.connection import Connection
from keyward_operator.clients.kubernetes_api import KubernetesApi
from tests.integration.operator.convergence.in_process import Operator
from tests.integration.operator.convergence.test_deaths import wanted
from tests.integration.operator.convergence.world import EDITS, World


@pytest.mark.parametrize("child", [child for child in EDITS if child is not Child.AWS_ROOTS])
@pytest.mark.parametrize("delete", [False, True], ids=["changed", "deleted"])
async def test_what_is_done_to_a_child_is_undone(
    people: KubernetesApi, own: Connection, child: Child, delete: bool
) -> None:
    world = World(people, f"repairs-{child}-{delete}".lower())
    await world.make_namespace()
    await wanted(world)
    async with Operator(own, world.namespace) as operator:
        await operator.settle()
        before = await world.snapshot()
        await world.tamper("one", child, delete=delete)
        assert await world.snapshot() != before or child is Child.CA_SECRET, "the secret's data is not compared"
        await operator.settle()
    await world.check()
    assert await world.snapshot() == before
