import asyncio

import pytest

from keyward_operator.tasks import first_error


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
