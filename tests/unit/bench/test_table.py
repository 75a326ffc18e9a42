import pytest

from tests.bench.operator.table import Table


@pytest.mark.parametrize(("value", "missed"), [(1.0, False), (1.01, True)])
def test_a_goal_is_missed_above_its_limit(value: float, missed: bool) -> None:
    table = Table(counts_only=False)
    table.add("how long", value, "s", at_most=1)
    assert bool(table.missed) == missed
    assert ("missed" if missed else "ok") in str(table)


def test_with_counts_only_no_time_and_no_size_is_missed() -> None:
    table = Table(counts_only=True)
    table.add("how long", 100, "s", at_most=1)
    table.add("how large", 100, "MiB", at_most=1)
    assert table.missed == []
    table.add("how many", 1, at_most=0)
    assert [row.what for row in table.missed] == ["how many"]


def test_what_has_no_goal_is_never_missed() -> None:
    table = Table(counts_only=False)
    table.add("how many", 10**9)
    assert table.missed == []
