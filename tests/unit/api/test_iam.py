import dataclasses
import json

import pytest

from keyward_api import iam
from keyward_api.canonical import canonical_json
from tests.unit.api.builders import identity, role, rule, view

PREFIX = "arn:aws:cassandra:eu-central-1:111122223333:/keyspace/"


def policy_of(*, allow: list[dict] | None = None, deny: list[dict] | None = None) -> list[dict]:  # type: ignore[type-arg]
    policy = view(roles=[role(allow=allow, deny=deny)])
    text = iam.session_policy(policy.grant_for(identity(), ""), policy.database)
    assert " " not in text
    return json.loads(text)["Statement"]  # type: ignore[no-any-return]


def test_every_session_may_read_the_system_keyspaces() -> None:
    assert policy_of()[0] == {"Effect": "Allow", "Action": "cassandra:Select", "Resource": f"{PREFIX}system*"}


def test_an_allow_becomes_actions_and_arns() -> None:
    assert policy_of()[1:] == [
        {
            "Effect": "Allow",
            "Action": ["cassandra:Select", "cassandra:SelectMultiRegionResource"],
            "Resource": f"{PREFIX}shop/table/items",
        }
    ]


def test_rules_of_equal_permissions_share_a_statement() -> None:
    statements = policy_of(allow=[rule(tables=["b"]), rule(tables=["a"]), rule(tables=["a"])])
    assert [s["Resource"] for s in statements[1:]] == [[f"{PREFIX}shop/table/a", f"{PREFIX}shop/table/b"]]


def test_a_deny_is_a_deny() -> None:
    denied = policy_of(deny=[rule(permissions=["Modify"])])[-1]
    assert (denied["Effect"], denied["Resource"]) == ("Deny", f"{PREFIX}shop/table/items")


def test_a_deny_of_everything_spares_the_schema() -> None:
    denied = policy_of(deny=[rule(keyspaces=["*"], tables=["*"])])[-1]
    assert denied["NotResource"] == f"{PREFIX}system*"
    assert "Resource" not in denied


@pytest.mark.parametrize("changes", [{"keyspaces": ["s*"], "tables": ["*"]}, {"keyspaces": ["*"], "tables": ["tab*"]}])
def test_a_deny_that_iam_would_read_as_the_schema_is_refused(changes: dict[str, list[str]]) -> None:
    # The compiler withholds such a grant, so the documents are made by hand.
    policy = view(roles=[role()])
    grant = policy.grant_for(identity(), "")
    deny = (grant.allow[0].model_copy(update={k: tuple(v) for k, v in changes.items()}),)
    with pytest.raises(iam.SessionPolicyError, match="name the keyspaces or tables of the deny more exactly"):
        iam.session_policy(dataclasses.replace(grant, deny=deny), policy.database)


def test_a_policy_over_the_limit_of_sts_is_refused_with_what_to_do() -> None:
    policy = view()
    grant = policy.grant_for(identity(), "")
    for tables, has in ((30, r"has \d+"), (50, r"has more than \d+")):
        large = grant.allow[0].model_copy(update={"tables": tuple(f"table_{i}" for i in range(tables))})
        with pytest.raises(iam.SessionPolicyError, match=rf"{has} characters, and STS takes 2048"):
            iam.session_policy(dataclasses.replace(grant, allow=(large,)), policy.database)


def test_a_policy_that_is_told_to_be_too_large_before_it_is_made_would_have_been() -> None:
    policy = view()
    grant = policy.grant_for(identity(), "")
    for tables in range(1, 60):
        wide = grant.allow[0].model_copy(update={"tables": tuple(f"t{i}" for i in range(tables))})
        wide = dataclasses.replace(grant, allow=(wide,))
        statements = iam.allowing(wide.allow, [PREFIX], sets_partitioner=False)
        assert iam._least_characters(wide, PREFIX) < len(canonical_json(statements))


