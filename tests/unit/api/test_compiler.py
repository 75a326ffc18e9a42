import random
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from keyward_api import compiler
from keyward_api.canonical import canonical_json
from keyward_api.decision import PolicyView
from keyward_api.names import Reason
from tests.unit.api.builders import (
    NOW,
    compiled,
    database,
    iam_role,
    identity,
    role,
    rule,
    service_account,
    user,
    view,
)


def reasons(compilation: compiler.Compilation) -> list[str]:
    return [problem.reason for problem in compilation.problems]


def test_the_same_inputs_give_the_same_bytes_in_any_order() -> None:
    roles = [role(f"r{i}", allow=[rule(tables=[f"t{i}"])]) for i in range(6)]
    users = [user(f"u{i}", subjects=[service_account(f"s{i}")], roles=[f"r{i}", "r0"]) for i in range(6)]
    roles.append(role("every", allow=[rule(dbUsers=["*"])], deny=[rule(dbUsers=["*"], tables=["secret"])]))
    users[0]["spec"]["roles"].append("every")
    iam_roles = [iam_role(name, management="Manage") for name in ("A", "B", "Reader")]
    shuffler = random.Random(7)  # noqa: S311 - an order, not a secret
    texts = []
    for _ in range(5):
        shuffler.shuffle(roles)
        shuffler.shuffle(users)
        shuffler.shuffle(iam_roles)
        texts.append(canonical_json(compiled(roles=roles, users=users, iam_roles=iam_roles).spec.to_json_dict()))
    assert all(a == b for a, b in pairwise(texts))


def test_the_revision_changes_with_any_part() -> None:
    revisions = {
        compiled().spec.revision,
        compiled(users=[]).spec.revision,
        compiled(roles=[role(allow=[rule(tables=["x"])])]).spec.revision,
        compiled(of=database(aws={"accountID": "111122223333", "region": "us-east-1"})).spec.revision,
    }
    assert len(revisions) == 4


def test_a_grant_ends_with_its_user() -> None:
    assert view().grants_of(identity())
    assert not view(users=[]).grants_of(identity())


SOON = NOW + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("spec", "granted"),
    [
        ({"expireTime": SOON.isoformat()}, True),
        ({"expireTime": "2026-11-23T11:59:59Z"}, False),
        ({"expireTime": NOW.isoformat()}, False),
        ({"expireTime": "2026-11-23T13:00:01+01:00"}, True),
        ({"suspended": True}, False),
        ({"suspended": True, "expireTime": SOON.isoformat()}, False),
    ],
)
def test_a_user_who_has_ended_or_is_suspended_has_no_grant(spec: dict[str, Any], granted: bool) -> None:
    compilation = compiled(users=[user(**spec)])
    assert bool(compilation.spec.grants) is granted
    assert not compilation.problems


