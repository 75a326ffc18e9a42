"""The API server goes away and comes back."""

from __future__ import annotations

import asyncio
import random
import time

from tests.bench.operator.fleet import Change, change_of_role
from tests.bench.operator.stage import Stage, at_rest
from tests.integration.operator.control_plane import RunningOperator

FIRST_SECONDS = 10
"""Seconds after the API server's return in which requests are counted."""

BACK_OFF = 10.0
"""Seconds until kubelet starts a container again that ended; doubled each time."""


async def away(stage: Stage, *, seconds: float, chance: random.Random) -> None:
    """End the API server, start it on the same data, and watch what the operators do."""
    await at_rest(await stage.leader())
    async with asyncio.TaskGroup() as group:
        kept = [group.create_task(_keep_running(operator)) for operator in stage.operators]
        stage.plane.stop_api_server()
        stage.audit.take()
        await asyncio.sleep(seconds)  # that it is away for a time is what is tried here
        await asyncio.to_thread(stage.plane.start_api_server)
        ready = time.time()
        leader = await stage.leader()
        await at_rest(leader, until_seen=stage.fleet.namespaces)
        requests = stage.audit.take()
        change = change_of_role(stage.fleet, "team-0", 0, f"w{chance.randrange(10**9):09}")
        await _see(stage, change)
        for task in kept:
            task.cancel()
    begin = min(request.received for request in requests)
    first = [request for request in requests if request.received - begin <= FIRST_SECONDS]
    busiest = max(sum(int(request.received - begin) == second for request in first) for second in range(FIRST_SECONDS))
    what = f"API server away for {seconds:.0f} s (for 30 min, compressed)"
    work = [request.answered for request in requests if request.is_work]
    stage.table.add(f"{what}: from its return until all are evaluated", max(work) - ready, "s")
    # No storm: they ask for no more than if they had just been started.
    goal = stage.requests_of_a_start * len(stage.operators)
    stage.table.add(f"{what}: requests in the first {FIRST_SECONDS} s", len(first), at_most=goal)
    stage.table.add(f"{what}: most requests in one of these seconds", busiest)
    stage.table.add(f"{what}: writes", sum(request.is_write for request in requests), at_most=0)


async def _see(stage: Stage, change: Change) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(stage.feed.wait(change.policies, change.word))
        await asyncio.sleep(0)  # it waits by now
        await change.make(stage.api)


async def _keep_running(operator: RunningOperator) -> None:
    """Start it again when it ended, as kubelet does."""
    delay = BACK_OFF
    while True:
        await asyncio.to_thread(operator.process.wait)
        await asyncio.sleep(delay)
        delay *= 2
        operator.start()
