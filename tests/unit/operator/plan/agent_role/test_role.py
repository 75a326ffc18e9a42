import json
from dataclasses import replace
from typing import Any

import pytest

from keyward_operator.iam.calls import Aspect, Trouble
from keyward_operator.iam.ownership import Ownership
from keyward_operator.iam.role_state import Account, RoleState
from keyward_operator.plan.agent_role.role import AgentRole, Steps, keep, let_go
from tests.unit.operator.iam_roles import ACCOUNT, BOUNDARY, platform, told

DATABASE = Ownership(cluster="blue", namespace="payments", name="orders", uid="uid-2")
AGENT = AgentRole(
    database=DATABASE,
    account=Account(partition="aws", account_id=ACCOUNT),
    iam=platform().tenants[0].iam,
    issuer="https://oidc.example/id/1",
    service_account="payments.orders",
    agents_namespace="keyward-agents",
)
READER = f"arn:aws:iam::{ACCOUNT}:role/Reader"
WRITER = f"arn:aws:iam::{ACCOUNT}:role/Writer"


def steps(role: RoleState | None, *assumes: str, provider: bool = True, **more: Any) -> Steps:
    return keep(AGENT, role, assumes=assumes or (READER,), provider_exists=provider, **more)


def settled(*assumes: str) -> RoleState:
    role = None
    for _ in range(3):
        role = told(role, steps(role, *assumes).calls)
    assert role is not None
    assert steps(role, *assumes).calls == ()
    return role


def test_the_role_is_trusted_to_one_service_account_and_assumes_what_is_granted() -> None:
    role = settled(WRITER, READER)
    assert role.arn == AGENT.arn
    assert AGENT.arn.startswith(f"arn:aws:iam::{ACCOUNT}:role/keyward/blue/payments/keyward-agent-payments-orders-")
    assert role.boundary == BOUNDARY
    (trust,) = role.trust["Statement"]
    assert trust["Principal"] == {"Federated": AGENT.provider_arn}
    assert trust["Condition"]["StringEquals"] == {
        "oidc.example/id/1:aud": "sts.amazonaws.com",
        "oidc.example/id/1:sub": "system:serviceaccount:keyward-agents:payments.orders",
    }
    (allowed,) = role.inline["keyward"]["Statement"]
    assert allowed["Action"] == ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]
    assert allowed["Resource"] == [READER, WRITER]
    assert steps(role, WRITER, READER).verdict.status == "True"


def test_it_follows_the_grants() -> None:
    role = settled(READER, WRITER)
    narrowed = told(role, steps(role, READER).calls)
    assert narrowed is not None
    assert narrowed.inline["keyward"]["Statement"][0]["Resource"] == READER
    nothing = keep(AGENT, narrowed, assumes=(), provider_exists=True).calls
    assert [call.operation for call in nothing] == ["delete_role_policy"]


def test_it_never_touches_a_role_that_is_not_its_own() -> None:
    role = settled()
    for changes, reason in (
        ({"tags": {}}, "OwnershipLost"),
        ({"tags": {}, "path": "/"}, "NameTaken"),
        ({"tags": role.tags | {"keyward:uid": "x"}}, "NameTaken"),
        ({"path": "/old/"}, "PathDiffers"),
    ):
        found = steps(replace(role, trust={}, **changes))  # type: ignore[arg-type]
        assert (found.calls, found.verdict.status, found.verdict.reason) == ((), "False", reason)
    assert let_go(AGENT, replace(role, tags={})).calls == ()


def test_without_the_clusters_provider_no_agent_can_use_it() -> None:
    found = steps(settled(), provider=False)
    assert (found.verdict.status, found.verdict.reason) == ("False", "NoAWSIdentity")
    assert AGENT.provider_arn in found.verdict.message


def test_policies_of_others_are_told_of() -> None:
    role = replace(settled(), attached=frozenset({"arn:x"}))
    assert steps(role).verdict.reason == "ForeignPolicies"
    blocked = let_go(AGENT, role)
    assert (blocked.calls, blocked.verdict.reason) == ((), "DeletionBlocked")


def test_more_roles_than_a_policy_has_room_for_are_left_out_and_told_of() -> None:
    many = [f"{READER}-{number:04}" for number in range(300)]
    role = settled(*many)
    assert len(json.dumps(role.inline["keyward"], separators=(",", ":"))) <= 10240
    verdict = steps(role, *many).verdict
    assert (verdict.status, verdict.reason) == ("False", "PolicyTooLarge")
    allowed = role.inline["keyward"]["Statement"][0]["Resource"]
    assert allowed == many[: len(allowed)]
    assert f"{many[len(allowed)]}, " in verdict.message
    assert f"{many[len(allowed) - 1]}, " not in verdict.message


@pytest.mark.parametrize(("passes", "status"), [(True, "Unknown"), (False, "False")])
def test_what_iam_refused_is_told(passes: bool, status: str) -> None:
    trouble = Trouble(aspect=Aspect.TRUST, reason="AccessDenied", message="no", passes=passes)
    found = steps(None, troubles=(trouble,))
    assert (found.calls, found.verdict.status) == ((), status)


def test_it_goes_with_its_database() -> None:
    role = settled()
    removal = let_go(AGENT, role)
    assert [call.operation for call in removal.calls] == ["delete_role_policy", "delete_role"]
    assert let_go(AGENT, told(role, removal.calls)) == Steps()
