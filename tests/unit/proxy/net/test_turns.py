"""Who is let do expensive work in a turn of the loop."""

from __future__ import annotations

import asyncio

import pytest

from keyward_proxy.net.turns import Turns
from keyward_proxy.tasks import TaskHolder
from tests.unit.proxy.support import until


class Workers:
    """Tasks that want one turn each, and the order in which they got it."""

    def __init__(self, turns: Turns, tasks: TaskHolder) -> None:
        self.turns = turns
        self.tasks = tasks
        self.done: list[str] = []

    def want(self, source: str) -> asyncio.Task[None]:
        return self.tasks.start(self._work(source), name=source)

    async def _work(self, source: str) -> None:
        await self.turns.take(source)
        self.done.append(source)


@pytest.fixture
def workers(tasks: TaskHolder) -> Workers:
    return Workers(Turns(at_once=2), tasks)


async def test_few_are_let_in_one_turn_of_the_loop(workers: Workers) -> None:
    for _ in range(10):
        workers.want("a")
    seen = [0]
    while len(workers.done) < 10:
        await asyncio.sleep(0)
        assert len(workers.done) - seen[-1] <= 2
        seen.append(len(workers.done))


async def test_addresses_take_turns(workers: Workers) -> None:
    for source in "aaaaaaaabc":
        workers.want(source)
    await until(lambda: len(workers.done) == 10)
    assert sorted(workers.done[:3]) == ["a", "b", "c"]


async def test_who_gave_up_takes_no_turn(workers: Workers) -> None:
    waiting = [workers.want("a") for _ in range(6)]
    await asyncio.sleep(0)
    for task in waiting[:5]:
        task.cancel()
    await until(lambda: workers.done == ["a"])
    assert not workers.turns._queues


async def test_who_comes_later_is_served_too(workers: Workers) -> None:
    workers.want("a")
    await until(lambda: len(workers.done) == 1)
    workers.want("a")
    await until(lambda: len(workers.done) == 2)
