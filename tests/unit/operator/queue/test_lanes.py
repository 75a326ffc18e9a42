import asyncio

from keyward_operator.queue.lanes import Lanes
from keyward_operator.queue.work_queue import Priority


def lanes() -> Lanes[str, bool]:
    return Lanes((True, False), lambda key: key.startswith("slow"))


async def test_what_is_slow_keeps_nothing_else_waiting() -> None:
    made, released, done, busy = lanes(), asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def reconcile(key: str) -> None:
        if key == "quick":
            done.set()
            return
        if len(made.lanes[True]) == 3:
            busy.set()
        await released.wait()

    for number in range(5):
        made.add(f"slow-{number}")
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(made.work(reconcile, {False: 1, True: 2}))
        await busy.wait()
        made.add("quick", Priority.LOW)
        await done.wait()
        assert len(made.lanes[True]) == 3, "no more slow keys at once than there are workers"
        made.close()
        released.set()


async def test_a_delayed_key_comes_into_its_own_lane() -> None:
    made, seen = lanes(), []

    async def reconcile(key: str) -> None:
        seen.append(key)
        if len(seen) == 2:
            made.close()

    made.add_after("slow", 0.01)
    made.add_after("quick", 0.02)
    async with asyncio.timeout(10):
        await made.work(reconcile, {False: 1, True: 1})
    assert seen == ["slow", "quick"]


async def test_each_lane_tells_of_its_own_keys() -> None:
    made = lanes()
    made.add("slow")
    assert {lane: len(queue) for lane, queue in made.lanes.items()} == {True: 1, False: 0}
    assert made.lanes[True].age() > made.lanes[False].age() == 0.0
