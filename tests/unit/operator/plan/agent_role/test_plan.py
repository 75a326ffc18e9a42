"""The plan for the agents' own role, and what it leaves to the one for the database."""

import copy
from dataclasses import replace
from typing import Any

import pytest

from keyward_api import names
from keyward_api.resources.policy import KeyspacesPolicySpec
from keyward_api.tenants import PlatformSettings
from keyward_operator.children import Child
from keyward_operator.iam.calls import Aspect, Trouble
from keyward_operator.iam.role_state import Account, RoleState
from keyward_operator.plan.agent_role.observed import Observed
from keyward_operator.plan.agent_role.plan import plan
from keyward_operator.plan.agent_role.view import is_concerned
from keyward_operator.plan.conditions import verdicts
from keyward_operator.plan.iam_role.plan import IamRolePlan
from keyward_operator.plan.owned import owned
from tests.unit.operator import builders
from tests.unit.operator.builders import AGENTS, CLUSTER, NOW, view_for
from tests.unit.operator.iam_roles import ACCOUNT, platform, told

NAME = names.agent_role_name(cluster="blue", namespace="payments", database="orders")
ARN = f"arn:aws:iam::{ACCOUNT}:role/keyward/blue/payments/{NAME}"
MANAGED = {"identity": {"management": "Manage"}}
ADOPTED = {"identity": {"roleARN": builders.ROLE_ARN}}
FINALIZERS = (names.FINALIZER, names.AGENT_ROLE_FINALIZER)


def database(
    *, finalizers: tuple[str, ...] = FINALIZERS, deleted: bool = False, agent: object = MANAGED, **spec: Any
) -> dict[str, Any]:
    document: dict[str, Any] = builders.database(agent=agent, **spec)
    document["metadata"]["finalizers"] = list(finalizers)
    if deleted:
        document["metadata"]["deletionTimestamp"] = "2026-11-23T11:59:00Z"
    return document


def policy(settings: PlatformSettings | None = None) -> KeyspacesPolicySpec:
    world = builders.settled(builders.observed(database=database()), settings or platform())
    compilation = view_for(world, settings or platform()).compilation
    assert compilation is not None
    return compilation.spec


def observed(**changes: Any) -> Observed:
    bare = Observed(
        database=database(),
        cluster=CLUSTER,
        namespace_labels={"kubernetes.io/metadata.name": "payments"},
        agents_namespace=AGENTS,
        service_account="payments.orders",
        policy=policy(),
        account=Account(partition="aws", account_id=ACCOUNT),
        provider_exists=True,
    )
    return replace(bare, **changes)


def plan_for(world: Observed, settings: PlatformSettings | None = None, *troubles: Trouble) -> IamRolePlan:
    return plan(world, settings=settings or platform(), now=NOW, troubles=troubles)


def settled() -> RoleState:
    role = None
    for _ in range(3):
        role = told(role, plan_for(observed(role=role)).calls)
    assert role is not None
    return role


def condition(steps: IamRolePlan) -> tuple[str, str]:
    assert steps.status is not None
    (found,) = steps.status["conditions"]
    assert found["type"] == "AgentRoleReady"
    return found["status"], found["reason"]


def message(steps: IamRolePlan) -> str:
    assert steps.status is not None
    return str(steps.status["conditions"][0]["message"])


def test_the_finalizer_is_there_before_the_role_is_made() -> None:
    steps = plan_for(observed(database=database(finalizers=(names.FINALIZER,))))
    assert steps.finalizers == FINALIZERS
    assert [call.operation for call in steps.calls] == ["create_role"]
    assert condition(steps) == ("Unknown", "Pending")
    assert [event.reason for event in steps.events] == ["IAMRoleCreated"]
    assert steps.requeue_after == 2


def test_the_role_is_the_one_that_the_database_is_told_of_and_assumes_what_is_granted() -> None:
    role = settled()
    assert role.arn == ARN == policy().database.agent_role_arn
    assert role.inline["keyward"]["Statement"][0]["Resource"] == f"arn:aws:iam::{ACCOUNT}:role/{builders.DB_USER}"
    steps = plan_for(observed(role=role))
    assert (steps.calls, steps.finalizers, steps.requeue_after) == ((), None, None)
    assert condition(steps) == ("True", "Trusted")


def test_what_was_told_is_not_told_again() -> None:
    role = settled()
    status = plan_for(observed(role=role)).status
    assert status is not None
    document = builders.with_status(database(), status, names.FieldManager.AGENT_ROLE)
    steps = plan_for(observed(role=role, database=document))
    assert steps == IamRolePlan()


