import copy

from keyward_api.names import Condition
from tests.unit.operator.builders import role, user
from tests.unit.operator.plan.access.worlds import database, message, told, verdicts, world


def test_a_role_says_where_it_counts_and_who_holds_it() -> None:
    labelled = role(databases={"selector": {"matchLabels": {"team": "b"}}})
    databases = (database("orders"), database("stock", {"team": "b"}))
    found = told(world(roles=(labelled,), users=(user("web"), user("app")), databases=databases))["reader"]
    assert verdicts(found)[Condition.READY] == ("True", "Ready")
    assert (found.status["databases"], found.status["users"]) == (["stock"], ["app", "web"])


def test_a_role_of_nobody_is_ready_and_says_so() -> None:
    found = told(world(roles=(role(),)))["reader"]
    assert verdicts(found)[Condition.READY] == ("True", "Ready")
    assert "no KeyspacesUser names it" in message(found, Condition.READY)


def test_a_database_that_is_missing_is_named() -> None:
    found = told(world(roles=(role(databases={"names": ["orders", "oders", "*"]}),)))["reader"]
    assert verdicts(found)[Condition.READY] == ("False", "DatabaseNotFound")
    assert "no KeyspacesDatabase oders" in message(found, Condition.READY)


def test_rules_about_nothing_are_no_success() -> None:
    found = told(world(roles=(role(databases={"selector": {"matchLabels": {"team": "c"}}}),)))["reader"]
    assert verdicts(found)[Condition.READY] == ("False", "NoDatabase")


def test_a_role_that_cannot_be_read_says_why_even_where_no_database_is() -> None:
    broken = role()
    broken["spec"]["allow"][0]["permissions"] = ["Dance"]
    for databases in ((database(),), ()):
        found = told(world(roles=(copy.deepcopy(broken),), databases=databases))["reader"]
        assert verdicts(found)[Condition.READY] == ("False", "RoleInvalid")
        assert "permissions" in message(found, Condition.READY)


def test_an_arn_of_another_account_is_told_to_the_role_even_if_nobody_holds_it() -> None:
    foreign = role(dbUsers=["arn:aws:iam::999999999999:role/Reader"])
    found = told(world(roles=(foreign,)))["reader"]
    assert verdicts(found)[Condition.READY] == ("False", "RoleInvalid")
    assert "is not of account 111122223333" in message(found, Condition.READY)
