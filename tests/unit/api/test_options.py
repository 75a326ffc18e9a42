import pytest

from keyward_api.options import strictest
from keyward_api.resources.role import RoleOptions


def test_of_nothing_nothing_is_asked() -> None:
    assert strictest([]) == RoleOptions()


@pytest.mark.parametrize(("first", "second", "expected"), [(10, 20, 10), (None, 20, 20), (None, None, None)])
def test_the_shortest_time_counts(first: int | None, second: int | None, expected: int | None) -> None:
    options = strictest([RoleOptions(idle_timeout_seconds=first), RoleOptions(idle_timeout_seconds=second)])
    assert options.idle_timeout_seconds == expected


@pytest.mark.parametrize(
    ("values", "expected"), [((True, True), True), ((True, False), False), ((None, True), True), ((None, None), None)]
)
def test_one_no_is_enough(values: tuple[bool | None, ...], expected: bool | None) -> None:
    assert strictest(RoleOptions(allow_tracing=value) for value in values).allow_tracing is expected
