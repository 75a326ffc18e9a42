"""Whatever happens in whatever order, and wherever the operator dies: what comes of it is what a fresh one makes.

Against a real API server and not a double: what is tried is most of all who owns which field, when an object is gone
and who may write what, and a double would have to say all that itself. KEYWARD_SEQUENCES says how many are tried.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from keyward_api import names
from keyward_operator import kinds
from keyward_operator.children import Child
from keyward_operator.clients import connection
from keyward_operator.clients.kubernetes_api import KubernetesApi
from tests.integration.operator.control_plane import ADMIN, OPERATOR, ControlPlane
from tests.integration.operator.convergence.in_process import Operator
from tests.integration.operator.convergence.operations import BEGINNING, OPERATIONS, Operation, Run
from tests.integration.operator.convergence.world import World

pytestmark = pytest.mark.first

SEQUENCES = int(os.environ.get("KEYWARD_SEQUENCES", "5"))
Json = dict[str, Any]


_numbers = itertools.count()


@pytest.mark.timeout(60 + 60 * SEQUENCES)
@settings(
    max_examples=SEQUENCES,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    # A failing sequence is told as it was found: to make it shorter would take minutes.
    phases=[Phase.reuse, Phase.generate],
)
@given(operations=st.lists(OPERATIONS, min_size=4, max_size=16).map(lambda rest: [*BEGINNING, *rest]))
def test_any_sequence_converges_to_what_a_fresh_operator_makes(
    installed: ControlPlane, operations: list[Operation]
) -> None:
    asyncio.run(_try(installed, f"sequence-{next(_numbers)}", operations))


async def _try(plane: ControlPlane, namespace: str, operations: list[Operation]) -> None:
    people = await connection.load(plane.kubeconfig(ADMIN))
    own = await connection.load(plane.kubeconfig(OPERATOR))
    async with KubernetesApi(people, field_manager="people") as api, Operator(own, namespace) as operator:
        run = Run(world=World(api, namespace), connection=own, operator=operator)
        await run.world.make_namespace()
        for operation in operations:
            await operation.do(run)
        await operator.settle()
        reached = await _look_at(run)
        wanted = await _make_anew(run)
        assert reached == wanted


async def _look_at(run: Run) -> Json:
    """The settled world; what it must be whatever happened is checked, and that a fresh operator writes nothing."""
    await run.world.check()
    async with Operator(run.connection, run.world.namespace) as fresh:
        await fresh.look()
        assert fresh.writes == 0, "a settled world is one that a fresh operator leaves as it is"
    return await run.world.snapshot()


async def _make_anew(run: Run) -> Json:
    """What a fresh operator makes of what people want now: all of it is deleted and made again first."""
    world = run.world
    written = {kind: await world.list(kind) for kind in kinds.INPUTS}
    taken = await _foreign(world)
    for kind, documents in written.items():
        for document in documents:
            await world.delete(kind, document["metadata"]["name"])
    async with Operator(run.connection, world.namespace) as fresh:
        await fresh.settle()
    assert await world.made() == [], "nothing is left of what was made"
    assert await _foreign(world) == taken, "what is other people's is as it was"
    for kind, documents in written.items():
        for document in documents:
            await world.put(_rewritten(document), kind)
    async with Operator(run.connection, world.namespace) as fresh:
        await fresh.settle()
    return await _look_at(run)


async def _foreign(world: World) -> dict[tuple[str, Child], Json]:
    found = {}
    for database in ("one", "two"):
        for child, live in (await world.children(database)).items():
            if (live["metadata"].get("labels") or {}).get(names.LABEL_MANAGED_BY) != names.MANAGED_BY:
                found[database, child] = live
    return found


def _rewritten(document: Json) -> Json:
    metadata = {
        key: document["metadata"][key] for key in ("name", "namespace", "labels") if key in document["metadata"]
    }
    return {key: document[key] for key in ("apiVersion", "kind", "spec")} | {"metadata": metadata}
