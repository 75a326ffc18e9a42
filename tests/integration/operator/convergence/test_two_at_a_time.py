"""Two workers, or two operators for a moment, compile the same policy: the older of what they read never stays."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from keyward_api import names
from keyward_operator import kinds
from keyward_operator.children import Child
from keyward_operator.clients.connection import Connection
from keyward_operator.clients.kubernetes_api import KubernetesApi
from tests.integration.operator import resources
from tests.integration.operator.convergence.in_process import Operator
from tests.integration.operator.convergence.world import World

Json = dict[str, Any]


async def made(world: World) -> None:
    await world.make_namespace()
    for manifest, kind in (
        (resources.role(world.namespace), kinds.KEYSPACES_ROLE),
        (resources.user(world.namespace), kinds.KEYSPACES_USER),
        (resources.database(world.namespace, "one"), kinds.KEYSPACES_DATABASE),
    ):
        await world.put(manifest, kind)


@pytest.mark.parametrize("lost", ["status", "child"])
async def test_a_policy_of_older_lists_is_not_written_over_a_newer_one(
    people: KubernetesApi, own: Connection, lost: str
) -> None:
    """A lost child puts the database's own reconciler to work on the policy; else it is that of access."""
    world = World(people, f"two-operators-{lost}")
    await made(world)

    async def revoked() -> None:
        await world.delete(kinds.KEYSPACES_USER, "app")
        async with Operator(own, world.namespace) as faster:
            await faster.settle()
        assert await grants(world) == []
        seen.append(True)

    seen: list[bool] = []
    async with Operator(own, world.namespace) as slower:
        await slower.settle()
        assert await grants(world) != []
        await world.put(resources.role(world.namespace, keyspaces=("stock",)), kinds.KEYSPACES_ROLE)
        if lost == "child":
            await world.tamper("one", Child.ROLE, delete=True)
        slower.api.before_policies.append(revoked)
        await (slower.look() if lost == "child" else slower.look_at_access())
        assert seen
        assert await grants(world) == [], "what was revoked stays so"
        await slower.settle()
    await world.check()


@pytest.mark.parametrize("lost", ["status", "child"])
async def test_a_grant_that_is_taken_away_while_it_is_written_does_not_stay(
    people: KubernetesApi, own: Connection, lost: str
) -> None:
    """Who sees that it is gone finds the policy as it shall be: its version tells nothing."""
    world = World(people, f"two-workers-{lost}")
    await made(world)
    async with Operator(own, world.namespace) as operator:
        await operator.settle()
        await world.delete(kinds.KEYSPACES_USER, "app")
        await operator.settle()
        assert await grants(world) == []
        looks: list[asyncio.Task[None]] = []
        await world.put(resources.user(world.namespace), kinds.KEYSPACES_USER)
        if lost == "child":
            await world.tamper("one", Child.ROLE, delete=True)
        async with asyncio.TaskGroup() as group:

            async def taken_away() -> None:
                await world.delete(kinds.KEYSPACES_USER, "app")
                looks.append(group.create_task(operator.look_at_access()))
                await asyncio.wait(looks, timeout=1)  # it reads what is there, and comes as far as it can

            operator.api.before_policies.append(taken_away)
            await (operator.look() if lost == "child" else operator.look_at_access())
        assert looks
        assert await grants(world) == [], "what was revoked stays so"
        await operator.settle()
    await world.check()


async def grants(world: World) -> list[Json]:
    """What the policy of the only database grants."""
    policy = (await world.children("one"))[Child.POLICY]
    assert policy["metadata"]["namespace"] == names.AGENTS_NAMESPACE
    return list(policy["spec"]["grants"])
