"""Nothing is lost in a silence, and nothing is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from keyward_proxy.feed.silences import with_silences


class Source:
    """Items as the test puts them in; an exception is raised, None is the end."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[int | Exception | None] = asyncio.Queue()
        self.closed = False

    async def items(self) -> AsyncGenerator[int, None]:
        try:
            while (item := await self.queue.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self.closed = True


async def test_a_silence_is_told_again_and_again_and_the_next_item_is_not_lost() -> None:
    source = Source()
    async with aclosing(with_silences(source.items(), seconds=0.01)) as stream:
        assert [await anext(stream) for _ in range(3)] == [None, None, None]
        source.queue.put_nowait(1)
        assert await anext(stream) == 1
        source.queue.put_nowait(2)
        assert await anext(stream) == 2
        assert await anext(stream) is None
    assert source.closed


async def test_it_ends_with_its_source() -> None:
    source = Source()
    source.queue.put_nowait(1)
    source.queue.put_nowait(None)
    assert [item async for item in with_silences(source.items(), seconds=5)] == [1]


async def test_what_the_source_raises_comes_through() -> None:
    source = Source()
    source.queue.put_nowait(LookupError("lost"))
    with pytest.raises(LookupError, match="lost"):
        await anext(with_silences(source.items(), seconds=5))


async def test_who_waits_may_be_cancelled() -> None:
    source = Source()

    async def wait() -> None:
        async with aclosing(with_silences(source.items(), seconds=5)) as stream:
            await anext(stream)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(wait())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
    assert task.cancelled()
    assert len(asyncio.all_tasks()) == 1
