import pytest

from keyward_api.names import Condition
from tests.unit.operator.builders import lock, role, user
from tests.unit.operator.plan.access.worlds import database, message, told, verdicts, world


def test_a_lock_says_where_it_is_in_force() -> None:
    databases = (database("orders"), database("stock"))
    found = told(world(locks=(lock(target={"database": "stock"}),), databases=databases))["incident"]
    assert verdicts(found)[Condition.READY] == ("True", "Ready")
    assert found.status["databases"] == ["stock"]
    assert message(found, Condition.ACTIVE) == "the lock ends with its deletion"


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ({"user": "nobody"}, "UserNotFound"),
        ({"role": "nothing"}, "RoleNotFound"),
        ({"database": "nowhere"}, "DatabaseNotFound"),
    ],
)
def test_a_target_that_does_not_exist_is_told(target: dict[str, str], reason: str) -> None:
    found = told(world(roles=(role(),), users=(user(),), locks=(lock(target=target),)))["incident"]
    assert verdicts(found)[Condition.READY] == ("False", reason)


@pytest.mark.parametrize("target", [{"user": "app"}, {"role": "reader"}, {"session": "0" * 32}, {"agent": "agent-1"}])
def test_a_target_that_exists_or_is_no_object_is_fine(target: dict[str, str]) -> None:
    found = told(world(roles=(role(),), users=(user(),), locks=(lock(target=target),)))["incident"]
    assert verdicts(found)[Condition.READY] == ("True", "Ready")
    assert found.status["databases"] == ["orders"]


def test_a_lock_that_has_ended_is_in_force_nowhere() -> None:
    ended = lock(target={"database": "orders"}, expireTime="2026-11-23T12:00:00Z")
    found = told(world(locks=(ended,)))["incident"]
    assert verdicts(found)[Condition.READY] == ("False", "Expired")
    assert message(found, Condition.ACTIVE) == "the lock ended at 2026-11-23T12:00:00Z"
    assert found.status["databases"] == []


def test_a_lock_that_cannot_be_read_says_that_it_locks_everybody() -> None:
    found = told(world(locks=(lock(target={"planet": "mars"}),)))["incident"]
    assert verdicts(found)[Condition.READY] == ("False", "LockInvalid")
    assert "locks everybody out of KeyspacesDatabase orders" in message(found, Condition.READY)
    assert found.status["databases"] == ["orders"]


def test_a_lock_without_a_database_to_lock_says_so() -> None:
    found = told(world(locks=(lock(target={"user": "app"}),), users=(user(),), databases=()))["incident"]
    assert verdicts(found)[Condition.READY] == ("False", "NoDatabase")
