"""IAM: who may call what, and what is refused before moto sees it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from local.aws.client import Credentials
from tests.unit.local.aws.conftest import ACCOUNT, Account, allow, policy, trust

Refused = Callable[[Callable[[], Any]], tuple[str, int, str]]

ROLE = f"arn:aws:iam::{ACCOUNT}:role/keyward/"


def test_a_user_without_policies_may_do_nothing(account: Account, refused: Refused) -> None:
    iam = account.client("iam", account.user("ann"))
    assert refused(iam.list_roles) == (
        "AccessDenied",
        403,
        f"User: arn:aws:iam::{ACCOUNT}:user/ann is not authorized to perform: iam:ListRoles "
        "because no identity-based policy allows the iam:ListRoles action",
    )


@pytest.mark.parametrize(
    ("statement", "works"),
    [
        (allow("iam:CreateRole", ROLE + "*"), True),
        (allow("iam:Create*", ROLE + "reader"), True),
        (allow("iam:CreateRole", ROLE + "other"), False),
        (allow("iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/reader"), False),
        (allow("iam:CreateRole", Condition={"StringEquals": {"aws:RequestTag/owner": "keyward"}}), True),
        (allow("iam:CreateRole", Condition={"StringEquals": {"aws:RequestTag/owner": "you"}}), False),
        (allow("iam:CreateRole", Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["owner"]}}), True),
        (allow("iam:CreateRole", Condition={"Null": {"iam:PermissionsBoundary": "true"}}), True),
        (allow("iam:CreateRole", Condition={"Null": {"iam:PermissionsBoundary": "false"}}), False),
        (allow("iam:CreateRole", Condition={"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}), False),
    ],
)
def test_calls_are_authorized_on_the_role_they_name(
    account: Account, refused: Refused, statement: dict[str, Any], works: bool
) -> None:
    iam = account.client("iam", account.user("ann", statement, allow("iam:TagRole")))

    def create() -> Any:
        return iam.create_role(
            RoleName="reader",
            Path="/keyward/",
            AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}),
            Tags=[{"Key": "owner", "Value": "keyward"}],
        )

    if works:
        assert create()["Role"]["Arn"] == ROLE + "reader"
    else:
        assert refused(create)[:2] == ("AccessDenied", 403)


def test_a_role_keeps_its_path_and_tags_in_later_calls(account: Account, refused: Refused) -> None:
    account.role("reader", trust("*"), Path="/keyward/", Tags=[{"Key": "owner", "Value": "keyward"}])
    mine = allow("iam:GetRole", ROLE + "*", Condition={"StringEquals": {"aws:ResourceTag/owner": "keyward"}})
    other = allow("iam:GetRole", ROLE + "*", Condition={"StringEquals": {"iam:ResourceTag/owner": "you"}})
    account.client("iam", account.user("ann", mine)).get_role(RoleName="reader")
    bob = account.client("iam", account.user("bob", other))
    assert refused(lambda: bob.get_role(RoleName="reader"))[0] == "AccessDenied"


def test_attaching_a_policy_may_be_bound_to_the_policy(account: Account, refused: Refused) -> None:
    arn = "arn:aws:iam::aws:policy/AmazonKeyspacesReadOnlyAccess"
    account.role("reader", trust("*"))
    bound = allow("iam:AttachRolePolicy", Condition={"ArnEquals": {"iam:PolicyARN": arn}})
    iam = account.client("iam", account.user("ann", bound))
    iam.attach_role_policy(RoleName="reader", PolicyArn=arn)
    full = "arn:aws:iam::aws:policy/AmazonKeyspacesFullAccess"
    assert refused(lambda: iam.attach_role_policy(RoleName="reader", PolicyArn=full))[0] == "AccessDenied"


def test_a_role_session_calls_iam_by_its_policies(account: Account, refused: Refused) -> None:
    ann = account.user("ann", allow("sts:AssumeRole"))
    role = account.role("admin", trust({"AWS": ACCOUNT}), allow(["iam:GetRole", "iam:ListRoles"]))
    account.client("iam", account.session(ann, role)).list_roles()
    narrow = account.client("iam", account.session(ann, role, Policy=policy(allow("iam:GetRole"))))
    narrow.get_role(RoleName="admin")
    assert "because no session policy allows the iam:ListRoles action" in refused(narrow.list_roles)[2]


def test_a_user_may_be_allowed_its_own_keys_only(account: Account, refused: Refused) -> None:
    own = allow("iam:*AccessKey*", f"arn:aws:iam::{ACCOUNT}:user/ann")
    iam = account.client("iam", account.user("ann", own))
    account.user("bob")
    assert len(iam.list_access_keys()["AccessKeyMetadata"]) == 1
    assert iam.list_access_keys(UserName="ann")["AccessKeyMetadata"]
    assert refused(lambda: iam.list_access_keys(UserName="bob"))[0] == "AccessDenied"


def test_an_inactive_or_deleted_key_is_nobodys(account: Account, refused: Refused) -> None:
    ann = account.user("ann")
    sts = account.client("sts", ann)
    sts.get_caller_identity()
    account.iam.update_access_key(UserName="ann", AccessKeyId=ann.access_key_id, Status="Inactive")
    assert refused(sts.get_caller_identity) == (
        "InvalidClientTokenId",
        403,
        "The security token included in the request is invalid.",
    )
    account.iam.delete_access_key(UserName="ann", AccessKeyId=ann.access_key_id)
    assert refused(sts.get_caller_identity)[0] == "InvalidClientTokenId"


def test_policies_reach_users_through_groups(account: Account) -> None:
    ann = account.user("ann")
    account.iam.create_group(GroupName="admins")
    account.iam.put_group_policy(GroupName="admins", PolicyName="p", PolicyDocument=policy(allow("iam:ListRoles")))
    account.iam.add_user_to_group(GroupName="admins", UserName="ann")
    account.client("iam", ann).list_roles()


def test_malformed_documents_are_refused(account: Account, refused: Refused) -> None:
    iam = account.iam
    account.role("reader", trust("*"))
    missing = f"arn:aws:iam::{ACCOUNT}:role/missing"
    for call in (
        lambda: iam.create_role(RoleName="x", AssumeRolePolicyDocument="{}"),
        lambda: iam.create_role(RoleName="x", AssumeRolePolicyDocument=trust({"AWS": missing})),
        lambda: iam.update_assume_role_policy(RoleName="reader", PolicyDocument=trust({"AWS": missing})),
        lambda: iam.update_assume_role_policy(RoleName="reader", PolicyDocument=policy(allow("sts:AssumeRole"))),
        lambda: iam.put_role_policy(RoleName="reader", PolicyName="p", PolicyDocument=trust("*")),
        lambda: iam.create_policy(PolicyName="p", PolicyDocument=policy(allow("Select"))),
    ):
        assert refused(call)[:2] == ("MalformedPolicyDocument", 400)


def test_documents_have_quotas_that_ignore_white_space(account: Account, refused: Refused) -> None:
    iam = account.iam
    long = trust("*", **{"StringLike": {"sts:ExternalId": ["x" * 100] * 20}})
    assert refused(lambda: iam.create_role(RoleName="x", AssumeRolePolicyDocument=long))[:2] == ("LimitExceeded", 409)
    spaced = json.dumps(json.loads(trust("*")), indent=400)
    assert len(spaced) > 2048
    iam.create_role(RoleName="x", AssumeRolePolicyDocument=spaced)
    wide = policy(allow("cassandra:Select", [f"arn:aws:cassandra:us-east-1:1:/keyspace/k{n}/" for n in range(300)]))
    put = lambda: iam.put_role_policy(RoleName="x", PolicyName="p", PolicyDocument=wide)  # noqa: E731
    assert refused(put)[2].startswith("Cannot exceed quota for MaxRolePolicySize: 10240")


def test_constraints_of_the_model_are_enforced(account: Account, refused: Refused) -> None:
    create = account.iam.create_role
    for more in ({"RoleName": "a b"}, {"RoleName": "r" * 65}, {"MaxSessionDuration": 43201}, {"Path": "keyward"}):
        fields = {"RoleName": "x", "AssumeRolePolicyDocument": trust("*")} | more
        assert refused(lambda fields=fields: create(**fields))[:2] == ("ValidationError", 400)
    wrong = {"UserName": "ann", "AccessKeyId": "AKIAANNANNANNANNANNA", "Status": "Broken"}
    assert "enum value set" in refused(lambda: account.iam.update_access_key(**wrong))[2]


def test_motos_own_refusals_pass_through(account: Account, refused: Refused) -> None:
    assert refused(lambda: account.iam.get_role(RoleName="missing"))[:2] == ("NoSuchEntity", 404)
    account.role("reader", trust("*"))
    assert refused(lambda: account.role("reader", trust("*")))[:2] == ("EntityAlreadyExists", 409)


def test_what_moto_would_ignore_is_refused(account: Account, refused: Refused) -> None:
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    create = account.iam.create_user
    assert refused(lambda: create(UserName="ann", PermissionsBoundary=arn))[0] == "InvalidAction"
    simulate = account.iam.simulate_custom_policy
    refusal = refused(lambda: simulate(PolicyInputList=[policy(allow("a:b"))], ActionNames=["a:b"]))
    assert refusal == (
        "InvalidAction",
        400,
        "iam:SimulateCustomPolicy is not implemented by local AWS; see local/aws/README.md.",
    )


def test_a_stranger_is_refused(account: Account, refused: Refused) -> None:
    stranger = Credentials(access_key_id="AKIASTRANGERSTRANGER", secret_access_key="x")
    assert refused(account.client("iam", stranger).list_roles)[0] == "InvalidClientTokenId"
    wrong = Credentials(access_key_id=account.root.access_key_id, secret_access_key="x")
    assert refused(account.client("iam", wrong).list_roles)[:2] == ("SignatureDoesNotMatch", 403)
    assert refused(account.client("iam", None).list_roles)[:2] == ("MissingAuthenticationToken", 403)
