"""The operator dies at each write of a look at everything, and the next one makes what the first would have made."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from keyward_operator import kinds
from keyward_operator.children import Child
from keyward_operator.clients.connection import Connection
from keyward_operator.clients.kubernetes_api import KubernetesApi
from tests.integration.operator import resources
from tests.integration.operator.convergence.death import Death, DiedError
from tests.integration.operator.convergence.in_process import Operator
from tests.integration.operator.convergence.world import World

AT_ONCE = 4
"""Attempts, each in a namespace of its own."""

Step = Callable[[World], Awaitable[None]]

pytestmark = pytest.mark.long


async def wanted(world: World) -> None:
    """A role, a user and a database are made."""
    await world.put(resources.role(world.namespace), kinds.KEYSPACES_ROLE)
    await world.put(resources.user(world.namespace), kinds.KEYSPACES_USER)
    await world.put(resources.database(world.namespace, "one"), kinds.KEYSPACES_DATABASE)


async def changed(world: World) -> None:
    """A role says something else, a child is gone, another one was tampered with."""
    await world.put(resources.role(world.namespace, keyspaces=("stock",)), kinds.KEYSPACES_ROLE)
    await world.tamper("one", Child.SERVICE, delete=True)
    await world.tamper("one", Child.DEPLOYMENT, delete=False)


async def replaced(world: World) -> None:
    """The database was made anew while nobody looked."""
    await world.delete(kinds.KEYSPACES_DATABASE, "one", by_force=True)
    await wanted(world)


async def deleted(world: World) -> None:
    """The database is deleted."""
    await world.delete(kinds.KEYSPACES_DATABASE, "one")


@pytest.mark.parametrize("step", [wanted, changed, replaced, deleted])
async def test_whichever_write_it_dies_at_the_next_one_converges(
    people: KubernetesApi, own: Connection, step: Step
) -> None:
    died: list[bool] = [True]
    while all(died):
        attempts = range(len(died) - 1, len(died) - 1 + AT_ONCE)
        died += await asyncio.gather(*(_attempt(people, own, step, writes) for writes in attempts))
    assert len(died) > AT_ONCE + 1, "it died now and then before it was done"


async def _attempt(people: KubernetesApi, own: Connection, step: Step, writes: int) -> bool:
    """Die after so many writes, and converge; whether it came to that."""
    world, death = World(people, f"{step.__name__}-{writes}"), Death(writes_left=writes)
    await world.make_namespace()
    if step is not wanted:
        await wanted(world)
        await _settle(own, world)
    await step(world)
    async with Operator(own, world.namespace, death) as mortal:
        with contextlib.suppress(DiedError):
            await mortal.settle()
    before = (await world.children("one")).get(Child.CA_SECRET)
    await _settle(own, world)
    await world.check()
    if step in (wanted, changed) and before is not None:
        after = (await world.children("one"))[Child.CA_SECRET]
        assert after["data"] == before["data"], "an authority that was made stays"
    return death.came


async def _settle(own: Connection, world: World) -> None:
    async with Operator(own, world.namespace) as operator:
        await operator.settle()
