import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from keyward_api.iam import trust_policy_of
from keyward_api.tenants import PlatformSettings
from keyward_operator.iam.calls import Aspect, Trouble
from keyward_operator.iam.role_state import Account
from keyward_operator.plan.iam_role.observed import Observed
from tests.unit.operator.iam_roles import (
    ACCOUNT,
    AGENT,
    EXTERNAL_ID,
    PATH,
    TAGS,
    conditions,
    document,
    observed,
    plan_for,
    platform,
    role,
    settled,
    use,
    verdict_on,
)

Change = Callable[[Observed], Observed]
TRUST = json.loads(trust_policy_of({AGENT: [EXTERNAL_ID]}))
ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "cassandra:*", "Resource": "*"}]}


def adopted(**changes: Any) -> Observed:
    """An adopted role that has it all, and what differs."""
    state = role(trust=TRUST, inline={"own": ALL})
    return observed(document=document(management="Adopt"), role=replace(state, **changes))


def in_iam(**changes: Any) -> Change:
    def change(world: Observed) -> Observed:
        assert world.role is not None
        return replace(world, role=replace(world.role, **changes))

    return change


def managed(change: Change = lambda world: world) -> Observed:
    return change(settled())


def refused(aspect: Aspect, reason: str, *, passes: bool = False) -> tuple[Trouble, ...]:
    return (Trouble(aspect=aspect, reason=reason, message="no", passes=passes),)


def statement(effect: str = "Allow", **more: Any) -> dict[str, Any]:
    bare = {"Effect": effect, "Principal": {"AWS": AGENT}, "Action": "sts:*"}
    return {"Version": "2012-10-17", "Statement": [bare | more]}


