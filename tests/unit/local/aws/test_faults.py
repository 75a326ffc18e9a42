"""Faults on demand, as a caller sees them."""

from collections.abc import Callable
from typing import Any

import pytest

from local.aws.faults import REFUSALS, Refusal
from tests.unit.local.aws.conftest import Account, allow, trust

Refused = Callable[[Callable[[], Any]], tuple[str, int, str]]


@pytest.mark.parametrize(
    ("code", "status"),
    [("Throttling", 400), ("ServiceFailure", 500), ("ConcurrentModification", 409), ("LimitExceeded", 409)],
)
def test_a_call_is_refused_as_often_as_asked(account: Account, refused: Refused, code: str, status: int) -> None:
    refusal = Refusal(action="iam:List*", code=code, times=2)
    account.faults.set(refusals=[refusal], visibility_delay_seconds=0)
    account.iam.get_account_summary()
    for _ in range(2):
        assert refused(account.iam.list_roles) == (code, status, REFUSALS[code][1])
    account.iam.list_roles()


def test_a_fault_is_of_known_callers_only(account: Account, refused: Refused) -> None:
    account.faults.set(refusals=[Refusal(action="iam:*", code="Throttling", times=1)], visibility_delay_seconds=0)
    assert refused(account.client("iam", None).list_roles)[0] == "MissingAuthenticationToken"
    assert refused(account.iam.list_roles)[0] == "Throttling"


def test_a_new_role_is_not_seen_at_once(account: Account, refused: Refused) -> None:
    account.faults.set(refusals=[], visibility_delay_seconds=5)
    ann = account.user("ann", allow("sts:AssumeRole"))
    arn = account.role("reader", trust("*"))
    iam = account.iam
    assert refused(lambda: iam.get_role(RoleName="reader"))[:2] == ("NoSuchEntity", 404)
    assert refused(lambda: iam.delete_role(RoleName="reader"))[:2] == ("NoSuchEntity", 404)
    assert iam.list_roles()["Roles"] == []
    assert refused(lambda: account.role("reader", trust("*")))[0] == "EntityAlreadyExists"
    assert refused(lambda: account.role("other", trust({"AWS": arn})))[0] == "MalformedPolicyDocument"
    assert refused(lambda: account.session(ann, arn))[0] == "AccessDenied"
    account.clock.advance(5)
    assert iam.get_role(RoleName="reader")["Role"]["Arn"] == arn
    account.session(ann, arn)
