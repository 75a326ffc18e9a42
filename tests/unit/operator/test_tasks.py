import asyncio

import pytest

from keyward_operator.tasks import at_once, first_error


async def fail() -> None:
    raise KeyError("the cause")


async def fail_in_a_group() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(fail())


async def test_the_first_error_of_nested_groups_is_raised_as_itself() -> None:
    with pytest.raises(KeyError, match="the cause"), first_error():
        async with asyncio.TaskGroup() as group:
            group.create_task(fail_in_a_group())


def test_what_is_no_group_passes() -> None:
    with pytest.raises(KeyError), first_error():
        raise KeyError("x")


async def test_so_many_at_once_and_all_of_them() -> None:
    running, most, done = 0, 0, []

    async def work(item: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        done.append(item)

    await at_once(work, range(7), limit=3)
    assert (most, sorted(done)) == (3, list(range(7)))


async def test_what_the_work_raises_is_raised_and_the_rest_is_left() -> None:
    begun: list[int] = []

    async def work(item: int) -> None:
        begun.append(item)
        await fail()

    with pytest.raises(KeyError, match="the cause"):
        await at_once(work, range(100), limit=2)
    assert len(begun) == 2
