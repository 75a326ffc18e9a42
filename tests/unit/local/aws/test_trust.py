"""Who a trust policy trusts: caller by principal by condition."""

from typing import Any

import pytest

from local.aws.conditions import Context
from local.aws.errors import AwsError
from local.aws.principals import Principal, PrincipalKind
from local.aws.store import Grants, OidcProvider, Role
from local.aws.trust import STS_KEYS, Caller, check_principals, request_values, trust_verdict
from tests.unit.local.aws.conftest import PROVIDER, Account, allow, trust

AGENT = Principal(
    kind=PrincipalKind.ROLE_SESSION,
    arn="arn:aws:sts::111122223333:assumed-role/agent/s1",
    account="111122223333",
    user_id="AROAX:s1",
    owner_arn="arn:aws:iam::111122223333:role/keyward/agent",
)
USER = Principal(
    kind=PrincipalKind.USER,
    arn="arn:aws:iam::111122223333:user/ann",
    account="111122223333",
    user_id="AIDAX",
    owner_arn="arn:aws:iam::111122223333:user/ann",
)
POD = OidcProvider(arn=PROVIDER, url="kubernetes.default.svc.cluster.local", client_ids=("sts.amazonaws.com",))

PARAMETERS: dict[str, object] = {
    "RoleSessionName": "payments@reader",
    "ExternalId": "cluster/payments/orders",
    "SourceIdentity": "payments@reader",
    "TransitiveTagKeys": ["team"],
}


def role(trusted: str) -> Role:
    return Role(
        arn="arn:aws:iam::111122223333:role/Reader",
        name="Reader",
        role_id="AROAR",
        trust_policy=trusted,
        max_session_seconds=3600,
        tags={},
        grants=Grants(policies=(), boundary=None),
    )


def trusted(text: str, caller: Caller, action: str = "sts:AssumeRole", **tags: str) -> bool:
    context = Context(values=request_values(PARAMETERS, tags), known=STS_KEYS)
    return trust_verdict(role(text), caller, action=action, context=context).allowed


@pytest.mark.parametrize(
    ("principal", "callers"),
    [
        ("*", {"AGENT", "USER"}),
        ({"AWS": "*"}, {"AGENT", "USER"}),
        ({"AWS": "111122223333"}, {"AGENT", "USER"}),
        ({"AWS": "arn:aws:iam::111122223333:root"}, {"AGENT", "USER"}),
        ({"AWS": "arn:aws:iam::999999999999:root"}, set()),
        ({"AWS": "arn:aws:iam::111122223333:role/keyward/agent"}, {"AGENT"}),
        ({"AWS": "arn:aws:iam::111122223333:role/agent"}, set()),
        ({"AWS": "arn:aws:sts::111122223333:assumed-role/agent/s1"}, {"AGENT"}),
        ({"AWS": "arn:aws:sts::111122223333:assumed-role/agent/s2"}, set()),
        ({"AWS": ["arn:aws:iam::111122223333:user/ann", "999999999999"]}, {"USER"}),
        ({"Service": "pods.eks.amazonaws.com"}, set()),
        ({"Federated": PROVIDER}, {"POD"}),
        ({"Federated": PROVIDER.replace("kubernetes", "other")}, set()),
        ({"Federated": "*"}, set()),
    ],
)
def test_principals(principal: Any, callers: set[str]) -> None:
    everyone: dict[str, Caller] = {"AGENT": AGENT, "USER": USER, "POD": POD}
    assert {name for name, caller in everyone.items() if trusted(trust(principal), caller)} == callers


