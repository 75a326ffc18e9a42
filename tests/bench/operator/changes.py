"""From a change to the policy that agents have: in peace, and when a leader goes."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

from tests.bench.operator.fleet import Change, change_of_role, change_of_user
from tests.bench.operator.stage import DEADLINE, Stage, at_rest
from tests.integration.operator.control_plane import RunningOperator

RATE = 10
"""Changes a second."""

TAKEOVERS = 3
"""How often a leader is killed."""


async def steadily(stage: Stage, *, seconds: float, chance: random.Random) -> None:
    """Changes at a steady rate, all over the fleet, each of another object, with a standby beside the leader."""
    standby = stage.new_operator()
    standby.start()
    await asyncio.to_thread(standby.wait_until_ready)
    await at_rest(await stage.leader())
    await stage.quiet()
    latencies: list[float] = []
    loop = asyncio.get_running_loop()
    begin = loop.time()
    async with asyncio.timeout(seconds + DEADLINE), asyncio.TaskGroup() as group:
        for index, change in enumerate(_changes(stage, round(seconds * RATE), chance)):
            await asyncio.sleep(begin + index / RATE - loop.time())
            group.create_task(_measure(stage, change, latencies))
    latencies.sort()
    stage.table.add(f"changes, {RATE} a second, to a policy: number", len(latencies))
    stage.table.add("changes to a policy: p50", latencies[len(latencies) // 2], "s")
    stage.table.add("changes to a policy: p99", latencies[len(latencies) * 99 // 100], "s", at_most=1)
    stage.table.add("changes to a policy: slowest", latencies[-1], "s")


async def without_leader(stage: Stage, chance: random.Random) -> None:
    """Kill the leader, several times, and end it in good order, and change something at that moment."""
    crashes = [await _takeover(stage, RunningOperator.kill, chance) for _ in range(TAKEOVERS)]
    stage.table.add(f"kill -9 of the leader, slowest of {TAKEOVERS}: to the policy", max(crashes), "s", at_most=20)
    stop = await _takeover(stage, RunningOperator.stop, chance)
    stage.table.add("SIGTERM to the leader: to the policy", stop, "s", at_most=20)


async def _takeover(stage: Stage, end: Callable[[RunningOperator], Any], chance: random.Random) -> float:
    leader = await stage.leader()
    await at_rest(leader)
    await stage.quiet()
    (change,) = _changes(stage, 1, chance)
    latencies: list[float] = []
    async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as group:
        group.create_task(asyncio.to_thread(end, leader))
        group.create_task(_measure(stage, change, latencies))
    leader.start()
    await asyncio.to_thread(leader.wait_until_ready)
    return latencies[0]


def _changes(stage: Stage, count: int, chance: random.Random) -> list[Change]:
    kinds = (change_of_role, change_of_user)
    candidates = [(make, *where) for make in kinds for where in stage.fleet.where()]
    chosen = chance.sample(candidates, min(count, len(candidates)))
    return [make(stage.fleet, *where, f"w{chance.randrange(10**9):09}") for make, *where in chosen]


async def _measure(stage: Stage, change: Change, latencies: list[float]) -> None:
    """The wait begins before the change is made, for the policy may be faster than the answer."""
    async with asyncio.TaskGroup() as group:
        seen = group.create_task(stage.feed.wait(change.policies, change.word))
        await asyncio.sleep(0)  # it waits by now
        await change.make(stage.api)
        answered = time.time()
    latencies.append(max(0.0, seen.result() - answered))
