"""The caller's side of a verdict."""

from dataclasses import replace
from typing import Any

import pytest

from local.aws.permissions import caller_request, caller_verdict, denial
from local.aws.principals import Principal, PrincipalKind, root_principal
from tests.unit.local.aws.conftest import ACCOUNT, Account, allow, trust


def caller(account: Account, *statements: dict[str, Any], **tags: str) -> Principal:
    arn = account.role("agent", trust("*"), *statements, Tags=[{"Key": "stage", "Value": "prod"}])
    role = account.store.role(arn)
    assert role is not None
    return Principal(
        kind=PrincipalKind.ROLE_SESSION,
        arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/agent/s1",
        account=ACCOUNT,
        user_id=f"{role.role_id}:s1",
        owner_arn=arn,
        owner_id=role.role_id,
        source_identity="ann",
        tags=tags,
    )


@pytest.mark.parametrize(
    ("key", "value", "holds"),
    [
        ("aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:role/agent", True),
        ("aws:PrincipalArn", f"arn:aws:sts::{ACCOUNT}:assumed-role/agent/s1", False),
        ("aws:PrincipalAccount", ACCOUNT, True),
        ("aws:SourceIdentity", "ann", True),
        ("aws:SourceIdentity", "bob", False),
        ("aws:userid", "*:s1", True),
        ("aws:PrincipalTag/team", "a", True),
        ("aws:PrincipalTag/TEAM", "a", True),
        ("aws:PrincipalTag/stage", "prod", True),
        ("aws:PrincipalTag/none", "*", False),
        ("aws:username", "*", False),
    ],
)
def test_conditions_on_the_caller(account: Account, key: str, value: str, holds: bool) -> None:
    principal = caller(account, allow("cassandra:Select", Condition={"StringLike": {key: value}}), team="a")
    request = caller_request(account.store, principal, action="cassandra:Select", resource="arn:aws:a:b:c:d")
    assert caller_verdict(account.store, principal, request).allowed is holds


def test_a_session_tag_replaces_the_roles(account: Account) -> None:
    statement = allow("a:b", Condition={"StringEquals": {"aws:PrincipalTag/stage": "test"}})
    principal = caller(account, statement, Stage="test")
    request = caller_request(account.store, principal, action="a:b", resource="*")
    assert caller_verdict(account.store, principal, request).allowed
    without = replace(principal, tags={})
    request = caller_request(account.store, without, action="a:b", resource="*")
    assert not caller_verdict(account.store, without, request).allowed


def test_the_root_is_bound_by_nothing_and_others_are_told_why(account: Account) -> None:
    principal = caller(account)
    request = caller_request(account.store, principal, action="a:b", resource="*")
    assert caller_verdict(account.store, root_principal(ACCOUNT), request).allowed
    verdict = caller_verdict(account.store, principal, request)
    assert denial(principal, request, verdict) == (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/agent/s1 is not authorized to perform: a:b "
        "because no identity-based policy allows the a:b action"
    )