@pytest.mark.parametrize(
    ("actions", "allowed"),
    [
        (["sts:AssumeRole"], {"sts:AssumeRole"}),
        (["sts:assumerole", "STS:TagSession"], {"sts:AssumeRole", "sts:TagSession"}),
        (["sts:AssumeRole*"], {"sts:AssumeRole"}),
        (["sts:*"], {"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"}),
        (["sts:SetSourceIdentity"], {"sts:SetSourceIdentity"}),
    ],
)
def test_each_action_is_a_permission_of_its_own(actions: list[str], allowed: set[str]) -> None:
    text = trust("*", *actions)
    asked = ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")
    assert {action for action in asked if trusted(text, AGENT, action)} == allowed


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        ({"StringEquals": {"sts:ExternalId": "cluster/payments/orders"}}, True),
        ({"StringEquals": {"sts:ExternalId": "cluster/payments/other"}}, False),
        ({"StringLike": {"sts:SourceIdentity": "payments@*"}}, True),
        ({"StringLike": {"sts:RoleSessionName": "shop@*"}}, False),
        ({"StringEquals": {"aws:RequestTag/keyward:namespace": "payments"}}, True),
        ({"StringEquals": {"aws:RequestTag/keyward:namespace": "shop"}}, False),
        ({"StringEquals": {"aws:RequestTag/other": "payments"}}, False),
        ({"ForAllValues:StringLike": {"aws:TagKeys": "keyward:*"}}, True),
        ({"ForAllValues:StringEquals": {"sts:TransitiveTagKeys": ["team"]}}, True),
        (
            {
                "StringEquals": {"sts:ExternalId": "cluster/payments/orders"},
                "StringLike": {"sts:RoleSessionName": "shop@*"},
            },
            False,
        ),
        ({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, False),
    ],
)
def test_conditions(condition: dict[str, Any], allowed: bool) -> None:
    text = trust({"AWS": "111122223333"}, **condition)
    assert trusted(text, AGENT, **{"keyward:namespace": "payments"}) is allowed


def test_a_deny_for_the_caller_wins() -> None:
    text = (
        '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"},'
        '{"Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::111122223333:user/ann"}, "Action": "sts:*"}]}'
    )
    assert trusted(text, AGENT)
    assert not trusted(text, USER)


@pytest.mark.parametrize("principal", ["*", {"AWS": "999999999999"}, {"Service": "ec2.amazonaws.com"}])
def test_accounts_and_services_need_not_exist(account: Account, principal: Any) -> None:
    check_principals(account.store, trust(principal))


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::111122223333:role/agent",
        "arn:aws:iam::111122223333:user/ann",
        "arn:aws:sts::111122223333:assumed-role/agent/s1",
    ],
)
def test_users_and_roles_must_exist(account: Account, arn: str) -> None:
    with pytest.raises(AwsError, match="Invalid principal in policy") as caught:
        check_principals(account.store, trust({"AWS": arn}))
    assert caught.value.code == "MalformedPolicyDocument"
    account.iam.create_user(UserName="ann")
    account.role("agent", trust("*"))
    check_principals(account.store, trust({"AWS": arn}))


def test_a_trust_policy_does_not_trust_the_successor_of_who_it_named(account: Account) -> None:
    admin = account.user("admin", allow("sts:AssumeRole"))
    agent = account.role("agent", trust("*"), allow("sts:AssumeRole"))
    first_id = account.iam.get_role(RoleName="agent")["Role"]["RoleId"]
    reader = account.role("reader", trust({"AWS": ["111122223333", agent]}))
    only = account.role("only", trust({"AWS": agent}))
    account.session(account.session(admin, agent), only)
    account.iam.delete_role_policy(RoleName="agent", PolicyName="own")
    account.iam.delete_role(RoleName="agent")

    def principals(name: str) -> object:
        document = account.iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        return document["Statement"][0]["Principal"]["AWS"]

    assert principals("reader") == ["111122223333", first_id]
    assert first_id.startswith("AROA")
    account.role("agent", trust("*"), allow("sts:AssumeRole"))
    again = account.session(admin, agent)
    account.session(again, reader)
    with pytest.raises(Exception, match="not authorized to perform: sts:AssumeRole"):
        account.session(again, only)
    account.iam.update_assume_role_policy(RoleName="only", PolicyDocument=trust({"AWS": agent}))
    assert principals("only") == agent
    account.session(again, only)


def test_a_unique_id_of_nobody_is_no_principal(account: Account) -> None:
    with pytest.raises(Exception, match='Invalid principal in policy: "AWS":"AROA'):
        account.role("reader", trust({"AWS": "AROAAAAAAAAAAAAAAAAAA"}))
