"""What a run stands on: a bare API server, operators as processes, and what watches both."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from prometheus_client.parser import text_string_to_metric_families

from keyward_operator.clients import connection
from keyward_operator.clients.kubernetes_api import KubernetesApi
from tests.bench.operator.audit import AuditLog
from tests.bench.operator.feed import Feed
from tests.bench.operator.fleet import Fleet
from tests.bench.operator.table import Table
from tests.integration.operator import installation
from tests.integration.operator.control_plane import ADMIN, ControlPlane, RunningOperator

CONTROLLERS_RATE = 1000
"""Requests per second of the Deployments' controllers, so that nothing waits for them."""

DEADLINE = 600.0
"""Seconds for anything that is waited for."""

_STILL = 2.0
"""Seconds without any work after which an operator is at rest."""

_LOOK = 0.25
"""Seconds between two looks at an operator's metrics."""


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """An operator's metrics at a moment."""

    values: dict[str, float]
    """Sums over all labels."""

    series: dict[str, int]
    """How many combinations of labels there are."""

    namespaces_seen: float
    """How often a namespace was looked at as a whole."""


@dataclass(kw_only=True)
class Stage:
    """One run."""

    fleet: Fleet
    table: Table
    plane: ControlPlane
    api: KubernetesApi
    """The administrator's."""

    audit: AuditLog
    feed: Feed
    settings: Path
    operators: list[RunningOperator] = field(default_factory=list)
    requests_of_a_start: int = 0
    """What one operator asks for when it starts and nothing has changed."""

    def new_operator(self) -> RunningOperator:
        """An operator that was not started."""
        identity = f"operator-{len(self.operators)}"
        operator = RunningOperator(
            control_plane=self.plane,
            settings=self.settings,
            log=self.plane.folder / f"{identity}.log",
            log_level="warning",
            identity=identity,
        )
        self.operators.append(operator)
        return operator

    async def leader(self) -> RunningOperator:
        """The operator that leads, once there is one."""
        found: list[RunningOperator] = []

        async def leads() -> bool:
            found[:] = [each for each in self.operators if await is_leader(each)]
            return bool(found)

        await until(leads, what="an operator leads")
        return found[0]

    async def quiet(self) -> None:
        """Wait until nobody asks the API server for anything: a standby that has begun lists all there is."""
        since = time.monotonic()

        async def still() -> bool:
            nonlocal since
            if any(request.is_work for request in await asyncio.to_thread(self.audit.take)):
                since = time.monotonic()
            return time.monotonic() - since >= _STILL

        await until(still, what="no operator asks for anything")

    def note_peak(self, operator: RunningOperator, what: str) -> None:
        """Add the most memory that a process had to the table."""
        self.table.add(f"{what}: most resident memory", operator.resident_mebibytes(peak=True), "MiB", at_most=150)


@asynccontextmanager
async def stage(fleet: Fleet, table: Table, folder: Path) -> AsyncIterator[Stage]:
    """Start what a run stands on, and end it with everything on it."""
    kubernetes, tools = installation.programs(folder / "programs.log")
    plane = ControlPlane(
        kubernetes=kubernetes,
        etcd=tools / "server",
        folder=folder,
        controllers_rate=CONTROLLERS_RATE,
        audited=True,
    )
    operators: list[RunningOperator] = []
    try:
        await asyncio.to_thread(plane.start)
        installation.install(plane, installation.chart_objects(tools))
        settings = folder / "settings.yaml"
        settings.write_text(yaml.safe_dump(installation.SETTINGS))
        admin = await connection.load(plane.kubeconfig(ADMIN))
        feed = Feed(admin)
        async with KubernetesApi(admin, field_manager="people") as api, asyncio.TaskGroup() as group:
            watching = group.create_task(feed.run())
            yield Stage(
                fleet=fleet,
                table=table,
                plane=plane,
                api=api,
                audit=AuditLog(plane.audit_log),
                feed=feed,
                settings=settings,
                operators=operators,
            )
            watching.cancel()
    finally:
        for operator in operators:
            operator.kill()
        plane.stop()


async def metrics(operator: RunningOperator) -> Metrics | None:
    """Its metrics; None where it does not listen."""
    status, text = await asyncio.to_thread(operator.get, "/metrics")
    if status != 200:
        return None
    values: dict[str, float] = {}
    series: dict[str, int] = {}
    seen = 0.0
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            values[sample.name] = values.get(sample.name, 0.0) + sample.value
            series[sample.name] = series.get(sample.name, 0) + 1
            if sample.name == "keyward_operator_reconciles_total" and sample.labels["reconciler"] == "namespace":
                seen += sample.value
    return Metrics(values=values, series=series, namespaces_seen=seen)


async def is_leader(operator: RunningOperator) -> bool:
    """Whether it leads."""
    found = await metrics(operator) if operator.runs() else None
    return found is not None and found.values["keyward_operator_is_leader"] == 1


async def at_rest(operator: RunningOperator, *, until_seen: float = 0.0) -> Metrics:
    """Wait until it has nothing to do, after it looked at namespaces so often."""
    last: tuple[Any, ...] = ()
    since = time.monotonic()
    found: Metrics | None = None

    async def rests() -> bool:
        nonlocal last, since, found
        found = await metrics(operator)
        if found is None:
            return False
        work = found.values.get("keyward_operator_reconciles_total"), found.values["keyward_operator_queue_depth"]
        if work != last or work[1]:
            last, since = work, time.monotonic()
        return found.namespaces_seen >= until_seen and time.monotonic() - since >= _STILL

    await until(rests, what=f"{operator.identity} is at rest; see {operator.log}")
    assert found is not None
    return found


async def until(condition: Callable[[], Awaitable[object]], *, what: str, deadline: float = DEADLINE) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + deadline
    while not await condition():
        assert time.monotonic() < end, f"not within {deadline:.0f} s: {what}"
        await asyncio.sleep(_LOOK)