def test_grants_that_only_deny_give_no_right() -> None:
    denied = tuple(grant.model_copy(update={"allow": ()}) for grant in policy().grants)
    world = observed(role=settled(), policy=policy().model_copy(update={"grants": denied}))
    assert [call.operation for call in plan_for(world).calls] == ["delete_role_policy"]
    assert [call.operation for call in plan_for(observed(role=settled(), policy=None)).calls] == ["delete_role_policy"]


def test_who_is_not_permitted_gets_no_role_and_one_that_was_made_may_assume_nothing() -> None:
    elsewhere = platform(regions=["eu-*"])
    bare = plan_for(observed(database=database(finalizers=())), elsewhere)
    assert (bare.calls, bare.finalizers, condition(bare)) == ((), None, ("False", "NotPermitted"))
    steps = plan_for(observed(role=settled()), elsewhere)
    assert [call.operation for call in steps.calls] == ["delete_role_policy"]
    assert "tenants[].regions" in message(steps)


@pytest.mark.parametrize("mode", ["None", "Verify"])
def test_a_mode_that_makes_no_roles_is_named(mode: str) -> None:
    steps = plan_for(observed(database=database(finalizers=()), account=None), platform(mode))
    assert (steps.calls, steps.finalizers, condition(steps)) == ((), None, ("False", "NotPermitted"))
    assert "`tenants[].iam.mode`" in message(steps)
    assert steps.requeue_after is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"account": Account(partition="aws", account_id="9" * 12)}, ("False", "OtherAccount")),
        ({"cluster": replace(CLUSTER, issuer="")}, ("False", "NoAWSIdentity")),
        (
            {"account": None, "unreadable": Trouble(aspect=Aspect.EXISTENCE, reason="AccessDenied", message="no")},
            ("Unknown", "AccessDenied"),
        ),
    ],
)
def test_what_keeps_the_operator_from_the_role_is_told(changes: dict[str, Any], expected: tuple[str, str]) -> None:
    steps = plan_for(observed(database=database(finalizers=()), **changes))
    assert (steps.calls, steps.finalizers, condition(steps)) == ((), None, expected)
    assert steps.requeue_after == 30


def test_a_role_that_is_not_ours_gets_no_finalizer() -> None:
    world = observed(database=database(finalizers=()), role=replace(settled(), tags={}, path="/"))
    steps = plan_for(world)
    assert (steps.calls, steps.finalizers, condition(steps)) == ((), None, ("False", "NameTaken"))


def test_the_role_goes_with_the_database_and_then_the_finalizer() -> None:
    deleted = database(deleted=True)
    role = settled()
    steps = plan_for(observed(database=deleted, role=role))
    assert [call.operation for call in steps.calls] == ["delete_role_policy", "delete_role"]
    assert steps.finalizers is None
    assert [event.reason for event in steps.events] == ["IAMRoleDeleted"]
    after = plan_for(observed(database=deleted, role=told(role, steps.calls)))
    assert (after.calls, after.finalizers, after.status) == ((), (names.FINALIZER,), None)
    assert plan_for(observed(database=database(deleted=True, finalizers=(names.FINALIZER,)))) == IamRolePlan()


def test_somebody_elses_role_outlives_the_database() -> None:
    steps = plan_for(observed(database=database(deleted=True), role=replace(settled(), tags={})))
    assert (steps.calls, steps.finalizers) == ((), (names.FINALIZER,))


def test_what_keeps_the_database_from_going_is_told() -> None:
    attached = plan_for(
        observed(database=database(deleted=True), role=replace(settled(), attached=frozenset({"arn:x"})))
    )
    assert (attached.calls, condition(attached)) == ((), ("False", "DeletionBlocked"))
    forbidden = plan_for(observed(database=database(deleted=True), account=None), platform("Verify"))
    assert condition(forbidden) == ("False", "DeletionBlocked")
    assert names.AGENT_ROLE_FINALIZER in message(forbidden)
    refused = Trouble(aspect=Aspect.EXISTENCE, reason="AccessDenied", message="not that")
    refusal = plan_for(observed(database=database(deleted=True), role=settled()), None, refused)
    assert (refusal.calls, message(refusal)) == ((), "not that")


def test_a_database_that_asks_no_more_lets_its_role_go() -> None:
    steps = plan_for(observed(database=database(agent=ADOPTED), role=settled()))
    assert [call.operation for call in steps.calls] == ["delete_role_policy", "delete_role"]
    after = plan_for(observed(database=database(agent=ADOPTED)))
    assert (after.finalizers, after.status) == ((names.FINALIZER,), None)