@pytest.mark.parametrize(
    ("arn", "name"),
    [("arn:aws:iam::111122223333:role/Reader", "Reader"), ("arn:aws-cn:iam::111122223333:role/a/b/Reader", "Reader")],
)
def test_a_role_arn_is_taken_apart(arn: str, name: str) -> None:
    assert iam.parse_role_arn(arn).name == name


@pytest.mark.parametrize("arn", ["", "Reader", "arn:aws:iam::1:role/x", "arn:aws:iam::111122223333:user/x"])
def test_what_is_no_role_arn_is_refused(arn: str) -> None:
    with pytest.raises(ValueError, match="is not the ARN of an IAM role"):
        iam.parse_role_arn(arn)


def test_the_trust_policy_names_the_agent_and_the_database_and_nothing_else() -> None:
    agent = "arn:aws:iam::111122223333:role/agent"
    statements = json.loads(iam.trust_policy(agent_role_arn=agent, external_id="u/payments/orders"))["Statement"]
    assert {s["Principal"]["AWS"] for s in statements} == {agent}
    assume = next(s for s in statements if s["Action"] == "sts:AssumeRole")
    assert assume["Condition"] == {"StringEquals": {"sts:ExternalId": "u/payments/orders"}}


def test_the_agents_own_role_trusts_one_service_account_of_one_cluster() -> None:
    statement = json.loads(
        iam.agent_trust_policy(
            issuer="https://oidc.example/id/1",
            agent_role_arn="arn:aws:iam::111122223333:role/agent",
            namespace="keyward-agents",
            service_account="payments.orders",
        )
    )["Statement"][0]
    assert statement["Principal"] == {"Federated": "arn:aws:iam::111122223333:oidc-provider/oidc.example/id/1"}
    assert statement["Condition"]["StringEquals"] == {
        "oidc.example/id/1:aud": "sts.amazonaws.com",
        "oidc.example/id/1:sub": "system:serviceaccount:keyward-agents:payments.orders",
    }


def test_keyspaces_as_a_whole_are_named_where_a_rule_reaches_them() -> None:
    assert policy_of(allow=[rule(tables=["*"], permissions=["Drop"])])[-1]["Resource"] == f"{PREFIX}shop/*"
    assert policy_of(allow=[rule(tables=["*"], permissions=["Select"])])[-1]["Resource"] == f"{PREFIX}shop/table/*"
    assert policy_of(allow=[rule(permissions=["Drop"])])[-1]["Resource"] == f"{PREFIX}shop/table/items"


def test_a_deny_of_dropping_a_table_denies_dropping_its_keyspace() -> None:
    denied = policy_of(deny=[rule(permissions=["Drop"])])[-1]
    assert denied["Resource"] == [f"{PREFIX}shop/", f"{PREFIX}shop/table/items"]


def test_actions_that_permissions_share_are_named_once() -> None:
    actions = policy_of(allow=[rule(permissions=["Create", "Alter"])])[-1]["Action"]
    assert len(actions) == len(set(actions))
    assert {"cassandra:TagResource", "cassandra:UntagResource"} <= set(actions)


def test_the_partitioner_is_named_only_where_the_agent_would_allow_it() -> None:
    named = rule(keyspaces=["system"], tables=["local"], permissions=["UpdatePartitioner"])
    own = {
        "Effect": "Allow",
        "Action": "cassandra:UpdatePartitioner",
        "Resource": f"{PREFIX}system/table/local",
    }
    assert own in policy_of(allow=[rule(), named])
    everything = json.dumps(policy_of(allow=[rule(keyspaces=["*"], tables=["*"], permissions=["*"])]))
    assert "UpdatePartitioner" not in everything
    deny = rule(keyspaces=["system"], tables=["local"], permissions=["UpdatePartitioner"])
    assert own not in policy_of(allow=[rule(), named], deny=[deny])


def test_an_agent_s_own_role_may_assume_what_grants_name_and_nothing_else() -> None:
    roles = ["arn:aws:iam::111122223333:role/B", "arn:aws:iam::111122223333:role/A"]
    (statement,) = json.loads(iam.agent_policy(roles))["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Action": ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
        "Resource": sorted(roles),
    }
