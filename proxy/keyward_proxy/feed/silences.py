"""A stream that tells of its silences, so that something can be done in them without losing what comes next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def with_silences(items: AsyncGenerator[T, None], *, seconds: float) -> AsyncGenerator[T | None, None]:
    """Each item, and None whenever none came for so long. Closes `items` when it ends itself."""
    waiting: asyncio.Task[T] | None = None

    async def coming() -> T:
        return await anext(items)

    try:
        while True:
            waiting = waiting or asyncio.get_running_loop().create_task(coming(), name="next item")
            done, _ = await asyncio.wait({waiting}, timeout=seconds)
            if not done:
                yield None
                continue
            task, waiting = waiting, None
            try:
                item = task.result()
            except StopAsyncIteration:
                return
            yield item
    finally:
        if waiting:
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting
        await items.aclose()
