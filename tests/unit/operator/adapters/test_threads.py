import asyncio

import pytest

from keyward_operator.adapters import threads
from keyward_operator.adapters.threads import KopfTasks, KopfThread, WatchesEndedError


@pytest.fixture(autouse=True)
def deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "STOP_DEADLINE", 0.5)


async def fail() -> None:
    raise RuntimeError("the watch broke")


async def stay() -> None:
    await asyncio.Event().wait()


def started(*coroutines: object) -> KopfTasks:
    """Tasks, as kopf starts them."""
    return [asyncio.get_running_loop().create_task(coroutine) for coroutine in coroutines]  # type: ignore[arg-type]


async def test_one_watch_that_breaks_is_the_end_and_its_cause_is_told() -> None:
    async def spawn(thread: KopfThread) -> KopfTasks:
        return started(stay(), fail())

    async with asyncio.timeout(5):
        with pytest.raises(WatchesEndedError, match=r"some watches ended.*the watch broke"):
            await KopfThread("some watches", spawn).run()


async def test_a_kopf_that_cannot_start_is_told() -> None:
    async def spawn(thread: KopfThread) -> KopfTasks:
        raise RuntimeError("no discovery")

    with pytest.raises(WatchesEndedError, match="no discovery"):
        await KopfThread("some watches", spawn).run()


async def test_who_does_not_end_is_left_behind() -> None:
    release = False

    async def stubborn() -> None:
        while not release:
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                continue

    async def spawn(thread: KopfThread) -> KopfTasks:
        return started(stubborn(), fail())

    async with asyncio.timeout(5):
        with pytest.raises(WatchesEndedError):
            await KopfThread("some watches", spawn).run()
    release = True


async def test_cancelling_stops_the_thread_and_waits_for_it() -> None:
    ended = False

    async def patient(thread: KopfThread) -> None:
        nonlocal ended
        thread.ready.set()
        await asyncio.to_thread(thread.stop.wait)
        ended = True

    async def spawn(thread: KopfThread) -> KopfTasks:
        return started(patient(thread))

    thread = KopfThread("some watches", spawn)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(thread.run())
        await asyncio.to_thread(thread.ready.wait)
        running.cancel()
    assert ended


async def test_an_orderly_end_takes_no_longer_than_its_tasks() -> None:
    async def spawn(thread: KopfThread) -> KopfTasks:
        return started(asyncio.to_thread(thread.stop.wait), stay())

    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(KopfThread("some watches", spawn).run())
        await asyncio.sleep(0.05)
        begin = loop.time()
        running.cancel()
    assert loop.time() - begin < threads.STOP_DEADLINE / 2