UNREADABLE = Trouble(aspect=Aspect.EXISTENCE, reason="AccessDenied", message="GetRole: AccessDenied: no")
BOUND = {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}}
ODD = {**BOUND, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
MANY = tuple(use(f"d{i}", agent_role_arn=f"{AGENT}-{i}") for i in range(9))
TABLES = [f"table_{i:02}_{'x' * 30}" for i in range(64)]
LARGE = [{"keyspaces": [f"ks{i}"], "tables": TABLES, "permissions": ["Select"]} for i in range(2)]
ELSEWHERE = Account(partition="aws", account_id="9" * 12)


@pytest.mark.parametrize(
    ("world", "condition", "status", "reason"),
    [
        pytest.param(managed(), "Ready", "True", "Ready", id="all is well"),
        pytest.param(managed(), "Exists", "True", "Found", id="the role exists"),
        pytest.param(managed(), "TrustReady", "True", "Trusted", id="agents are trusted"),
        pytest.param(managed(), "PermissionsReady", "True", "Sufficient", id="permissions suffice"),
        pytest.param(observed(), "Exists", "Unknown", "Pending", id="it is being made"),
        pytest.param(observed(), "TrustReady", "Unknown", "Pending", id="trust waits for the role"),
        pytest.param(observed(), "Ready", "Unknown", "Pending", id="so it is not ready"),
        pytest.param(observed(role=role()), "Exists", "False", "NameTaken", id="the name is taken"),
        pytest.param(managed(in_iam(tags={})), "Exists", "False", "OwnershipLost", id="tags are gone"),
        pytest.param(
            managed(in_iam(tags=TAGS | {"keyward:uid": "x"})), "Exists", "False", "NameTaken", id="another object's"
        ),
        pytest.param(managed(in_iam(tags={}, path="/")), "Exists", "False", "NameTaken", id="moved away"),
        pytest.param(managed(in_iam(path="/old/")), "Exists", "False", "PathDiffers", id="the path changed"),
        pytest.param(managed(in_iam(trust={})), "TrustReady", "Unknown", "Pending", id="trust is being set"),
        pytest.param(managed(in_iam(inline={})), "PermissionsReady", "Unknown", "Pending", id="rights are being set"),
        pytest.param(
            managed(in_iam(attached=frozenset({"arn:x"}))), "PermissionsReady", "False", "ForeignPolicies", id="foreign"
        ),
        pytest.param(settled(observed(databases=())), "TrustReady", "True", "NoDatabases", id="nobody uses it"),
        pytest.param(settled(observed(databases=())), "Ready", "True", "Ready", id="which is well"),
        pytest.param(
            observed(document=document(accountID="9" * 12)), "Exists", "False", "OtherAccount", id="another account"
        ),
        pytest.param(
            settled(observed(databases=(use(agent_role_exists=False),))),
            "TrustReady",
            "False",
            "AgentRoleNotFound",
            id="no agents' role",
        ),
        pytest.param(
            settled(observed(databases=MANY)), "TrustReady", "False", "PolicyTooLarge", id="too many databases"
        ),
        pytest.param(
            settled(observed(document=document(permissions=LARGE))),
            "PermissionsReady",
            "False",
            "PolicyTooLarge",
            id="too many tables",
        ),
        pytest.param(replace(managed(), unreadable=UNREADABLE), "Exists", "Unknown", "AccessDenied", id="unreadable"),
        pytest.param(
            replace(managed(), unreadable=UNREADABLE), "TrustReady", "Unknown", "NotVerified", id="so not looked at"
        ),
        pytest.param(replace(managed(), unreadable=UNREADABLE), "Ready", "Unknown", "AccessDenied", id="and not ready"),
        pytest.param(adopted(), "Ready", "True", "Ready", id="adopted"),
        pytest.param(adopted(tags=TAGS, path=PATH), "Exists", "True", "Found", id="whoever made it"),
        pytest.param(replace(adopted(), role=None), "Exists", "False", "IAMRoleNotFound", id="adopted and missing"),
        pytest.param(adopted(trust={}), "TrustReady", "False", "TrustIncomplete", id="no trust"),
        pytest.param(adopted(trust=statement("Deny")), "TrustReady", "False", "ExplicitDeny", id="deny alone"),
        pytest.param(adopted(trust=statement()), "TrustReady", "False", "RoleNotBound", id="no external id"),
        pytest.param(
            adopted(trust=statement(Condition=ODD)), "TrustReady", "Unknown", "ConditionsNotJudged", id="odd conditions"
        ),
        pytest.param(adopted(inline={}), "PermissionsReady", "False", "PermissionsIncomplete", id="no permissions"),
        pytest.param(
            adopted(inline={}, attached=frozenset({"a"}), managed={"a": ALL}),
            "PermissionsReady",
            "True",
            "Sufficient",
            id="by an attached policy",
        ),
        pytest.param(
            adopted(boundary="b", managed={"b": {"Statement": []}}),
            "PermissionsReady",
            "False",
            "PermissionsIncomplete",
            id="the boundary is too narrow",
        ),
        pytest.param(
            replace(adopted(), account=ELSEWHERE, role=None), "Exists", "Unknown", "NotVerified", id="other account"
        ),
        pytest.param(
            replace(adopted(), account=ELSEWHERE, role=None), "Ready", "True", "NotVerified", id="which is no fault"
        ),
    ],
)
def test_conditions(world: Observed, condition: str, status: str, reason: str) -> None:
    assert verdict_on(world)[condition] == (status, reason)


UNASKED = observed(account=None)


@pytest.mark.parametrize(
    ("world", "settings", "condition", "verdict"),
    [
        (replace(UNASKED, document=document(management="Adopt")), platform("None"), "Ready", ("True", "NotVerified")),
        (
            replace(UNASKED, document=document(management="Adopt")),
            platform("None"),
            "Exists",
            ("Unknown", "NotVerified"),
        ),
        (UNASKED, platform("None"), "Permitted", ("False", "NotPermitted")),
        (UNASKED, platform("None"), "Ready", ("False", "NotPermitted")),
        (UNASKED, platform("None"), "TrustReady", ("False", "NotPermitted")),
        (adopted(), platform("Verify"), "Ready", ("True", "Ready")),
        (observed(document=document(roleName="")), platform(), "Permitted", ("False", "InvalidSpec")),
        (observed(document=document(roleName="")), platform(), "Ready", ("False", "InvalidSpec")),
    ],
)
def test_conditions_by_what_the_platform_says(
    world: Observed, settings: PlatformSettings, condition: str, verdict: tuple[str, str]
) -> None:
    assert verdict_on(world, settings)[condition] == verdict


@pytest.mark.parametrize(
    ("troubles", "condition", "verdict"),
    [
        (refused(Aspect.EXISTENCE, "PrincipalNotFound"), "Exists", ("False", "PrincipalNotFound")),
        (refused(Aspect.EXISTENCE, "NameTaken", passes=True), "Exists", ("Unknown", "Pending")),
        (refused(Aspect.TRUST, "PrincipalNotFound"), "TrustReady", ("False", "PrincipalNotFound")),
        (refused(Aspect.PERMISSIONS, "AccessDenied"), "PermissionsReady", ("False", "AccessDenied")),
        (refused(Aspect.PERMISSIONS, "AccessDenied"), "Ready", ("False", "AccessDenied")),
        (refused(Aspect.PERMISSIONS, "AccessDenied"), "TrustReady", ("True", "Trusted")),
    ],
)
def test_conditions_tell_what_iam_refused(
    troubles: tuple[Trouble, ...], condition: str, verdict: tuple[str, str]
) -> None:
    assert verdict_on(managed(in_iam(inline={})), troubles=troubles)[condition] == verdict


def test_what_iam_has_no_room_for_is_left_out_and_not_left_open() -> None:
    many = settled(observed(databases=MANY)).role
    assert many is not None
    trusted = json.dumps(many.trust)
    assert len(trusted) <= 2400
    assert f"{AGENT}-0" in trusted
    assert f"{AGENT}-8" not in trusted
    before = settled()
    large = settled(replace(before, document={**before.document, "spec": document(permissions=LARGE)["spec"]})).role
    assert large is not None
    assert large.inline == {}


def test_a_refusal_names_the_setting() -> None:
    steps = plan_for(observed(), platform(iam={"mode": "Verify"}))
    assert steps.status is not None
    message = steps.status["conditions"][1]["message"]
    assert "`tenants[].iam.mode`" in message


def test_what_is_missing_is_in_the_message_as_it_is_to_be_pasted() -> None:
    found = conditions(settled(adopted(trust={}, inline={})))
    assert json.dumps(TRUST, sort_keys=True, separators=(",", ":")) in found["TrustReady"]["message"]
    missing = found["PermissionsReady"]["message"].partition(" lack ")[2]
    assert json.loads(missing)["Statement"][0]["Action"] == ["cassandra:Select"]


def test_the_status_says_what_administrators_need() -> None:
    status = settled(adopted()).document["status"]
    assert status["arn"] == f"arn:aws:iam::{ACCOUNT}:role/Reader"
    assert status["databases"] == ["orders"]
    assert json.loads(status["trustPolicy"]) == TRUST
    assert "shop/table/*" in status["permissionsPolicy"]
    assert settled().document["status"]["arn"] == f"arn:aws:iam::{ACCOUNT}:role{PATH}Reader"
    nobody = settled(observed(databases=())).document["status"]
    assert "trustPolicy" not in nobody
    assert nobody["databases"] == []


def test_a_lost_role_can_be_handed_back_by_the_command_that_is_told() -> None:
    message = conditions(settled(managed(in_iam(tags={}))))["Exists"]["message"]
    command = message.partition("`")[2].partition("`")[0]
    words = command.split()
    assert words[:6] == ["aws", "iam", "tag-role", "--role-name", "Reader", "--tags"]
    tags = dict((part.partition(",")[0].removeprefix("Key="), part.partition("Value=")[2]) for part in words[6:])
    assert tags == TAGS
