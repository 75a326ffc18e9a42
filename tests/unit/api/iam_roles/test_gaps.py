import json
from typing import Any

import pytest

from keyward_api.iam import trust_policy_of
from keyward_api.iam_roles.gaps import PermissionGap, TrustGap, permission_gap, trust_gap
from keyward_api.iam_roles.permissions import Place, permission_policy, rules_of
from keyward_api.resources.iam_role import IAMPermission

AGENT = "arn:aws:iam::111122223333:role/keyward/agent"
OTHER = "arn:aws:iam::111122223333:role/other"
ID = "cluster/payments/orders"
PREFIX = "arn:aws:cassandra:eu-central-1:111122223333:/keyspace/"


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trusting(principal: Any = AGENT, action: Any = "sts:*", effect: str = "Allow", **condition: Any) -> dict[str, Any]:
    statement = {"Effect": effect, "Principal": {"AWS": principal}, "Action": action}
    return statement | ({"Condition": condition} if condition else {})


BOUND = {"StringEquals": {"sts:ExternalId": ID}}
TAGGING = trusting(action=["sts:TagSession", "sts:SetSourceIdentity"])


def gap(*statements: dict[str, Any], agents: dict[str, list[str]] | None = None) -> TrustGap:
    return trust_gap(document(*statements), agents or {AGENT: [ID]})


FULL = TrustGap(missing="", denied=(), conditional=(), unbound=())


@pytest.mark.parametrize(
    "statements",
    [
        json.loads(trust_policy_of({AGENT: [ID]}))["Statement"],
        json.loads(trust_policy_of({AGENT: [ID, "x"], OTHER: ["y"]}))["Statement"],
        [trusting(**BOUND)],
        [trusting([OTHER, AGENT], **BOUND)],
        [trusting(action="STS:AssumeRole", **BOUND), TAGGING],
        [trusting("111122223333", **BOUND)],
        [trusting("arn:aws:iam::111122223333:root", **BOUND)],
        [trusting(StringLike={"sts:externalid": "cluster/*"})],
        [trusting(StringEquals={"sts:ExternalId": ["x", ID]})],
        [trusting(**BOUND), trusting(OTHER, effect="Deny")],
        [trusting(**BOUND), trusting(effect="Deny", StringEquals={"sts:ExternalId": "x"})],
    ],
)
def test_a_trust_policy_that_has_it_all_lacks_nothing(statements: list[dict[str, Any]]) -> None:
    assert gap(*statements) == FULL


@pytest.mark.parametrize(
    "statements",
    [
        [],
        [trusting(OTHER, **BOUND)],
        [trusting("999999999999", **BOUND)],
        [trusting(StringEquals={"sts:ExternalId": "x"})],
        [trusting(StringEquals={"sts:ExternalId": "cluster/*"})],
        [trusting(action="sts:AssumeRole", **BOUND)],
        [trusting(action=["sts:AssumeRole", "sts:TagSession"], **BOUND)],
        [TAGGING],
    ],
)
def test_what_is_missing_is_told_as_statements_that_mend_it(statements: list[dict[str, Any]]) -> None:
    found = gap(*statements)
    assert json.loads(found.missing) == json.loads(trust_policy_of({AGENT: [ID]}))
    assert gap(*statements, *json.loads(found.missing)["Statement"]) == FULL


def test_only_what_is_missing_is_told() -> None:
    agents = {AGENT: [ID, "second"], OTHER: ["third"]}
    found = gap(trusting(**BOUND), trusting(OTHER, StringEquals={"sts:ExternalId": "third"}), agents=agents)
    assert json.loads(found.missing) == json.loads(trust_policy_of({AGENT: ["second"]}))


def test_a_deny_is_told_apart_from_what_is_missing() -> None:
    found = gap(trusting(**BOUND), trusting("*", "sts:TagSession", "Deny"))
    assert (found.missing, found.denied) == ("", (AGENT,))


@pytest.mark.parametrize(
    "more",
    [
        [trusting(StringEquals={"sts:ExternalId": ID}, IpAddress={"aws:SourceIp": "10.0.0.0/8"})],
        [trusting(StringNotEquals={"sts:ExternalId": "x"})],
        [trusting(**BOUND), trusting(effect="Deny", Bool={"aws:MultiFactorAuthPresent": False})],
        [trusting(**BOUND), {"Effect": "Deny", "NotPrincipal": {"AWS": OTHER}, "Action": "sts:*"}],
    ],
)
def test_a_condition_that_is_not_understood_is_neither_allow_nor_gap(more: list[dict[str, Any]]) -> None:
    found = gap(*more)
    assert (found.missing, found.denied, found.conditional) == ("", (), (AGENT,))


