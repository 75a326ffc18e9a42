import pytest

from keyward_api.names import Condition
from tests.unit.operator.builders import role, user
from tests.unit.operator.plan.access.worlds import database, message, told, verdicts, world

READY = ("True", "Ready")


def test_a_user_says_where_it_has_access_and_by_how_many_grants() -> None:
    databases = (database("orders"), database("stock", {"team": "b"}))
    found = told(world(roles=(role(),), users=(user(),), databases=databases))["app"]
    assert verdicts(found) == {
        Condition.READY: READY,
        Condition.ACTIVE: ("True", "Active"),
        Condition.REFERENCES_RESOLVED: ("True", "Resolved"),
        Condition.POLICY_COMPILED: ("True", "Compiled"),
    }
    assert (found.status["databases"], found.status["grants"]) == (["orders", "stock"], 2)
    assert found.reference.namespace == "payments"


def test_a_role_that_is_missing_is_named() -> None:
    found = told(world(roles=(role(),), users=(user(roles=("reader", "writer")),)))["app"]
    assert verdicts(found)[Condition.READY] == ("False", "RoleNotFound")
    assert "no KeyspacesRole writer: create it" in message(found, Condition.READY)
    assert verdicts(found)[Condition.POLICY_COMPILED] == ("True", "Compiled"), "the other role counts"
    assert found.status["grants"] == 1


@pytest.mark.parametrize(
    ("spec", "reason", "says"),
    [
        ({"suspended": True}, "Suspended", "`suspended` is true"),
        ({"expireTime": "2026-11-23T11:59:59Z"}, "Expired", "access ended at 2026-11-23T11:59:59Z"),
    ],
)
def test_a_user_without_access_says_why(spec: dict[str, object], reason: str, says: str) -> None:
    found = told(world(roles=(role(),), users=(user(**spec),)))["app"]
    assert verdicts(found)[Condition.READY] == verdicts(found)[Condition.ACTIVE] == ("False", reason)
    assert says in message(found, Condition.ACTIVE)
    assert (found.status["databases"], found.status["grants"]) == ([], 0)


def test_an_end_to_come_is_told() -> None:
    found = told(world(roles=(role(),), users=(user(expireTime="2026-11-23T12:00:01Z"),)))["app"]
    assert message(found, Condition.ACTIVE) == "access ends at 2026-11-23T12:00:01Z"


@pytest.mark.parametrize(
    ("databases", "says"),
    [
        ((database("stock"),), "no rule of its roles is about stock"),
        ((), "none is served here"),
        ((database(endpoint={"type": "Custom", "address": "x"}),), "none is served here"),
    ],
)
def test_access_to_no_database_is_no_success(databases: tuple[dict[str, object], ...], says: str) -> None:
    only = role(databases={"names": ["orders"]})
    found = told(world(roles=(only,), users=(user(),), databases=databases))["app"]
    assert verdicts(found)[Condition.READY] == ("False", "NoDatabase")
    assert says in message(found, Condition.READY)


def test_a_user_that_cannot_be_read_says_why() -> None:
    broken = user()
    broken["spec"]["subjects"] = [{"kind": "Robot", "name": "x"}]
    found = told(world(roles=(role(),), users=(broken,)))["app"]
    assert verdicts(found)[Condition.READY] == ("False", "UserInvalid")
    assert "subjects.0.kind" in message(found, Condition.READY)


def test_what_was_left_out_of_a_policy_is_told_to_the_user_that_misses_it_alone() -> None:
    large = role("large", keyspaces=[f"keyspace_{n}_{'x' * 30}" for n in range(60)])
    found = told(world(roles=(role(), large), users=(user(), user("big", ("large",)))))
    assert verdicts(found["big"])[Condition.READY] == ("False", "GrantTooLarge")
    assert verdicts(found["app"])[Condition.READY] == READY
