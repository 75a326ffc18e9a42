import asyncio

import pytest

from keyward_operator.adapters.threads import KopfThread, WatchesEndedError


async def test_a_thread_that_ends_by_itself_is_an_error_that_names_the_cause() -> None:
    async def broken(thread: KopfThread) -> None:
        raise RuntimeError("the watch broke")

    with pytest.raises(WatchesEndedError, match=r"some watches ended.*the watch broke"):
        await KopfThread("some watches", broken).run()


async def test_cancelling_stops_the_thread_and_waits_for_it() -> None:
    ended = False

    async def patient(thread: KopfThread) -> None:
        nonlocal ended
        thread.ready.set()
        await asyncio.to_thread(thread.stop.wait)
        ended = True

    thread = KopfThread("some watches", patient)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(thread.run())
        await asyncio.to_thread(thread.ready.wait)
        running.cancel()
    assert ended
