"""What IAM refuses whoever asks."""

from collections.abc import Callable
from typing import Any

import pytest

from local.aws.iam_checks import ATTACHED_POLICIES
from tests.unit.local.aws.conftest import ACCOUNT, Account, allow, policy, trust

Refused = Callable[[Callable[[], Any]], tuple[str, int, str]]

TAG_RULES = [
    ([{"Key": f"k{i}", "Value": ""} for i in range(45)], ("LimitExceeded", 409)),
    ([{"Key": "Team", "Value": "x"}], ("InvalidAction", 400)),
    ([{"Key": "aws:x", "Value": "x"}], ("InvalidInput", 400)),
    ([{"Key": "x", "Value": "1"}, {"Key": "X", "Value": "2"}], ("InvalidInput", 400)),
]


@pytest.mark.parametrize(("tags", "expected"), TAG_RULES)
def test_tags_have_limits(
    account: Account, refused: Refused, tags: list[dict[str, str]], expected: tuple[str, int]
) -> None:
    present = [{"Key": f"own{i}", "Value": ""} for i in range(5)] + [{"Key": "team", "Value": "a"}]
    account.role("reader", trust("*"), Tags=present)
    assert refused(lambda: account.iam.tag_role(RoleName="reader", Tags=tags))[:2] == expected


def test_inline_policies_share_one_limit(account: Account, refused: Refused) -> None:
    account.role("reader", trust("*"))
    large = policy(allow("a:b", [f"arn:aws:s3:::{'x' * 100}{i}" for i in range(50)]))

    def put(name: str) -> Any:
        return account.iam.put_role_policy(RoleName="reader", PolicyName=name, PolicyDocument=large)

    put("one")
    put("one")
    assert refused(lambda: put("two"))[:2] == ("LimitExceeded", 409)


def test_only_so_many_policies_may_be_attached(account: Account, refused: Refused) -> None:
    account.role("reader", trust("*"))
    names = [f"p{i}" for i in range(ATTACHED_POLICIES + 1)]
    arns = [
        account.iam.create_policy(PolicyName=n, PolicyDocument=policy(allow("a:b")))["Policy"]["Arn"] for n in names
    ]
    for arn in arns[:-1]:
        account.iam.attach_role_policy(RoleName="reader", PolicyArn=arn)
    account.iam.attach_role_policy(RoleName="reader", PolicyArn=arns[0])
    refusal = refused(lambda: account.iam.attach_role_policy(RoleName="reader", PolicyArn=arns[-1]))
    assert refusal[:2] == ("LimitExceeded", 409)


@pytest.mark.parametrize("call", ["create_role", "put_role_permissions_boundary"])
def test_a_boundary_must_exist(account: Account, refused: Refused, call: str) -> None:
    account.role("reader", trust("*"))
    missing = f"arn:aws:iam::{ACCOUNT}:policy/missing"
    more = {"RoleName": "other", "AssumeRolePolicyDocument": trust("*")} if call == "create_role" else {}
    parameters = {"RoleName": "reader", "PermissionsBoundary": missing} | more
    code, status, message = refused(lambda: getattr(account.iam, call)(**parameters))
    assert (code, status) == ("NoSuchEntity", 404)
    assert "does not exist or is not attachable" in message


def test_a_role_with_policies_is_not_deleted(account: Account, refused: Refused) -> None:
    iam = account.iam
    account.role("reader", trust("*"), allow("a:b"))
    arn = "arn:aws:iam::aws:policy/AmazonKeyspacesReadOnlyAccess"
    iam.attach_role_policy(RoleName="reader", PolicyArn=arn)
    assert refused(lambda: iam.delete_role(RoleName="reader"))[:2] == ("DeleteConflict", 409)
    iam.detach_role_policy(RoleName="reader", PolicyArn=arn)
    assert refused(lambda: iam.delete_role(RoleName="reader"))[:2] == ("DeleteConflict", 409)
    iam.delete_role_policy(RoleName="reader", PolicyName="own")
    iam.delete_role(RoleName="reader")
    for call in (iam.get_role, iam.delete_role, iam.list_role_policies):
        refusal = refused(lambda call=call: call(RoleName="reader"))
        assert refusal == ("NoSuchEntity", 404, "The role with name reader cannot be found.")


def test_names_and_paths_have_limits(account: Account, refused: Refused) -> None:
    for changes in ({"RoleName": "r" * 65}, {"Path": "/" + "p" * 511 + "/"}, {"Path": "keyward/"}):
        parameters = {"RoleName": "r", "AssumeRolePolicyDocument": trust("*")} | changes
        assert refused(lambda p=parameters: account.iam.create_role(**p))[:2] == ("ValidationError", 400)


def test_an_update_must_say_everything(account: Account, refused: Refused) -> None:
    account.role("reader", trust("*"))
    assert refused(lambda: account.iam.update_role(RoleName="reader", MaxSessionDuration=7200))[0] == "InvalidAction"
    account.iam.update_role(RoleName="reader", Description="d", MaxSessionDuration=7200)
    assert account.iam.get_role(RoleName="reader")["Role"]["MaxSessionDuration"] == 7200
