from typing import Any

from keyward_api.compiler import compile_policy
from keyward_api.resources.database import KeyspacesDatabase
from keyward_api.resources.policy import KeyspacesPolicySpec
from keyward_operator.plan.iam_role.uses import uses_of
from tests.unit.operator import builders
from tests.unit.operator.builders import DB_USER, NOW, ROLE_ARN

ACCOUNT = "111122223333"


def policy(name: str = "orders", *, account: str = ACCOUNT, **rule: Any) -> KeyspacesPolicySpec:
    document = builders.database(aws={"accountID": account, "region": "us-east-1"})
    document["metadata"]["name"] = name
    return compile_policy(
        database=KeyspacesDatabase.model_validate(document),
        roles=[builders.role(**rule)],
        users=[builders.user("a"), builders.user("b")],
        locks=[],
        iam_roles=[],
        iam_paths={},
        agent_role_arn=ROLE_ARN,
        cluster_uid="cluster-uid",
        service_address="10.0.0.7",
        now=NOW,
    ).spec


def names(*policies: KeyspacesPolicySpec) -> list[str]:
    return [use.name for use in uses_of(role_name=DB_USER, account_id=ACCOUNT, policies=policies)]


def test_a_use_tells_who_assumes_the_role_and_what_for() -> None:
    (found,) = uses_of(role_name=DB_USER, account_id=ACCOUNT, policies=[policy()])
    assert found.agent_role_arn == ROLE_ARN
    assert found.external_id == "cluster-uid/payments/orders"
    assert (found.place.partition, found.place.region, found.place.account_id) == ("aws", "us-east-1", ACCOUNT)
    assert [rule.keyspaces for rule in found.rules] == [("orders",)]


def test_only_grants_that_allow_something_as_the_role_in_its_account_are_uses() -> None:
    assert names(policy("b"), policy("a")) == ["a", "b"]
    assert names(policy(dbUsers=["Other"])) == []
    assert names(policy(account="9" * 12)) == []
    denied = policy()
    denied = denied.model_copy(update={"grants": tuple(g.model_copy(update={"allow": ()}) for g in denied.grants)})
    assert names(denied) == []


def test_a_path_in_a_grant_does_not_count() -> None:
    assert names(policy(dbUsers=[f"arn:aws:iam::{ACCOUNT}:role/some/path/{DB_USER}"])) == ["orders"]
