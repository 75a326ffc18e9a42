import asyncio

import pytest

from keyward_operator.errors import QueueClosedError
from keyward_operator.keys import DatabaseKey
from keyward_operator.queue.work_queue import SHARE, Priority, WorkQueue

Queue = WorkQueue[str]


async def drain(queue: Queue) -> list[str]:
    """All keys that wait now, each given back at once."""
    found = []
    while len(queue):
        found.append(await queue.get())
        queue.done(found[-1])
    return found


async def test_a_key_is_in_it_once() -> None:
    queue = Queue()
    for _ in range(3):
        queue.add("a")
    assert len(queue) == 1
    assert await drain(queue) == ["a"]


async def test_keys_come_in_the_order_in_which_they_were_added() -> None:
    queue = Queue()
    for key in ("c", "a", "b", "a"):
        queue.add(key)
    assert await drain(queue) == ["c", "a", "b"]


async def test_what_happened_comes_before_a_resync() -> None:
    queue = Queue()
    queue.add("resynced", Priority.LOW)
    queue.add("happened")
    assert await drain(queue) == ["happened", "resynced"]


async def test_what_happens_all_the_time_does_not_keep_a_resync_away() -> None:
    queue = Queue()
    queue.add("resynced", Priority.LOW)
    for number in range(SHARE):
        queue.add(f"happened {number}")
    taken = []
    while "resynced" not in taken:
        taken.append(await queue.get())
        queue.done(taken[-1])
        queue.add(taken[-1])
        assert len(taken) <= SHARE
    assert len(taken) > 1, "first what happened"


async def test_a_key_moves_up_and_never_down() -> None:
    queue = Queue()
    queue.add("a", Priority.LOW)
    queue.add("b", Priority.LOW)
    queue.add("b")
    queue.add("b", Priority.LOW)
    assert len(queue) == 2
    assert await drain(queue) == ["b", "a"]
    queue.add("c", Priority.LOW)
    assert await drain(queue) == ["c"], "where it stood before it moved up, there is nothing"


async def test_a_key_that_a_worker_has_comes_back_when_it_is_done() -> None:
    queue = Queue()
    queue.add("a")
    key = await queue.get()
    queue.add("a", Priority.LOW)
    queue.add("a")
    assert len(queue) == 0, "no second worker may have it"
    queue.done(key)
    assert await drain(queue) == ["a"]


async def test_a_worker_that_waits_is_woken() -> None:
    queue = Queue()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(queue.get())
        await asyncio.sleep(0)
        queue.add("a")
    assert waiting.result() == "a"


async def test_no_delay_is_none() -> None:
    queue = Queue()
    queue.add_after("a", 0)
    assert await drain(queue) == ["a"]


async def test_of_several_delays_the_soonest_counts() -> None:
    loop = asyncio.get_running_loop()
    queue = Queue()
    begin = loop.time()
    queue.add_after("a", 30)
    queue.add_after("a", 0.02)
    queue.add_after("a", 60)
    async with asyncio.timeout(5):
        assert await queue.get() == "a"
    assert loop.time() - begin >= 0.02
    queue.done("a")
    assert len(queue) == 0


async def test_a_closed_queue_wakes_its_workers_and_forgets_what_was_delayed() -> None:
    queue = Queue()
    queue.add_after("a", 0.005)
    asyncio.get_running_loop().call_soon(queue.close)
    with pytest.raises(QueueClosedError):
        await queue.get()
    await asyncio.sleep(0.01)
    assert len(queue) == 0


async def test_its_age_is_that_of_the_key_that_waits_longest() -> None:
    now = [100.0]
    queue: WorkQueue[str] = WorkQueue(clock=lambda: now[0])
    assert queue.age() == 0
    queue.add("a", Priority.LOW)
    now[0] = 103.0
    queue.add("b")
    queue.add("a")  # moves up, and has waited all the same
    now[0] = 105.0
    assert queue.age() == 5
    assert await queue.get() == "b"
    assert await queue.get() == "a"
    assert queue.age() == 0


async def test_namespaces_take_turns() -> None:
    queue: WorkQueue[DatabaseKey] = WorkQueue()
    for number in range(5):
        queue.add(DatabaseKey("many", f"{number}"))
    queue.add(DatabaseKey("few", "a"))
    queue.add(DatabaseKey("few", "b"))
    taken = [await queue.get() for _ in range(7)]
    assert [key.namespace for key in taken] == ["many", "few", "many", "few", "many", "many", "many"]
    assert [key.name for key in taken if key.namespace == "many"] == ["0", "1", "2", "3", "4"]


async def test_a_namespace_that_is_never_done_lets_others_in_at_once() -> None:
    queue: WorkQueue[DatabaseKey] = WorkQueue()
    for number in range(50):
        queue.add(DatabaseKey("busy", f"{number}"))
    for _ in range(200):
        key = await queue.get()
        queue.done(key)
        queue.add(key)
    queue.add(DatabaseKey("other", "orders"))
    soon = [await queue.get() for _ in range(2)]
    assert DatabaseKey("other", "orders") in soon