@pytest.mark.parametrize(
    ("statement", "unbound"),
    [
        (trusting(**BOUND), False),
        (trusting(), True),
        (trusting("*"), True),
        (trusting(StringEqualsIfExists={"sts:ExternalId": ID}), True),
        (trusting(StringLike={"sts:ExternalId": "*"}), True),
        (trusting(Bool={"aws:SecureTransport": True}), True),
        (trusting(OTHER), False),
        (TAGGING, False),
    ],
)
def test_a_role_that_is_not_bound_to_a_database_is_noticed(statement: dict[str, Any], unbound: bool) -> None:
    assert (gap(statement).unbound == (AGENT,)) is unbound


WANTED = permission_policy(
    rules_of(
        [
            IAMPermission(keyspaces=("orders",), tables=("*",), permissions=("Select", "Modify")),
            IAMPermission(keyspaces=("ord*",), tables=("items",), permissions=("Create",)),
        ]
    ),
    [Place(partition="aws", region="eu-central-1", account_id="111122223333")],
)
ENOUGH = PermissionGap(missing="", denied=(), conditional=())


def allow(action: Any, resource: Any = "*", effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


@pytest.mark.parametrize(
    "statements",
    [
        json.loads(WANTED)["Statement"],
        [allow("*")],
        [allow("cassandra:*", "arn:aws:cassandra:*:111122223333:*")],
        [allow(["Cassandra:Select", "cassandra:MODIFY", "cassandra:Create"], f"{PREFIX}*")],
        [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}],
        [allow("*"), allow("cassandra:Select", f"{PREFIX}orders/table/secret", "Deny")],
        [allow("*"), allow("cassandra:Drop", "*", "Deny")],
    ],
)
def test_policies_that_allow_it_all_lack_nothing(statements: list[dict[str, Any]]) -> None:
    assert permission_gap([document(*statements)], WANTED) == ENOUGH
    assert permission_gap([document(statement) for statement in statements], WANTED) == ENOUGH


@pytest.mark.parametrize(
    "statements",
    [
        [],
        [allow("cassandra:Select")],
        [allow("cassandra:*", f"{PREFIX}orders/table/items"), allow("cassandra:Select", f"{PREFIX}system*")],
        [allow("cassandra:*", "arn:aws:cassandra:us-east-1:111122223333:/keyspace/*")],
        [{"Effect": "Allow", "NotAction": "cassandra:*", "Resource": "*"}],
        [{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::x"}],
    ],
)
def test_missing_permissions_are_told_as_statements_that_mend_them(statements: list[dict[str, Any]]) -> None:
    found = permission_gap([document(*statements)], WANTED)
    assert found.missing
    assert "MultiRegion" not in found.missing
    assert "TagResource" not in found.missing
    assert permission_gap([document(*statements), json.loads(found.missing)], WANTED) == ENOUGH


def test_only_missing_permissions_are_told() -> None:
    found = permission_gap([document(allow(["cassandra:Select", "cassandra:Create"]))], WANTED)
    assert json.loads(found.missing)["Statement"] == [allow(["cassandra:Modify"], [f"{PREFIX}orders/table/*"])]


def test_denied_and_conditional_permissions_are_told_apart() -> None:
    denied = permission_gap([document(allow("*"), allow("cassandra:*", f"{PREFIX}orders/*", "Deny"))], WANTED)
    assert denied.missing == ""
    assert denied.denied == (
        f"cassandra:Select on {PREFIX}orders/table/*",
        f"cassandra:Modify on {PREFIX}orders/table/*",
    )
    spared = {"Effect": "Deny", "Action": "cassandra:Create", "NotResource": f"{PREFIX}orders/*"}
    assert permission_gap([document(allow("*"), spared)], WANTED).denied == (
        f"cassandra:Create on {PREFIX}ord*/table/items",
    )
    conditional = permission_gap([document(allow("*", Condition={"Bool": {"aws:SecureTransport": True}}))], WANTED)
    assert len(conditional.conditional) == 4
    assert conditional.missing == ""
