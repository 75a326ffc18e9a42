import asyncio
import logging

import pytest

from keyward_operator.errors import OperatorError
from keyward_operator.queue.backoff import Backoff
from keyward_operator.queue.work_queue import WorkQueue
from keyward_operator.queue.workers import Workers

QUICK = {"base": 0.001, "limit": 0.001}


async def test_a_bounded_number_works_at_once_and_never_two_on_one_key() -> None:
    queue: WorkQueue[int] = WorkQueue()
    active: list[int] = []
    most = 0

    async def reconcile(key: int) -> None:
        nonlocal most
        assert key not in active
        active.append(key)
        most = max(most, len(active))
        queue.add(key % 7)  # comes back while it is worked on
        await asyncio.sleep(0)
        active.remove(key)
        if key == 19:
            queue.close()

    for key in range(20):
        queue.add(key)
    async with asyncio.timeout(10):
        await Workers(queue, reconcile).run(3)
    assert most == 3


@pytest.mark.parametrize(("error", "trace"), [(OperatorError("expected"), False), (KeyError("a defect"), True)])
async def test_a_failure_is_told_and_tried_again(
    error: Exception, trace: bool, caplog: pytest.LogCaptureFixture
) -> None:
    queue: WorkQueue[str] = WorkQueue()
    tries = 0

    async def reconcile(key: str) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise error
        queue.close()

    backoff = Backoff(**QUICK)
    queue.add("a")
    with caplog.at_level(logging.WARNING):
        async with asyncio.timeout(10):
            await Workers(queue, reconcile, backoff=backoff).run(2)
    assert tries == 3
    assert backoff.failures("a") == 0, "success forgets"
    assert bool(caplog.records[0].exc_info) is trace


async def test_a_key_comes_back_when_its_reconciler_wants_it() -> None:
    queue: WorkQueue[str] = WorkQueue()
    seen = []

    async def reconcile(key: str) -> float | None:
        seen.append(key)
        if len(seen) == 2:
            queue.close()
            return None
        return 0.001

    queue.add("a")
    async with asyncio.timeout(10):
        await Workers(queue, reconcile).run(1)
    assert seen == ["a", "a"]


async def test_a_worker_finishes_what_it_has_begun() -> None:
    queue: WorkQueue[str] = WorkQueue()
    finished = False

    async def reconcile(key: str) -> None:
        nonlocal finished
        queue.close()
        await asyncio.sleep(0.01)
        finished = True

    queue.add("a")
    await Workers(queue, reconcile).run(2)
    assert finished