def test_a_grant_ends_with_its_user_s_access_and_other_s_stay() -> None:
    users = [user("a", subjects=[service_account("a")], expireTime="2026-11-23T13:05:00+01:00"), user("b")]
    spec = compiled(users=users).spec
    assert [grant.to_json_dict().get("notAfter") for grant in spec.grants] == ["2026-11-23T12:05:00Z", None]
    assert spec.next_end(NOW) == SOON
    assert spec.without_ended(SOON - timedelta(seconds=1)) == spec
    later = PolicyView.of(spec.without_ended(SOON))
    assert not later.grants_of(identity("a"))
    assert later.grants_of(identity())
    assert later.spec.next_end(SOON) is None
    assert later.revision == spec.revision


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ({"names": ["orders"]}, True),
        ({"names": ["*"]}, True),
        ({"names": ["other"]}, False),
        ({"selector": {"matchLabels": {"tier": "gold"}}}, True),
        ({"selector": {"matchLabels": {"tier": "tin"}}}, False),
        ({"selector": {}}, True),
        ({"selector": {"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["gold"]}]}}, False),
    ],
)
def test_rules_select_databases_by_name_or_label(selector: dict[str, object], selected: bool) -> None:
    policy = view(roles=[role(allow=[rule(databases=selector)])])
    assert bool(policy.grants_of(identity())) is selected


@pytest.mark.parametrize(
    "requirement",
    [
        {"key": "tier", "operator": "In"},
        {"key": "tier", "operator": "NotIn", "values": []},
        {"key": "tier", "operator": "Exists", "values": ["gold"]},
    ],
    ids=lambda requirement: requirement["operator"],
)
def test_a_deny_whose_selector_kubernetes_would_not_take_withholds_the_role(requirement: dict[str, object]) -> None:
    deny = rule(databases={"selector": {"matchExpressions": [requirement]}})
    result = compiled(roles=[role(allow=[rule()], deny=[deny])])
    assert reasons(result) == [Reason.ROLE_INVALID]
    assert "`In` and `NotIn` need `values`" in result.problems[0].message
    assert not result.spec.grants


def test_a_role_that_does_not_exist_is_told_of() -> None:
    result = compiled(roles=[])
    assert reasons(result) == [Reason.ROLE_NOT_FOUND]
    assert "KeyspacesUser web names KeyspacesRole reader" in result.problems[0].message
    assert not result.spec.grants


def test_an_allow_that_cannot_be_read_leaves_only_the_denies() -> None:
    broken = role(allow=[rule(), rule(permissions=["Fly"])], deny=[rule(tables=["secret"])])
    result = compiled(roles=[broken])
    assert reasons(result) == [Reason.ROLE_INVALID]
    assert [grant.allow for grant in result.spec.grants] == [()]
    assert [len(grant.deny) for grant in result.spec.grants] == [1]


def test_a_deny_that_cannot_be_read_withholds_everything_from_its_holders() -> None:
    broken = role("broken", deny=[rule(permissions=["Fly"])])
    result = compiled(roles=[role(), broken], users=[user(roles=["reader", "broken"])])
    assert reasons(result) == [Reason.ROLE_INVALID]
    assert not result.spec.grants


def test_a_user_that_cannot_be_read_has_no_grant_and_others_keep_theirs() -> None:
    broken = user("broken", subjects=[{"kind": "Robot", "name": "x"}])
    result = compiled(users=[broken, user()])
    assert reasons(result) == [Reason.USER_INVALID]
    assert [grant.user for grant in result.spec.grants] == ["web"]


def test_an_iam_role_of_another_account_is_refused() -> None:
    foreign = role(allow=[rule(dbUsers=["arn:aws:iam::999999999999:role/Reader"])])
    result = compiled(roles=[foreign])
    assert reasons(result) == [Reason.ROLE_INVALID]
    assert "is not of account 111122223333" in result.problems[0].message
    assert not result.spec.grants


def test_one_iam_role_name_with_two_paths_is_withheld() -> None:
    both = role(allow=[rule(dbUsers=["Reader", "arn:aws:iam::111122223333:role/team/Reader"])])
    result = compiled(roles=[both])
    assert reasons(result) == [Reason.ROLE_INVALID]
    assert all(not grant.allow for grant in result.spec.grants)


def arns(result: compiler.Compilation, *, allow: bool = True) -> list[str]:
    found = [grant for grant in result.spec.grants if (grant.allow if allow else grant.deny)]
    return sorted(grant.role_arn.partition(":role/")[2] for grant in found)


@pytest.mark.parametrize(
    ("reader", "arn"),
    [
        (iam_role("Other"), "Reader"),
        (iam_role(), "Reader"),
        (iam_role(arn="arn:aws:iam::111122223333:role/data/Reader"), "data/Reader"),
        (iam_role(management="Manage"), "keyward/blue/payments/Reader"),
        (iam_role(management="Manage", arn="arn:aws:iam::111122223333:role/before/Reader"), "before/Reader"),
        (iam_role(arn="arn:aws:iam::111122223333:role/data/Another"), "Reader"),
        (iam_role(arn="arn:aws:iam::999999999999:role/data/Reader"), "Reader"),
        (iam_role(arn="nonsense"), "Reader"),
        (iam_role(accountID="999999999999", management="Manage"), "Reader"),
        (iam_role(management="Manage", deleted=True), "keyward/blue/payments/Reader"),
    ],
)
def test_a_name_stands_for_the_arn_of_the_iam_role_with_that_name(reader: dict[str, Any], arn: str) -> None:
    result = compiled(iam_roles=[reader])
    assert arns(result) == [arn]
    assert not result.problems


def test_a_name_of_two_objects_that_disagree_is_withheld() -> None:
    found = iam_role(arn="arn:aws:iam::111122223333:role/data/Reader")
    found["metadata"]["name"] = "another"
    result = compiled(iam_roles=[iam_role(management="Manage"), found])
    assert (arns(result), reasons(result)) == ([], [Reason.ROLE_INVALID])


def test_an_arn_that_is_not_the_one_of_the_role_that_the_operator_makes_is_withheld() -> None:
    named = role(allow=[rule(dbUsers=["arn:aws:iam::111122223333:role/Reader"])])
    result = compiled(roles=[named], iam_roles=[iam_role(management="Manage")])
    assert (arns(result), reasons(result)) == ([], [Reason.ROLE_INVALID])
    assert "name it 'Reader', as KeyspacesIAMRole reader does" in result.problems[0].message
    assert result.problems[0].roles == ("reader",)
    # Of an adopted role nobody may have been let look.
    assert arns(compiled(roles=[named], iam_roles=[iam_role()])) == ["Reader"]


EVERY = role(allow=[rule(dbUsers=["*"])])


def test_a_star_is_every_iam_role_of_the_namespace_in_the_account() -> None:
    known = [
        *(iam_role("A", management="Manage"), iam_role("B"), iam_role("C", accountID="999999999999")),
        iam_role("D", deleted=True),
    ]
    result = compiled(roles=[EVERY], iam_roles=known)
    assert (arns(result), result.problems) == (["B", "keyward/blue/payments/A"], ())


def test_a_star_that_means_nothing_is_told_of() -> None:
    result = compiled(roles=[EVERY], iam_roles=[iam_role("C", accountID="999999999999")])
    assert (arns(result), reasons(result)) == ([], [Reason.IAM_ROLE_NOT_FOUND])
    assert result.problems[0].roles == ("reader",)
    elsewhere = role(allow=[rule(), rule(dbUsers=["*"], databases={"names": ["other"]})])
    assert not compiled(roles=[elsewhere]).problems


def test_an_iam_role_that_cannot_be_read_is_missed_where_a_star_stands() -> None:
    broken = iam_role("B", management="Own")
    result = compiled(roles=[EVERY], iam_roles=[iam_role("A"), broken])
    assert (arns(result), reasons(result)) == (["A"], [Reason.ROLE_INVALID])
    assert "without KeyspacesIAMRole b" in result.problems[0].message
    assert not compiled(iam_roles=[broken]).problems


def test_no_role_escapes_a_deny_of_a_star() -> None:
    """Neither one that no KeyspacesIAMRole names, nor one that another of the caller's users names."""
    deny = role("deny", allow=[], deny=[rule(dbUsers=["*"], tables=["secret"])])
    others = role("others", allow=[rule(dbUsers=["arn:aws:iam::111122223333:role/x/Writer"])])
    users = [user("a", roles=["reader", "deny"]), user("b", roles=["others"])]
    result = compiled(roles=[role(), others, deny], users=users, iam_roles=[iam_role("A"), iam_role("D", deleted=True)])
    assert arns(result, allow=False) == ["A", "D", "Reader", "x/Writer"]
    assert not result.problems
    merged = PolicyView.of(result.spec).grant_for(identity(), "Writer")
    assert [rule.source for rule in merged.deny] == ["deny/deny/0"]


def test_a_grant_too_large_for_sts_is_withheld_with_its_denies_kept() -> None:
    large = role(allow=[rule(tables=[f"table_{i}" for i in range(60)])], deny=[rule(tables=["secret"])])
    result = compiled(roles=[large])
    assert reasons(result) == [Reason.GRANT_TOO_LARGE]
    assert "has no grant" in result.problems[0].message
    assert [(len(g.allow), len(g.deny)) for g in result.spec.grants] == [(0, 1)]


def test_grants_that_are_too_large_together_are_told_of() -> None:
    roles = [role(f"r{i}", allow=[rule(tables=[f"table_{i}_{j}" for j in range(20)])]) for i in range(3)]
    result = compiled(roles=roles, users=[user(f"u{i}", roles=[f"r{i}"]) for i in range(3)])
    assert reasons(result) == [Reason.GRANT_TOO_LARGE]
    assert "ServiceAccount payments/web cannot log in" in result.problems[0].message


def test_a_policy_says_what_agents_need_to_reach_the_database() -> None:
    target = compiled().spec.database
    assert target.endpoint.address == "cassandra.eu-central-1.amazonaws.com"
    assert target.audience == "keyward.dev/payments/orders"
    assert target.external_id == "c1u57e2/payments/orders"
    assert target.service_address == "10.96.0.7"


def test_a_policy_says_what_the_database_asks_of_its_agents() -> None:
    target = compiled().spec.database
    assert (target.consistency.writes, target.consistency.reads) == ("UpgradeToLocalQuorum", "UpgradeUnsupported")
    assert (target.staleness.max_staleness_seconds, target.staleness.on_stale) == (3600, "RefuseNew")
    asked = database(
        consistency={"writes": "PassThrough"},
        policy={"maxStalenessSeconds": 60, "onStale": "CloseAll"},
        limits={"maxConnections": 7},
    )
    target = compiled(of=asked).spec.database
    assert (target.consistency.writes, target.consistency.reads) == ("PassThrough", "UpgradeUnsupported")
    assert (target.staleness.max_staleness_seconds, target.staleness.on_stale) == (60, "CloseAll")
    assert target.limits.max_connections == 7
