"""Thousands of writes as fast as the API server takes them, and then: is every policy made from what there is?"""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from typing import Any

from keyward_api import names
from keyward_operator import kinds
from keyward_operator.kinds import Kind, Reference
from keyward_operator.reconcile.observe import read_cluster
from tests.bench.operator.fleet import at_once
from tests.bench.operator.stage import Stage, at_rest
from tests.integration.operator import resources
from tests.integration.operator.expected import expected_policy, policy_name, service_name

TIERS = ("gold", "silver", "bronze")
PERMISSIONS = ("Select", "Modify", "Create", "Alter", "Drop")
EXTRA = 5
"""Roles and users that come and go in each namespace, beside those that stay."""

Json = dict[str, Any]


async def churn(stage: Stage, *, writes: int, chance: random.Random) -> None:
    """Write, wait until it is quiet, and compare."""
    namespaces = [f"team-{index}" for index in range(stage.fleet.namespaces)]
    people = [_People(stage, name, random.Random(f"{chance.random()}")) for name in namespaces]  # noqa: S311
    rounds = [person.write for _ in range(writes // len(people) + 1) for person in people][:writes]
    began = time.time()
    await at_once(rounds)
    ended = time.time()
    await at_rest(await stage.leader())
    stage.table.add("churn: writes of people", writes)
    stage.table.add("churn: writes a second", writes / (ended - began))
    stage.table.add("churn: from the last write to the last policy", max(0.0, stage.feed.changed - ended), "s")
    stage.table.add("churn: policies that are not what a fresh compile gives", await lost_updates(stage), at_most=0)
    for operator in stage.operators:
        stage.note_peak(operator, f"churn, {operator.identity}")


class _People:
    """Who writes in one namespace, one write after the other."""

    def __init__(self, stage: Stage, namespace: str, chance: random.Random) -> None:
        self._api = stage.api
        self._namespace = namespace
        self._chance = chance
        self._size = stage.fleet.size(namespace)
        self._uids: dict[Reference, str] = {}
        self._turn = asyncio.Lock()

    async def write(self) -> None:
        async with self._turn:
            await self._chance.choice((self._role, self._user, self._label))()

    async def _label(self) -> None:
        name = f"db-{self._chance.randrange(self._size)}"
        reference = Reference(kind=kinds.KEYSPACES_DATABASE, namespace=self._namespace, name=name)
        await self._api.merge_patch(reference, {"metadata": {"labels": {"tier": self._chance.choice(TIERS)}}})

    async def _role(self) -> None:
        role = resources.role(self._namespace, f"extra-{self._chance.randrange(EXTRA)}", self._words("keyspace"))
        rule = role["spec"]["allow"][0]
        rule["databases"] = {"selector": {"matchLabels": {"tier": self._chance.choice(TIERS)}}}
        rule["permissions"] = self._chance.sample(PERMISSIONS, self._chance.randint(1, 3))
        await self._put_or_delete(kinds.KEYSPACES_ROLE, role)

    async def _user(self) -> None:
        held = self._chance.sample(range(EXTRA), self._chance.randint(1, 3))
        user = resources.user(
            self._namespace, f"extra-{self._chance.randrange(EXTRA)}", tuple(f"extra-{number}" for number in held)
        )
        user["spec"]["subjects"][0]["name"] = self._words("account")[0]
        await self._put_or_delete(kinds.KEYSPACES_USER, user)

    def _words(self, what: str) -> tuple[str, ...]:
        return (f"{what}{self._chance.randrange(1000)}",)

    async def _put_or_delete(self, kind: Kind, manifest: Json) -> None:
        """Create what is missing; of what is there a third is deleted and the rest edited."""
        reference = Reference(kind=kind, namespace=self._namespace, name=manifest["metadata"]["name"])
        if reference not in self._uids:
            created = await self._api.create(manifest, kind=kind)
            self._uids[reference] = created["metadata"]["uid"]
        elif self._chance.random() < 1 / 3:
            await self._api.delete(reference, uid=self._uids.pop(reference))
        else:
            await self._api.merge_patch(reference, {"spec": manifest["spec"]})


async def lost_updates(stage: Stage) -> int:
    """How many policies are not what the inputs of this moment compile to."""
    lists = {kind: await _by_namespace(stage, kind) for kind in kinds.INPUTS}
    cluster = await read_cluster(stage.api)
    listed = await stage.api.list_all(kinds.SERVICE, namespace=names.AGENTS_NAMESPACE)
    services = {service["metadata"]["name"]: service for service in listed}
    lost = 0
    for namespace, databases in lists[kinds.KEYSPACES_DATABASE].items():
        for database in databases:
            expected = expected_policy(
                database,
                roles=lists[kinds.KEYSPACES_ROLE][namespace],
                users=lists[kinds.KEYSPACES_USER][namespace],
                iam_roles=lists[kinds.KEYSPACES_IAM_ROLE][namespace],
                cluster=cluster,
                service=services[service_name(database)],
            )
            lost += stage.feed.specs.get(policy_name(database)) != expected
    return lost


async def _by_namespace(stage: Stage, kind: Kind) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = defaultdict(list)
    for document in await stage.api.list_all(kind):
        found[document["metadata"]["namespace"]].append(document)
    return found
