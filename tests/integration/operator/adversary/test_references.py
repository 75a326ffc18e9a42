"""Specs by which a tenant names what is another's, or asks for more than the platform permits."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from keyward_api import names
from tests.integration.operator.adversary.tenant import Tenant
from tests.integration.operator.conftest import Objects
from tests.integration.operator.control_plane import RunningOperator
from tests.integration.operator.resources import DB_USER, ROLE_ARN, condition, database, lock, role, user

AGENTS = names.AGENTS_NAMESPACE
ACCOUNT = "111122223333"
Json = dict[str, Any]


@pytest.fixture
def orders(operator: RunningOperator, victim: Tenant, objects: Objects) -> Json:
    """What was compiled for the victim's database before the tenant did anything."""
    return victim.policy(objects)


@pytest.fixture(scope="module")
def own(operator: RunningOperator, mallory: Tenant, victim: Tenant) -> Tenant:
    """The tenant, with a database `own` that is served."""
    mallory.settle(Objects(mallory.plane), "own")
    return mallory


def reason_is(reason: str, of: str = "Ready") -> Callable[[Json], bool]:
    """Whether a condition has this reason."""
    return lambda found: condition(found, of)["reason"] == reason


def naming(namespace: str, name: str, **changes: Any) -> Json:
    """A role whose one rule has these dimensions."""
    document = role(namespace, name)
    document["spec"]["allow"][0].update(changes)
    return document


@pytest.mark.parametrize("named", ["orders", "{victim}/orders", "{victim}.orders"])
def test_a_role_that_names_another_tenant_s_database_misses_it(
    own: Tenant, victim: Tenant, orders: Json, objects: Objects, named: str
) -> None:
    wanted = named.format(victim=victim.namespace)
    own.apply(
        naming(own.namespace, "reaching", databases={"names": [wanted]}), user(own.namespace, "reaching", ("reaching",))
    )
    missed = lambda found: wanted in condition(found, "ReferencesResolved")["message"]  # noqa: E731
    found = objects.wait("keyspacesrole", "reaching", own.namespace, until=missed)
    assert condition(found, "ReferencesResolved")["reason"] == "DatabaseNotFound"
    assert victim.policy(objects) == orders
    own.run("delete", "keyspacesrole,keyspacesuser", "reaching")


def test_a_selector_of_everything_selects_what_is_in_its_own_namespace(
    own: Tenant, victim: Tenant, orders: Json, objects: Objects
) -> None:
    """`kubernetes.io/metadata.name` is a label of namespaces, which no selector of ours reads."""
    elsewhere = {"selector": {"matchLabels": {"kubernetes.io/metadata.name": victim.namespace}}}
    own.apply(
        naming(own.namespace, "everything", databases={"selector": {}}),
        naming(own.namespace, "elsewhere", databases=elsewhere),
        user(own.namespace, "everything", ("everything", "elsewhere")),
    )
    counted = lambda found: found.get("status", {}).get("databases")  # noqa: E731
    assert objects.wait("keyspacesuser", "everything", own.namespace, until=counted)["status"]["databases"] == ["own"]
    told = objects.wait("keyspacesrole", "elsewhere", own.namespace, until=reason_is("NoDatabase"))
    assert "databases" not in told["status"] or told["status"]["databases"] == []
    assert victim.policy(objects) == orders
    own.run("delete", "keyspacesuser", "everything")


def test_a_user_that_names_another_tenant_s_role_has_nothing_by_it(
    own: Tenant, victim: Tenant, orders: Json, objects: Objects
) -> None:
    victim.apply(role(victim.namespace, "theirs"))
    own.apply(user(own.namespace, "borrower", ("theirs",)))
    found = objects.wait("keyspacesuser", "borrower", own.namespace, until=reason_is("RoleNotFound"))
    assert found["status"]["grants"] == 0
    assert "borrower" not in json.dumps(own.policy(objects, "own"))
    assert victim.policy(objects) == orders


def test_a_subject_of_another_namespace_is_let_into_the_tenant_s_own_database_only(
    own: Tenant, victim: Tenant, orders: Json, objects: Objects
) -> None:
    """A subject may be named across namespaces, by the owner of the database: that is its to say."""
    guest = {"kind": "ServiceAccount", "namespace": victim.namespace, "name": "guest"}
    document = user(own.namespace, "guest")
    document["spec"]["subjects"] = [guest]
    own.apply(document)
    objects.wait("keyspacesuser", "guest", own.namespace, until=reason_is("Ready"))
    assert guest["namespace"] in json.dumps(own.policy(objects, "own")["identities"])
    assert victim.policy(objects) == orders


@pytest.mark.parametrize(
    "target",
    [
        {"database": "orders"},
        {"user": "app"},
        {"role": "reader"},
        {"dbUser": DB_USER},
        {"session": "0" * 32},
        {"subject": {"kind": "Group", "name": "system:serviceaccounts"}},
        {"agent": "any"},
    ],
    ids=lambda target: next(iter(target)),
)
def test_a_lock_locks_nobody_out_of_another_tenant_s_database(
    own: Tenant, victim: Tenant, orders: Json, objects: Objects, target: Json
) -> None:
    own.apply(lock(own.namespace, "siege", target=target))
    objects.wait("keyspaceslock", "siege", own.namespace, until=lambda found: condition(found, "Ready")["reason"])
    assert victim.policy(objects) == orders
    own.run("delete", "keyspaceslock", "siege")


