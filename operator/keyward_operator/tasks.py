"""What asyncio's task groups leave to their users."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def first_error() -> Iterator[None]:
    """Of the errors of a task group, which mostly have one cause, raise the first as itself."""
    try:
        yield
    except BaseExceptionGroup as group:
        raise _first(group) from None


async def at_once(work: Callable[[T], Awaitable[None]], items: Iterable[T], *, limit: int) -> None:
    """Do the work for all items, for `limit` of them at once. Raises what the work raises, and leaves the rest."""
    left = iter(items)

    async def take() -> None:
        for item in left:
            await work(item)

    with first_error():
        async with asyncio.TaskGroup() as group:
            for _ in range(limit):
                group.create_task(take())


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
