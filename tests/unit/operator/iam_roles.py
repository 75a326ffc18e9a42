"""IAM roles for tests of the operator: what users wrote, what IAM tells, and what it tells after calls of a plan."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from keyward_api import names
from keyward_api.iam_roles.permissions import Place
from keyward_api.permissions import Permission
from keyward_api.resources.policy import PolicyRule
from keyward_api.tenants import PlatformSettings
from keyward_operator.iam.calls import IamCall, Trouble
from keyward_operator.iam.role_state import Account, RoleState
from keyward_operator.plan.iam_role.observed import DatabaseUse, Observed
from keyward_operator.plan.iam_role.plan import IamRolePlan, plan
from tests.unit.operator.builders import with_status

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ACCOUNT = "111122223333"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/keyward-boundary"
READ_ONLY = "AmazonKeyspacesReadOnlyAccess"
READ_ONLY_ARN = f"arn:aws:iam::aws:policy/{READ_ONLY}"
AGENT = f"arn:aws:iam::{ACCOUNT}:role/keyward-agents"
EXTERNAL_ID = "cluster-uid/payments/orders"
PATH = "/keyward/blue/payments/"
TAGS = {
    names.TAG_CLUSTER: "blue",
    names.TAG_NAMESPACE: "payments",
    names.TAG_NAME: "reader",
    names.TAG_UID: "uid-1",
}

Json = dict[str, Any]


def platform(mode: str = "Manage", **changes: Any) -> PlatformSettings:
    """Settings with one entry of `tenants`."""
    bound = {"permissionsBoundary": BOUNDARY, "managedPolicies": [READ_ONLY]} if mode == "Manage" else {}
    tenant = {"iam": {"mode": mode} | bound} | changes
    return PlatformSettings.model_validate({"agents": {"image": "x"}, "clusterName": "blue", "tenants": [tenant]})


def document(*, deleted: bool = False, finalizers: tuple[str, ...] | None = None, **spec: Any) -> Json:
    """A KeyspacesIAMRole; one that manages its role unless said otherwise."""
    body = {"roleName": "Reader", "accountID": ACCOUNT, "management": "Manage"} | spec
    held = (names.IAM_ROLE_FINALIZER,) if body["management"] == "Manage" else ()
    metadata: Json = {
        "name": "reader",
        "namespace": "payments",
        "uid": "uid-1",
        "generation": 3,
        "resourceVersion": "7",
        "finalizers": list(held if finalizers is None else finalizers),
    }
    if deleted:
        metadata["deletionTimestamp"] = "2026-11-23T11:59:00Z"
    return {"apiVersion": names.API_VERSION, "kind": "KeyspacesIAMRole", "metadata": metadata, "spec": body}


def use(name: str = "orders", **changes: Any) -> DatabaseUse:
    """A database whose grants name the role."""
    bare = DatabaseUse(
        name=name,
        place=Place(partition="aws", region="eu-central-1", account_id=ACCOUNT),
        agent_role_arn=AGENT,
        external_id=f"cluster-uid/payments/{name}",
        rules=(
            PolicyRule(source="reader/allow/0", keyspaces=("shop",), tables=("*",), permissions=(Permission.SELECT,)),
        ),
    )
    return replace(bare, **changes)


def observed(**changes: Any) -> Observed:
    """A role that is to be made."""
    bare = Observed(
        document=document(),
        cluster="blue",
        namespace_labels={"kubernetes.io/metadata.name": "payments"},
        databases=(use(),),
        account=Account(partition="aws", account_id=ACCOUNT),
        role=None,
    )
    return replace(bare, **changes)


def role(**changes: Any) -> RoleState:
    """Somebody's role in IAM."""
    bare = RoleState(
        name="Reader",
        arn=f"arn:aws:iam::{ACCOUNT}:role/Reader",
        path="/",
        description="",
        max_session_seconds=3600,
        tags={},
        boundary=None,
        trust={"Version": "2012-10-17", "Statement": []},
        inline={},
        attached=frozenset(),
    )
    return replace(bare, **changes)


def plan_for(
    world: Observed, settings: PlatformSettings | None = None, troubles: tuple[Trouble, ...] = ()
) -> IamRolePlan:
    return plan(world, settings=settings or platform(), now=NOW, troubles=troubles)


def told(state: RoleState | None, calls: Iterable[IamCall]) -> RoleState | None:
    """What IAM tells of a role after calls."""
    for call in calls:
        state = _told(state, call.operation, call.parameters)
    return state


def _told(state: RoleState | None, operation: str, given: Mapping[str, Any]) -> RoleState | None:
    if operation == "create_role":
        return role(
            name=given["RoleName"],
            arn=f"arn:aws:iam::{ACCOUNT}:role{given['Path']}{given['RoleName']}",
            path=given["Path"],
            description=given["Description"],
            max_session_seconds=given["MaxSessionDuration"],
            tags={tag["Key"]: tag["Value"] for tag in given["Tags"]},
            boundary=given["PermissionsBoundary"],
            trust=json.loads(given["AssumeRolePolicyDocument"]),
        )
    if operation == "delete_role" or state is None:
        return None
    return replace(state, **_changes(state, operation, given))


def _changes(state: RoleState, operation: str, given: Mapping[str, Any]) -> dict[str, Any]:
    match operation:
        case "update_assume_role_policy":
            return {"trust": json.loads(given["PolicyDocument"])}
        case "put_role_permissions_boundary":
            return {"boundary": given["PermissionsBoundary"]}
        case "put_role_policy":
            return {"inline": {**state.inline, given["PolicyName"]: json.loads(given["PolicyDocument"])}}
        case "delete_role_policy":
            return {"inline": {k: v for k, v in state.inline.items() if k != given["PolicyName"]}}
        case "attach_role_policy":
            return {"attached": state.attached | {given["PolicyArn"]}}
        case "detach_role_policy":
            return {"attached": state.attached - {given["PolicyArn"]}}
        case "tag_role":
            return {"tags": {**state.tags, **{tag["Key"]: tag["Value"] for tag in given["Tags"]}}}
        case "untag_role":
            return {"tags": {k: v for k, v in state.tags.items() if k not in given["TagKeys"]}}
        case "update_role":
            return {"description": given["Description"], "max_session_seconds": given["MaxSessionDuration"]}
    raise AssertionError(f"an operation that no plan asks for: {operation}")


def carry_out(world: Observed, steps: IamRolePlan) -> Observed:
    """The world after a plan."""
    body = world.document
    if steps.finalizers is not None:
        body = {**body, "metadata": {**body["metadata"], "finalizers": list(steps.finalizers)}}
    if steps.status is not None:
        body = with_status(body, steps.status, names.FieldManager.IAM_ROLE)
    return replace(world, document=body, role=told(world.role, steps.calls))


def settled(world: Observed | None = None, settings: PlatformSettings | None = None) -> Observed:
    """The world after as many plans as it takes."""
    world = world or observed()
    for _ in range(6):
        steps = plan_for(world, settings)
        if replace(steps, requeue_after=None) == IamRolePlan():
            return world
        world = carry_out(world, steps)
    raise AssertionError(f"it never settles: {steps}")


def conditions(world: Observed) -> dict[str, Json]:
    return {condition["type"]: condition for condition in world.document["status"]["conditions"]}


def verdict_on(world: Observed, settings: PlatformSettings | None = None, troubles: tuple[Trouble, ...] = ()) -> Json:
    """The conditions that a plan says, as (status, reason) by type."""
    steps = plan_for(world, settings, troubles)
    status = steps.status or world.document["status"]
    return {condition["type"]: (condition["status"], condition["reason"]) for condition in status["conditions"]}
