"""Rights on roles by path, boundary, tag and policy: what keeps an operator of roles in its bounds."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.local.aws.conftest import ACCOUNT, Account, allow, policy, trust

Refused = Callable[[Callable[[], Any]], tuple[str, int, str]]

OURS = f"arn:aws:iam::{ACCOUNT}:role/keyward/*"
READ_ONLY = "arn:aws:iam::aws:policy/AmazonKeyspacesReadOnlyAccess"
FULL = "arn:aws:iam::aws:policy/AmazonKeyspacesFullAccess"
DENIED = ("AccessDenied", 403)


@pytest.fixture
def boundary(account: Account) -> str:
    arn: str = account.iam.create_policy(PolicyName="bound", PolicyDocument=policy(allow("*")))["Policy"]["Arn"]
    return arn


def bound_to(boundary: str, *actions: str) -> dict[str, Any]:
    return allow(list(actions), OURS, Condition={"StringEquals": {"iam:PermissionsBoundary": boundary}})


def test_a_role_is_made_within_path_and_boundary_only(account: Account, refused: Refused, boundary: str) -> None:
    iam = account.client("iam", account.user("ann", bound_to(boundary, "iam:CreateRole")))
    parameters = {"RoleName": "r", "AssumeRolePolicyDocument": trust("*"), "PermissionsBoundary": boundary}
    for changes in (
        {"Path": "/"},
        {"Path": "/other/"},
        {"Path": "/keyward/", "PermissionsBoundary": FULL},
    ):
        assert refused(lambda c=changes: iam.create_role(**parameters | c))[:2] == DENIED
    without = {key: value for key, value in parameters.items() if key != "PermissionsBoundary"}
    assert refused(lambda: iam.create_role(**without, Path="/keyward/"))[:2] == DENIED
    iam.create_role(**parameters, Path="/keyward/")
    assert refused(lambda: iam.create_role(**parameters, Path="/keyward/"))[0] == "EntityAlreadyExists"


def test_a_taken_name_is_told_from_a_forbidden_one(account: Account, refused: Refused, boundary: str) -> None:
    account.role("r", trust("*"), Path="/admin/")
    iam = account.client("iam", account.user("ann", bound_to(boundary, "iam:CreateRole")))
    parameters = {"RoleName": "r", "AssumeRolePolicyDocument": trust("*"), "PermissionsBoundary": boundary}
    assert refused(lambda: iam.create_role(**parameters, Path="/keyward/"))[0] == "EntityAlreadyExists"


def test_rights_on_a_path_do_not_reach_a_role_that_is_not_there(account: Account, refused: Refused) -> None:
    iam = account.client("iam", account.user("ann", allow("iam:GetRole", OURS)))
    assert refused(lambda: iam.get_role(RoleName="missing"))[:2] == DENIED
    bob = account.client("iam", account.user("bob", allow("iam:GetRole", f"arn:aws:iam::{ACCOUNT}:role/*")))
    assert refused(lambda: bob.get_role(RoleName="missing"))[:2] == ("NoSuchEntity", 404)


def test_policies_are_changed_on_roles_with_the_boundary_only(
    account: Account, refused: Refused, boundary: str
) -> None:
    writes = ["PutRolePolicy", "DeleteRolePolicy", "AttachRolePolicy", "DetachRolePolicy"]
    iam = account.client("iam", account.user("ann", bound_to(boundary, *(f"iam:{name}" for name in writes))))
    account.role("bare", trust("*"), Path="/keyward/")
    account.role("bound", trust("*"), Path="/keyward/", PermissionsBoundary=boundary)

    def calls(role: str) -> list[Callable[[], Any]]:
        own = {"RoleName": role, "PolicyName": "p"}
        managed = {"RoleName": role, "PolicyArn": READ_ONLY}
        return [
            lambda: iam.put_role_policy(**own, PolicyDocument=policy(allow("a:b"))),
            lambda: iam.delete_role_policy(**own),
            lambda: iam.attach_role_policy(**managed),
            lambda: iam.detach_role_policy(**managed),
        ]

    for call in calls("bare"):
        assert refused(call)[:2] == DENIED
    for call in calls("bound"):
        call()


def test_a_boundary_may_be_set_to_the_named_one_and_not_removed(
    account: Account, refused: Refused, boundary: str
) -> None:
    iam = account.client("iam", account.user("ann", bound_to(boundary, "iam:PutRolePermissionsBoundary")))
    account.role("r", trust("*"), Path="/keyward/")
    refusal = refused(lambda: iam.put_role_permissions_boundary(RoleName="r", PermissionsBoundary=FULL))
    assert refusal[:2] == DENIED
    iam.put_role_permissions_boundary(RoleName="r", PermissionsBoundary=boundary)
    assert refused(lambda: iam.delete_role_permissions_boundary(RoleName="r"))[:2] == DENIED
    found = account.iam.get_role(RoleName="r")["Role"]["PermissionsBoundary"]
    assert found == {"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": boundary}


def test_the_boundary_of_a_role_binds_it(account: Account) -> None:
    ann = account.user("ann", allow("sts:AssumeRole"))
    narrow = account.iam.create_policy(PolicyName="n", PolicyDocument=policy(allow("iam:GetRole")))["Policy"]["Arn"]
    arn = account.role("r", trust("*"), allow("iam:*"), PermissionsBoundary=narrow)
    iam = account.client("iam", account.session(ann, arn))
    iam.get_role(RoleName="r")
    with pytest.raises(iam.exceptions.ClientError, match="no permissions boundary allows"):
        iam.list_roles()


def test_the_key_of_a_policy_is_of_attachments_only(account: Account, refused: Refused) -> None:
    reading = allow("iam:GetPolicy", Condition={"ArnEquals": {"iam:PolicyARN": READ_ONLY}})
    iam = account.client("iam", account.user("ann", reading))
    assert refused(lambda: iam.get_policy(PolicyArn=READ_ONLY))[:2] == DENIED


def test_tags_of_a_role_decide_and_those_of_a_namesake_to_be_do_not(account: Account, refused: Refused) -> None:
    mine = allow(["iam:CreateRole", "iam:TagRole"], Condition={"StringEquals": {"aws:ResourceTag/owner": "me"}})
    iam = account.client("iam", account.user("ann", mine))
    account.role("r", trust("*"), Tags=[{"Key": "owner", "Value": "me"}])
    iam.tag_role(RoleName="r", Tags=[{"Key": "more", "Value": "1"}])
    assert refused(lambda: iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust("*")))[:2] == DENIED


def test_roles_are_listed_by_a_right_on_everything_only(account: Account, refused: Refused) -> None:
    iam = account.client("iam", account.user("ann", allow("iam:ListRoles", OURS)))
    assert refused(lambda: iam.list_roles(PathPrefix="/keyward/"))[:2] == DENIED


def test_to_make_a_role_with_tags_takes_the_right_to_tag_it(account: Account, refused: Refused) -> None:
    parameters = {"RoleName": "r", "AssumeRolePolicyDocument": trust("*"), "Path": "/keyward/"}
    tags = [{"Key": "owner", "Value": "me"}]
    mine = {"Condition": {"StringEquals": {"aws:RequestTag/owner": "me"}}}
    ann = account.client("iam", account.user("ann", allow("iam:CreateRole", OURS)))
    bob = account.client("iam", account.user("bob", allow(["iam:CreateRole", "iam:TagRole"], OURS, **mine)))
    refusal = refused(lambda: ann.create_role(**parameters, Tags=tags))
    assert refusal[:2] == DENIED
    assert "iam:TagRole" in refusal[2]
    bob.create_role(**parameters, Tags=tags)
    ann.create_role(**parameters | {"RoleName": "s"})