def test_a_database_that_adopts_what_was_made_for_it_keeps_it() -> None:
    steps = plan_for(observed(database=database(agent={"identity": {"roleARN": ARN}}), role=settled()))
    assert [call.operation for call in steps.calls] == ["untag_role"]
    deleted = database(deleted=True, agent={"identity": {"roleARN": ARN}})
    assert plan_for(observed(database=deleted, role=settled())).calls[-1].operation == "delete_role"


def test_the_condition_goes_where_nobody_asks() -> None:
    status = plan_for(observed(database=database(finalizers=()), account=None), platform("None")).status
    assert status is not None
    document = builders.with_status(database(finalizers=()), status, names.FieldManager.AGENT_ROLE)
    assert is_concerned(document)
    document["spec"]["agent"] = ADOPTED
    assert is_concerned(document)
    steps = plan_for(observed(database=document))
    assert (steps.status, steps.calls, steps.finalizers) == ({}, (), None)
    assert not is_concerned(database(finalizers=(), agent=ADOPTED))


def test_what_cannot_be_read_is_left_alone() -> None:
    broken = database(agent={"identity": {"management": "Own"}})
    steps = plan_for(observed(database=broken, role=settled()))
    assert (steps.calls, steps.finalizers, condition(steps)) == ((), None, ("False", "InvalidSpec"))
    deleted = copy.deepcopy(broken)
    deleted["metadata"]["deletionTimestamp"] = "2026-11-23T11:59:00Z"
    assert condition(plan_for(observed(database=deleted))) == ("False", "DeletionBlocked")


@pytest.mark.parametrize(
    ("told_of", "ready"),
    [
        (None, ("Unknown", "Pending")),
        (("Unknown", "Pending"), ("Unknown", "Pending")),
        (("False", "NoAWSIdentity"), ("False", "NoAWSIdentity")),
        (("True", "Trusted"), ("True", "Ready")),
    ],
)
def test_the_database_is_ready_when_its_agents_role_is(told_of: tuple[str, str] | None, ready: tuple[str, str]) -> None:
    world = builders.serving(platform(), agent=MANAGED)
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/{NAME}/session"
    reports = [builders.report(pod["metadata"]["name"], identity=session) for pod in world.pods]
    world = builders.changed_child(world, Child.POLICY, status={"agents": reports})
    document = copy.deepcopy(world.database)
    if told_of is not None:
        told_so = {"type": "AgentRoleReady", "status": told_of[0], "reason": told_of[1], "message": "so"}
        document["status"]["conditions"].append(told_so)
    verdict = verdicts(view_for(replace(world, database=document), platform()))["Ready"]
    assert (verdict.status, verdict.reason) == ready


def test_a_database_whose_role_somebody_else_made_does_not_wait_for_it() -> None:
    view = view_for(builders.serving(platform(), agent=ADOPTED), platform())
    assert verdicts(view)["Ready"].status == "True"


def test_the_two_conditions_have_two_owners() -> None:
    """As the API server tells of an object that both applied conditions to."""
    ours = {"f:conditions": {'k:{"type":"Ready"}': {".": {}, "f:status": {}, "f:type": {}}}}
    theirs = {"f:conditions": {'k:{"type":"AgentRoleReady"}': {".": {}, "f:status": {}, "f:type": {}}}}
    document = {
        "metadata": {
            "managedFields": [
                {"manager": manager, "operation": "Apply", "subresource": "status", "fieldsV1": {"f:status": fields}}
                for manager, fields in (
                    (names.FieldManager.DATABASE, ours),
                    (names.FieldManager.AGENT_ROLE, theirs),
                )
            ]
        },
        "status": {
            "conditions": [{"type": "AgentRoleReady", "status": "True"}, {"type": "Ready", "status": "False"}],
        },
    }
    for manager, kind in ((names.FieldManager.DATABASE, "Ready"), (names.FieldManager.AGENT_ROLE, "AgentRoleReady")):
        found = owned(document, manager, subresource="status")["status"]["conditions"]
        assert [condition["type"] for condition in found] == [kind]


def test_the_service_account_is_told_the_role_before_it_is_made() -> None:
    world = builders.settled(builders.observed(database=database()), platform())
    account = next(m for m in world.children.values() if m["kind"] == "ServiceAccount")
    assert account["metadata"]["annotations"][names.ANNOTATION_IRSA_ROLE] == ARN
    assert world.database["status"]["identity"]["roleARN"] == ARN
