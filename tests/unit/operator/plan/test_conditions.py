from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from keyward_operator.children import Child
from keyward_operator.plan.observed import Observed
from tests.unit.operator.builders import (
    DB_USER,
    NOW,
    ROLE_ARN,
    carry_out,
    changed_child,
    conditions,
    database,
    looked_at,
    observed,
    plan_for,
    pod,
    report,
    role,
    serving,
    settled,
    user,
)

Change = Callable[[Observed], Observed]


def without_agents(world: Observed) -> Observed:
    return changed_child(world, Child.DEPLOYMENT, status={"replicas": 2, "unavailableReplicas": 2})


def reporting(*reports: dict[str, Any]) -> Change:
    return lambda world: changed_child(world, Child.POLICY, status={"agents": list(reports)})


def with_pods(*pods: dict[str, Any]) -> Change:
    return lambda world: without_agents(replace(world, pods=pods))


def scaled_to_zero(world: Observed) -> Observed:
    spec = {**database()["spec"]["agent"], "replicas": 0}
    return replace(world, database={**database(agent=spec), "status": world.database["status"]})


UNREACHABLE = {"reachable": False, "reason": "cannot connect to cassandra:9142: Connection refused"}
NODE = "arn:aws:sts::111122223333:assumed-role/eks-node/i-0123456789abcdef0"
WAITING = {"containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}]}
UNSCHEDULED = {
    "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "full"}]
}


@pytest.mark.parametrize(
    ("change", "condition", "status", "reason", "says"),
    [
        pytest.param(lambda w: w, "Ready", "True", "Ready", "", id="all is well"),
        pytest.param(lambda w: w, "RolesAssumable", "True", "Assumable", DB_USER, id="roles are assumable"),
        pytest.param(lambda w: w, "AgentAvailable", "True", "Available", "2 of 2", id="agents are available"),
        pytest.param(lambda w: w, "CertificateAuthorityReady", "True", "Issued", "", id="the CA is issued"),
        pytest.param(
            lambda w: replace(w, roles=()), "PolicyCompiled", "False", "RoleNotFound", "reader", id="a role is missing"
        ),
        pytest.param(
            lambda w: replace(w, roles=()), "Ready", "False", "RoleNotFound", "reader", id="so it is not ready"
        ),
        pytest.param(lambda w: replace(w, users=()), "RolesAssumable", "True", "NoGrants", "", id="nothing is granted"),
        pytest.param(scaled_to_zero, "AgentAvailable", "False", "ScaledToZero", "", id="scaled to zero"),
        pytest.param(with_pods(), "AgentAvailable", "False", "Unavailable", "yet", id="no pod yet"),
        pytest.param(
            with_pods(pod("p", **WAITING)), "AgentAvailable", "False", "Unavailable", "no such image", id="no image"
        ),
        pytest.param(
            with_pods(pod("p", **UNSCHEDULED)), "AgentAvailable", "False", "Unavailable", "full", id="no node"
        ),
        pytest.param(
            with_pods(pod("p", injected=False)), "AgentAvailable", "False", "IdentityNotInjected", "p", id="no identity"
        ),
        pytest.param(lambda w: w, "EndpointReachable", "True", "Reachable", "", id="Keyspaces is reached"),
        pytest.param(reporting(), "EndpointReachable", "Unknown", "NotTried", "", id="no agent has tried the endpoint"),
        pytest.param(
            reporting(report("agent-1"), report("agent-2", endpoint=None)),
            "EndpointReachable",
            "True",
            "Reachable",
            "",
            id="an agent that starts has not tried yet",
        ),
        pytest.param(
            reporting(report("agent-1"), report("agent-2", endpoint=UNREACHABLE)),
            "EndpointReachable",
            "False",
            "Unreachable",
            "pod agent-2: cannot connect to cassandra:9142: Connection refused; see `spec.endpoint`",
            id="one agent does not reach Keyspaces",
        ),
        pytest.param(
            reporting(report("agent-1", endpoint=UNREACHABLE)),
            "Ready",
            "False",
            "Unreachable",
            "Connection refused",
            id="so it is not ready either",
        ),
        pytest.param(lambda w: w, "IdentityVerified", "True", "Verified", ROLE_ARN, id="agents are who they should be"),
        pytest.param(
            reporting(report("agent-1", identity="")),
            "IdentityVerified",
            "Unknown",
            "NotTried",
            "",
            id="nobody knows yet",
        ),
        pytest.param(
            reporting(report("agent-1", identity=""), report("agent-2")),
            "IdentityVerified",
            "True",
            "Verified",
            "",
            id="an agent that starts does not know yet",
        ),
        pytest.param(
            reporting(report("agent-1"), report("agent-2", identity=NODE)),
            "IdentityVerified",
            "False",
            "IdentityMismatch",
            f"pod agent-2 is {NODE}; they should be sessions of {ROLE_ARN}",
            id="one agent has the identity of its node",
        ),
        pytest.param(reporting(), "RolesAssumable", "Unknown", "NotTried", DB_USER, id="no agent has tried"),
        pytest.param(
            reporting(report("agent-1"), report("agent-2", assumable=False, why="not authorized")),
            "RolesAssumable",
            "False",
            "AccessDenied",
            "not authorized",
            id="one agent was refused",
        ),
        pytest.param(
            reporting(report("agent-1", assumable=False, why="STSUnavailable: no answer")),
            "RolesAssumable",
            "Unknown",
            "STSUnavailable",
            "no answer",
            id="STS did not answer",
        ),
        pytest.param(
            reporting(report("agent-1", assumable=False, why="STSThrottled: try again")),
            "RolesAssumable",
            "Unknown",
            "STSUnavailable",
            "try again",
            id="STS limits calls",
        ),
        pytest.param(
            reporting(report("gone", assumable=False, why="not authorized")),
            "RolesAssumable",
            "Unknown",
            "NotTried",
            "",
            id="who is gone does not count",
        ),
    ],
)
def test_conditions(change: Change, condition: str, status: str, reason: str, says: str) -> None:
    world = change(serving())
    found = conditions(looked_at(world))[condition]
    assert (found["status"], found["reason"]) == (status, reason)
    assert says in found["message"]
    assert found["observedGeneration"] == 3


def test_a_grant_that_is_too_large_for_sts_is_told() -> None:
    keyspaces = [f"keyspace_with_a_long_name_{index:02}" for index in range(40)]
    world = settled(observed(roles=(role(keyspaces=keyspaces),)))
    found = conditions(world)["PolicyCompiled"]
    assert found["reason"] == "GrantTooLarge"
    assert "2048" in found["message"]


def test_an_iam_role_that_is_only_denied_is_not_waited_for() -> None:
    deny = role("strict", dbUsers=["Admin"])
    deny["spec"] = {"deny": deny["spec"]["allow"]}
    world = serving()
    world = replace(world, roles=(*world.roles, deny), users=(*world.users, user("other", roles=("strict",))))
    world = carry_out(world, plan_for(world))
    assert conditions(world)["RolesAssumable"]["reason"] == "Assumable"
    assert conditions(world)["Ready"]["status"] == "True"


def test_times_change_with_the_status_of_a_condition_only() -> None:
    world = serving()
    since = conditions(world)["RolesAssumable"]["lastTransitionTime"]
    first = reporting(report("agent-1", assumable=False, why="a"), report("agent-2"))(world)
    first = carry_out(first, plan_for(first, now=NOW + timedelta(minutes=1)))
    second = reporting(report("agent-1", assumable=False, why="b"), report("agent-2"))(first)
    second = carry_out(second, plan_for(second, now=NOW + timedelta(minutes=2)))
    assert conditions(first)["RolesAssumable"]["lastTransitionTime"] != since
    assert conditions(second)["RolesAssumable"]["message"] != conditions(first)["RolesAssumable"]["message"]
    for name in ("RolesAssumable", "Permitted"):
        assert conditions(second)[name]["lastTransitionTime"] == conditions(first)[name]["lastTransitionTime"]


def test_many_problems_make_one_message_that_fits() -> None:
    users = tuple(user(f"user-{index}", roles=("missing",)) for index in range(500))
    found = conditions(settled(observed(users=users)))["PolicyCompiled"]
    assert "and 495 more" in found["message"]
    assert len(found["message"]) <= 4096
