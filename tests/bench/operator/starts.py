"""The first making of a fleet, a start at which nothing has changed, and a resync."""

from __future__ import annotations

import time
from collections.abc import Sequence

import yaml

from keyward_api import names
from keyward_operator import kinds
from tests.bench.operator.audit import Request
from tests.bench.operator.stage import Stage, at_rest, until
from tests.integration.operator import installation
from tests.integration.operator.control_plane import RunningOperator

AGENTS_EACH = 2
"""Pods of a database."""

_STILL_MEMORY = 10
"""Looks, one a quarter of a second, at which resident memory must be the same."""


async def make(stage: Stage) -> None:
    """Make everything while an operator runs."""
    operator = stage.new_operator()
    operator.start()
    await at_rest(operator)
    began = time.time()
    await stage.fleet.make(stage.api)
    stage.table.add("first making: what people write was written", time.time() - began, "s")

    async def made() -> bool:
        pods = stage.api.pages_of_metadata(kinds.POD, namespace=names.AGENTS_NAMESPACE, label_selector="")
        return len([pod async for pod in pods]) == AGENTS_EACH * stage.fleet.databases

    await until(made, what="all Deployments have their pods")
    await at_rest(operator)
    work = [request for request in stage.audit.take() if request.received > began]
    _tell(stage, "first making", began, work, at_most_seconds=None)
    stage.table.add("first making: writes", _writes(work))
    assert len(stage.feed.specs) == stage.fleet.databases
    stage.note_peak(operator, "first making")


async def start_unchanged(stage: Stage) -> None:
    """Start an operator anew."""
    (operator,) = stage.operators
    operator.stop()
    stage.audit.take()
    began = time.time()
    operator.start()
    found = await at_rest(operator, until_seen=stage.fleet.namespaces)
    work = stage.audit.take()
    assert found.series["keyward_operator_database_ready"] == stage.fleet.databases, "each database was evaluated"
    stage.requests_of_a_start = len(work)
    _tell(stage, "cold start, nothing changed", began, work, at_most_seconds=30)
    stage.table.add("cold start, nothing changed: writes", _writes(work), at_most=0)
    stage.note_peak(operator, "cold start, nothing changed")
    stage.table.add("cold start: resident memory at rest", await _memory_at_rest(operator), "MiB", at_most=90)


async def resync(stage: Stage) -> None:
    """Have everything looked at, for the sake of a setting that changes nothing."""
    (operator,) = stage.operators
    before = await at_rest(operator)
    stage.audit.take()
    nobody = {"namespaceSelector": {"matchLabels": {"nobody": "has-this"}}}
    changed = {**installation.SETTINGS, "tenants": [*installation.SETTINGS["tenants"], nobody]}
    stage.settings.write_text(yaml.safe_dump(changed))
    await at_rest(operator, until_seen=before.namespaces_seen + stage.fleet.namespaces)
    work = stage.audit.take()
    _tell(stage, "resync, nothing changed", min(request.received for request in work), work, at_most_seconds=None)
    stage.table.add("resync, nothing changed: writes", _writes(work), at_most=0)


def _tell(stage: Stage, what: str, began: float, requests: Sequence[Request], *, at_most_seconds: float | None) -> None:
    work = [request for request in requests if request.is_work]
    seconds = max(request.answered for request in work) - began
    stage.table.add(f"{what}: until all are evaluated", seconds, "s", at_most=at_most_seconds)
    stage.table.add(f"{what}: requests", len(work))


def _writes(requests: Sequence[Request]) -> int:
    return sum(request.is_write for request in requests)


async def _memory_at_rest(operator: RunningOperator) -> float:
    seen = [0.0]

    async def still() -> bool:
        seen.append(operator.resident_mebibytes())
        recent = seen[-_STILL_MEMORY:]
        return len(recent) == _STILL_MEMORY and max(recent) - min(recent) < 0.1

    await until(still, what="resident memory is still")
    return seen[-1]
