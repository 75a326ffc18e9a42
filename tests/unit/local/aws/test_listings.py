"""Lists come in pages."""

from collections.abc import Callable
from typing import Any

from tests.unit.local.aws.conftest import Account, allow, policy, trust

Refused = Callable[[Callable[[], Any]], tuple[str, int, str]]


def test_every_list_of_a_role_comes_in_pages(account: Account) -> None:
    account.role("reader", trust("*"), Tags=[{"Key": f"k{i}", "Value": "v"} for i in range(5)])
    for number in range(5):
        name = f"p{number}"
        account.iam.put_role_policy(RoleName="reader", PolicyName=name, PolicyDocument=policy(allow("a:b")))
        arn = account.iam.create_policy(PolicyName=name, PolicyDocument=policy(allow("a:b")))["Policy"]["Arn"]
        account.iam.attach_role_policy(RoleName="reader", PolicyArn=arn)
    for call, member, key in (
        ("list_role_policies", "PolicyNames", None),
        ("list_attached_role_policies", "AttachedPolicies", "PolicyName"),
    ):
        pages = list(account.iam.get_paginator(call).paginate(RoleName="reader", PaginationConfig={"PageSize": 2}))
        assert [len(found[member]) for found in pages] == [2, 2, 1]
        assert [found["IsTruncated"] for found in pages] == [True, True, False]
        names = [item[key] if key else item for found in pages for item in found[member]]
        assert names == [f"p{i}" for i in range(5)]
    first = account.iam.list_role_tags(RoleName="reader", MaxItems=3)
    rest = account.iam.list_role_tags(RoleName="reader", MaxItems=3, Marker=first["Marker"])
    assert [tag["Key"] for tag in first["Tags"] + rest["Tags"]] == [f"k{i}" for i in range(5)]


def test_roles_are_listed_by_path_without_what_iam_leaves_out(account: Account) -> None:
    account.role("mine", trust("*"), Path="/keyward/", Tags=[{"Key": "a", "Value": "b"}], MaxSessionDuration=7200)
    account.role("other", trust("*"), Path="/keyward2/")
    (role,) = account.iam.list_roles(PathPrefix="/keyward/")["Roles"]
    assert (role["RoleName"], role["Path"], role["MaxSessionDuration"]) == ("mine", "/keyward/", 7200)
    assert not {"Tags", "PermissionsBoundary", "RoleLastUsed"} & set(role)
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == "*"


def test_a_marker_is_good_for_its_list_alone(account: Account, refused: Refused) -> None:
    for name in ("a", "b"):
        account.role(name, trust("*"))
    marker = account.iam.list_roles(MaxItems=1)["Marker"]
    assert refused(lambda: account.iam.list_roles(Marker=marker, PathPrefix="/x/"))[:2] == ("ValidationError", 400)
    assert refused(lambda: account.iam.list_roles(Marker="nonsense"))[:2] == ("ValidationError", 400)