@pytest.mark.parametrize(
    "arn", ["arn:aws:iam::444455556666:role/Administrator", f"arn:aws-cn:iam::{ACCOUNT}:role/Administrator"]
)
def test_an_iam_role_of_another_account_or_partition_is_in_no_policy(
    own: Tenant, victim: Tenant, objects: Objects, arn: str
) -> None:
    own.apply(naming(own.namespace, "foreign", dbUsers=[arn]), user(own.namespace, "foreign", ("foreign",)))
    told = lambda found: arn in condition(found, "PolicyCompiled")["message"]  # noqa: E731
    found = objects.wait("keyspacesrole", "foreign", own.namespace, until=told)
    assert condition(found, "PolicyCompiled")["reason"] == "RoleInvalid"
    assert arn not in json.dumps(own.policy(objects, "own"))
    own.run("delete", "keyspacesrole,keyspacesuser", "foreign")


def test_a_policy_says_for_whom_each_role_is_assumed_whosever_role_it_is(
    own: Tenant, victim: Tenant, objects: Objects
) -> None:
    """Both name the same IAM role, as tenants of one account may; its trust policy tells them by the ExternalId."""
    ours, theirs = own.policy(objects, "own"), victim.policy(objects)
    assert {grant["roleARN"] for policy in (ours, theirs) for grant in policy["grants"]} >= {
        f"arn:aws:iam::{ACCOUNT}:role/{DB_USER}"
    }
    for policy, tenant, name in ((ours, own, "own"), (theirs, victim, "orders")):
        assert policy["database"]["externalID"].endswith(f"/{tenant.namespace}/{name}")
        assert policy["database"]["audience"] == f"keyward.dev/{tenant.namespace}/{name}"


BEYOND: list[tuple[str, Json]] = [
    ("accounts", {"aws": {"accountID": "444455556666", "region": "us-east-1"}}),
    ("regions", {"aws": {"accountID": ACCOUNT, "region": "eu-central-1"}}),
    ("endpointTypes", {"endpoint": {"type": "Custom", "address": "rogue.example", "caBundle": "PEM"}}),
    ("agentRoleARNs", {"agent": {"identity": {"roleARN": f"arn:aws:iam::{ACCOUNT}:role/Administrator"}}}),
    ("agentRoleARNs", {"agent": {"identity": {"roleARN": ROLE_ARN.replace("role/", "role/x/")}}}),
    ("agentRoleARNs", {"agent": {"identity": {"roleARN": ROLE_ARN + "x"}}}),
    ("serviceTypes", {"agent": {"identity": {"roleARN": ROLE_ARN}, "service": {"type": "LoadBalancer"}}}),
    (
        "serviceAnnotations",
        {
            "agent": {
                "identity": {"roleARN": ROLE_ARN},
                "service": {"type": "LoadBalancer", "annotations": {"external-dns.alpha.kubernetes.io/hostname": "x"}},
            }
        },
    ),
    (
        "priorityClasses",
        {"agent": {"identity": {"roleARN": ROLE_ARN}, "priorityClassName": "system-node-critical"}},
    ),
]


@pytest.mark.parametrize(("setting", "spec"), BEYOND, ids=[f"{n}-{setting}" for n, (setting, _) in enumerate(BEYOND)])
def test_what_the_platform_does_not_permit_is_refused_by_the_setting_s_name_and_gets_no_agent(
    operator: RunningOperator, mallory: Tenant, objects: Objects, setting: str, spec: Json
) -> None:
    document = database(mallory.namespace, "beyond", **spec)
    # What selects namespaces does not select databases, however they are labelled.
    document["metadata"]["labels"] = {"custom": "yes", "kubernetes.io/metadata.name": "anything"}
    mallory.apply(document)
    found = objects.wait("keyspacesdatabase", "beyond", mallory.namespace, until=reason_is("NotPermitted"))
    assert f"`tenants[].{setting}`" in condition(found, "Permitted")["message"]
    assert mallory.children("beyond") == {}
    mallory.run("delete", "keyspacesdatabase", "beyond", "--timeout=30s")


def test_a_field_that_would_change_what_agents_run_does_not_exist(mallory: Tenant) -> None:
    for field, value in (("image", "rogue:1"), ("env", []), ("args", []), ("volumes", []), ("podTemplate", {})):
        document = database(mallory.namespace, "filled")
        document["spec"]["agent"][field] = value
        said = mallory.attempt("create", "-f", "-", stdin=json.dumps(document))
        assert f'unknown field "spec.agent.{field}"' in said


def test_a_permission_that_ends_while_a_database_is_served_ends_its_agents(
    operator: RunningOperator, mallory: Tenant, objects: Objects
) -> None:
    mallory.settle(objects, "outgrown")
    assert any(child.startswith("Deployment") for child in mallory.children("outgrown"))
    beyond = json.dumps({"spec": {"agent": {"identity": {"roleARN": f"arn:aws:iam::{ACCOUNT}:role/Administrator"}}}})
    mallory.run("patch", "keyspacesdatabase", "outgrown", "--type=merge", f"--patch={beyond}")
    objects.wait("keyspacesdatabase", "outgrown", mallory.namespace, until=reason_is("NotPermitted"))
    short = names.child_name(namespace=mallory.namespace, name="outgrown")
    objects.wait_gone("deployment", short, AGENTS)
    assert mallory.policy(objects, "outgrown")["grants"] == []
    assert "Administrator" not in json.dumps(objects.wait("serviceaccount", mallory.child("outgrown"), AGENTS))
