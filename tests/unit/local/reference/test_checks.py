"""What checks say is read in their code, whichever way they say it."""

from types import FunctionType
from typing import Any

import pytest

from keyward_api.names import Reason
from keyward_operator.plan import checks
from keyward_operator.plan.access import locks
from keyward_operator.plan.verdicts import Verdict, fails, holds, passes_on, unknown
from local.reference.checks import Said, said_by, said_by_check
from local.reference.errors import IncompleteError

View = Any


def said(function: object) -> set[tuple[str, str]]:
    assert isinstance(function, FunctionType)
    return {(each.status, each.reason) for each in said_by(function)}


def of_each_status(view: View) -> Verdict:
    if view == 1:
        return holds(Reason.READY, "")
    return unknown(Reason.PENDING, "") if view else fails(reason=Reason.UNAVAILABLE, message="")


def chosen(view: View) -> Verdict:
    reason = Reason.INVALID_SPEC if view else Reason.NOT_PERMITTED
    return fails(reason, "")


def taken(view: View) -> Verdict:
    return fails(view.problem.reason, "")


def asking(view: View) -> Verdict | None:
    return unknown(Reason.PENDING, "") if checks.scaled_to_zero(view) else None


def silent(view: View) -> Verdict:
    return view.verdict  # type: ignore[no-any-return]


@passes_on(of_each_status)
def passing(view: View) -> Verdict:
    return view.verdict  # type: ignore[no-any-return]


@passes_on(Reason.ROLE_INVALID, Reason.USER_INVALID)
def declared(view: View) -> Verdict:
    return fails(view.problem.reason, "")


def given(reason: str) -> Verdict:
    return fails(reason, "")


def by_itself(view: View) -> Verdict:
    return Verdict(status="True", reason=Reason.READY, message="")


def test_every_status_is_read() -> None:
    assert said(of_each_status) == {("True", "Ready"), ("Unknown", "Pending"), ("False", "Unavailable")}


def test_a_reason_that_is_chosen_may_be_either() -> None:
    assert said(chosen) == {("False", "InvalidSpec"), ("False", "NotPermitted")}


def test_what_is_declared_is_passed_on() -> None:
    assert said(declared) == {("False", "RoleInvalid"), ("False", "UserInvalid")}


def test_what_is_only_asked_is_not_said() -> None:
    assert said(asking) == {("Unknown", "Pending")}


def test_a_check_may_give_what_a_function_said_elsewhere_if_it_declares_that() -> None:
    assert said(passing) == said(of_each_status)
    with pytest.raises(IncompleteError, match="silent gives no verdict that can be read"):
        said_by_check(silent)  # type: ignore[arg-type]


@pytest.mark.parametrize("function", [taken, given])
def test_a_reason_from_elsewhere_must_be_declared(function: object) -> None:
    with pytest.raises(IncompleteError, match=r"declare what it may be by @passes_on\(Reason"):
        said(function)


def test_a_verdict_is_made_by_those_functions_alone() -> None:
    with pytest.raises(IncompleteError, match="by_itself makes a Verdict itself"):
        said(by_itself)


def test_functions_of_the_operator_that_are_called_are_read_too() -> None:
    def calling(view: View) -> Verdict | None:
        return checks.scaled_to_zero(view) or checks.an_agent_is_available(view)

    assert said(calling) == {("False", "ScaledToZero"), ("True", "Available")}


def test_a_reason_may_be_given_to_the_function_that_tells_it() -> None:
    assert said(locks.a_user_is_missing) == {("False", "UserNotFound")}
    assert said(locks.a_role_is_missing) == {("False", "RoleNotFound")}


def test_the_order_is_that_of_the_code() -> None:
    assert said_by(checks.no_agent_has_tried) == [Said(status="Unknown", reason=Reason.NOT_TRIED)]
