"""What counts as a difference, and what explains one."""

from pathlib import Path

import pytest

from tests.compat.comparison import Explanation, compare, explanations, unexplained, unused
from tests.compat.results import Outcome, Result, Results

TABLE = """\
- suites: gocql .*
  tests: TestUDF
  says: has no functions
  reason: There are none.
"""


@pytest.fixture
def table(tmp_path: Path) -> list[Explanation]:
    path = tmp_path / "differences.yaml"
    path.write_text(TABLE)
    return explanations(path)


def results(**outcomes: str) -> Results:
    return {
        name: Result(name=name, outcome=Outcome(outcome.split(":")[0]), message=outcome.partition(":")[2])
        for name, outcome in outcomes.items()
    }


def test_what_ends_alike_is_no_difference(table: list[Explanation]) -> None:
    same = results(A="passed", B="failed:one way"), results(A="passed", B="failed:another way")
    assert compare("gocql 1", *same, table) == []


def test_a_difference_has_the_reason_of_the_line_that_fits(table: list[Explanation]) -> None:
    (found,) = compare("gocql 1", results(TestUDF="passed"), results(TestUDF="failed:it has no functions"), table)
    assert found.reason == "There are none."
    assert unexplained([found]) == []


@pytest.mark.parametrize(
    ("suite", "name", "message"),
    [
        ("gocql 1", "TestUDF", "timed out"),
        ("gocql 1", "TestUDFs", "it has no functions"),
        ("java", "TestUDF", "it has no functions"),
    ],
    ids=["another failure", "another test", "another suite"],
)
def test_a_line_explains_nothing_else(table: list[Explanation], suite: str, name: str, message: str) -> None:
    found = compare(suite, results(**{name: "passed"}), results(**{name: f"failed:{message}"}), table)
    assert [difference.name for difference in unexplained(found)] == [name]


def test_a_test_that_passes_through_the_agent_alone_is_a_difference_too(table: list[Explanation]) -> None:
    assert unexplained(compare("gocql 1", results(A="failed"), results(A="passed"), table))


def test_a_test_that_never_ended_is_missing_not_alike(table: list[Explanation]) -> None:
    (found,) = compare("gocql 1", results(A="passed"), {}, table)
    assert found.through.outcome is Outcome.MISSING


def test_parts_that_a_test_did_not_come_to_are_not_told_one_by_one(table: list[Explanation]) -> None:
    direct = results(**{"TestUDF": "passed", "TestUDF/a": "passed", "TestUDFs/a": "passed"})
    found = compare("gocql 1", direct, results(TestUDF="failed:it has no functions"), table)
    assert [difference.name for difference in found] == ["TestUDF", "TestUDFs/a"]


def test_a_reason_that_explains_nothing_is_told(table: list[Explanation]) -> None:
    assert unused(table, ["Another."]) == ["There are none."]
    assert unused(table, ["There are none."]) == []


def test_the_table_of_the_repository_can_be_read() -> None:
    assert all(line.reason for line in explanations())
