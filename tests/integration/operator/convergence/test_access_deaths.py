"""The operator dies inside the look at what roles, users and locks come to, and the next one does what is left of it.

The next one hears of no event about what was edited or left undone: it looks at everything, as at every start.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from keyward_operator import kinds
from keyward_operator.children import Child
from keyward_operator.clients.connection import Connection
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.keys import AccessKey, DatabaseKey, Key
from tests.integration.operator import resources
from tests.integration.operator.convergence.death import Death, DiedError
from tests.integration.operator.convergence.in_process import Operator
from tests.integration.operator.convergence.world import DATABASES, World

LOOKS = 2
"""That a fresh operator needs at most: events about the policies that it writes itself would lead to the second."""

Json = dict[str, Any]
Edit = Callable[[World], Awaitable[None]]

pytestmark = pytest.mark.long


async def unedited(world: World) -> None:
    """Two databases, and a user who may read both; no lock."""
    await world.put(resources.role(world.namespace), kinds.KEYSPACES_ROLE)
    await _put_user(world, suspended=False)
    await world.delete(kinds.KEYSPACES_LOCK, "incident")
    for database in DATABASES:
        await world.put(resources.database(world.namespace, database), kinds.KEYSPACES_DATABASE)


async def role_narrowed(world: World) -> None:
    """Of one database the policy loses a grant, of the other one the grant changes."""
    manifest = resources.role(world.namespace, keyspaces=("stock",))
    manifest["spec"]["allow"][0]["databases"] = {"names": ["one"]}
    await world.put(manifest, kinds.KEYSPACES_ROLE)


async def user_suspended(world: World) -> None:
    """Both policies lose their only grant."""
    await _put_user(world, suspended=True)


async def locked(world: World) -> None:
    """A lock is made that both policies carry."""
    await world.put(resources.lock(world.namespace, target={"user": "app"}), kinds.KEYSPACES_LOCK)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What agents and people find."""

    policies: list[Json]
    """The specs of all policies."""

    told: list[Json]
    """What people wrote, and what it says of itself."""


@pytest.mark.parametrize(("edit", "parts"), [(role_narrowed, 3), (user_suspended, 3), (locked, 1)])
async def test_whichever_write_of_the_look_it_dies_at_the_next_one_converges(
    people: KubernetesApi, own: Connection, edit: Edit, parts: int
) -> None:
    """Of so many `parts` at least is what people are told: databases, role and user, or the lock alone."""
    world = World(people, edit.__name__.replace("_", "-"))
    await world.make_namespace()
    await unedited(world)
    before = await _settled(own, world)
    await edit(world)
    wanted = await _settled(own, world)
    await world.check()
    left: list[Found] = []
    async with Operator(own, world.namespace) as immortal:
        for writes in itertools.count():
            await unedited(world)
            await immortal.look_at(*_keys(world))
            assert await _found(world) == before
            await edit(world)
            if not await _dies(own, world, writes):
                break
            left.append(await _found(world))
            assert await _next(own, world, wanted) == wanted, f"died at write {writes}"
    assert await _found(world) == wanted, "who lives needs no other look"
    assert await _settled(own, world) == wanted
    assert any(each.policies == wanted.policies and each.told != wanted.told for each in left), "agents go before"
    assert any(each.policies != wanted.policies for each in left), "it died before a policy was written, too"
    assert len({str(each.told) for each in left}) >= parts, "some of what is told was written and some not"


def _keys(world: World) -> list[Key]:
    """The access, of which an edit tells, and the databases, of which the new policies tell."""
    return [AccessKey(world.namespace), *(DatabaseKey(world.namespace, database) for database in DATABASES)]


async def _dies(own: Connection, world: World, writes: int) -> bool:
    """Look at what the edit changes, and die after so many writes; whether it came to that."""
    death = Death(writes_left=writes)
    async with Operator(own, world.namespace, death) as mortal:
        with contextlib.suppress(DiedError):
            await mortal.look_at(*_keys(world))
    return death.came


async def _next(own: Connection, world: World, wanted: Found) -> Found:
    """What the next operator makes of what is left: the same as `wanted`, once it has looked often enough."""
    async with Operator(own, world.namespace) as fresh:
        for _ in range(LOOKS):
            await fresh.look()
            found = await _found(world)
            if found == wanted:
                break
    return found


async def _settled(own: Connection, world: World) -> Found:
    """What is found once a fresh operator has settled the world."""
    async with Operator(own, world.namespace) as fresh:
        await fresh.settle()
    return await _found(world)


async def _found(world: World) -> Found:
    policies = [await world.child(database, Child.POLICY) for database in DATABASES]
    return Found(policies=[policy["spec"] for policy in policies if policy], told=await world.people())


async def _put_user(world: World, *, suspended: bool) -> None:
    manifest = resources.user(world.namespace)
    manifest["spec"]["suspended"] = suspended
    await world.put(manifest, kinds.KEYSPACES_USER)
