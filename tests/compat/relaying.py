"""Bytes from one connection to another, until either ends."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine

READ_BYTES = 65536


async def pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, change: Callable[[bytes], bytes] = bytes
) -> None:
    """Pass on what comes, each read through `change`; ends with the connection."""
    while data := await reader.read(READ_BYTES):
        if passed := change(data):
            writer.write(passed)
            await writer.drain()


async def run_both(*pumps: Coroutine[None, None, None], close: tuple[asyncio.StreamWriter, ...]) -> None:
    """Run until the first ends, for whatever reason, and close both sides, sending what is buffered."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_until_lost(one)) for one in pumps]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
    for writer in close:
        writer.close()


async def _until_lost(one: Coroutine[None, None, None]) -> None:
    with contextlib.suppress(OSError):
        await one
