"""Two workers, or two operators for a moment, compile the same policy: the older of what they read never stays."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from keyward_api import names
from keyward_operator import kinds
from keyward_operator.children import Child
from keyward_operator.clients.connection import Connection
from keyward_operator.clients.errors import ConflictError
from keyward_operator.clients.kubernetes_api import KubernetesApi
from tests.integration.operator import resources
from tests.integration.operator.convergence.in_process import Operator
from tests.integration.operator.convergence.world import World

Json = dict[str, Any]


def delay_policy(operator: Operator, happening: Callable[[], Awaitable[None]]) -> None:
    """Have something happen just before the operator's next write of a policy is sent."""
    api = operator.api
    request = api._request

    async def delayed(method: Callable[..., Coroutine[Any, Any, Any]], *args: Any, **kwargs: Any) -> Json:
        if method.__name__ == "server_side_apply" and kwargs["body"]["kind"] == "KeyspacesPolicy":
            api._request = request  # type: ignore[method-assign]
            await happening()
        return await request(method, *args, **kwargs)

    api._request = delayed  # type: ignore[method-assign]


@pytest.mark.parametrize("lost", ["a status", "a child"])
async def test_a_policy_of_older_lists_is_not_written_over_a_newer_one(
    people: KubernetesApi, own: Connection, lost: str
) -> None:
    """`a child` puts the database's own reconciler to work on the policy, `a status` that of access."""
    world = World(people, f"two-at-a-time-{'child' if lost == 'a child' else 'status'}")
    await world.make_namespace()
    for manifest, kind in (
        (resources.role(world.namespace), kinds.KEYSPACES_ROLE),
        (resources.user(world.namespace), kinds.KEYSPACES_USER),
        (resources.database(world.namespace, "one"), kinds.KEYSPACES_DATABASE),
    ):
        await world.put(manifest, kind)

    async def revoked() -> None:
        await world.delete(kinds.KEYSPACES_USER, "app")
        async with Operator(own, world.namespace) as faster:
            await faster.settle()
        assert await grants(world) == []

    async with Operator(own, world.namespace) as slower:
        await slower.settle()
        assert await grants(world) != []
        await world.put(resources.role(world.namespace, keyspaces=("stock",)), kinds.KEYSPACES_ROLE)
        if lost == "a child":
            await world.tamper("one", Child.ROLE, delete=True)
        delay_policy(slower, revoked)
        if lost == "a child":
            with pytest.raises(ConflictError):
                await slower.look()
        else:
            await slower.look_at_access()
        assert await grants(world) == [], "what was revoked stays so"
        await slower.settle()
    await world.check()


async def grants(world: World) -> list[Json]:
    """What the policy of the only database grants."""
    policy = (await world.children("one"))[Child.POLICY]
    assert policy["metadata"]["namespace"] == names.AGENTS_NAMESPACE
    return list(policy["spec"]["grants"])
