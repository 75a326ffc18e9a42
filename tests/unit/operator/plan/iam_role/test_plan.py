import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from keyward_api import names
from keyward_api.iam import trust_policy_of
from keyward_operator.iam.calls import Aspect, Trouble
from keyward_operator.plan.iam_role.observed import Observed
from keyward_operator.plan.iam_role.plan import AGAIN, AGAIN_WHERE_BLOCKED, IamRolePlan
from tests.unit.operator.iam_roles import (
    AGENT,
    BOUNDARY,
    EXTERNAL_ID,
    PATH,
    READ_ONLY,
    READ_ONLY_ARN,
    TAGS,
    carry_out,
    document,
    observed,
    plan_for,
    platform,
    role,
    settled,
    use,
)

Change = Callable[[Observed], Observed]
OTHER_ARN = "arn:aws:iam::aws:policy/AdministratorAccess"


def operations(steps: IamRolePlan) -> list[str]:
    return [call.operation for call in steps.calls]


def in_iam(**changes: Any) -> Change:
    """Somebody changed the role in IAM."""

    def change(world: Observed) -> Observed:
        assert world.role is not None
        return replace(world, role=replace(world.role, **changes))

    return change


def written(world: Observed, **spec: Any) -> Observed:
    """The owner changed the spec."""
    return replace(world, document={**world.document, "spec": {**world.document["spec"], **spec}})


def deleted(world: Observed, **spec: Any) -> Observed:
    """The owner deleted the object."""
    world = written(world, **spec)
    metadata = {**world.document["metadata"], "deletionTimestamp": "2026-11-23T11:59:00Z"}
    return replace(world, document={**world.document, "metadata": metadata})


def test_a_role_is_made_with_everything_that_bounds_it_at_once() -> None:
    steps = plan_for(observed(document=document(finalizers=(), tags={"team": "a"}, maxSessionSeconds=7200)))
    assert steps.finalizers == (names.IAM_ROLE_FINALIZER,)
    (call,) = steps.calls
    assert call.operation == "create_role"
    given = dict(call.parameters)
    assert json.loads(given.pop("AssumeRolePolicyDocument")) == json.loads(trust_policy_of({AGENT: [EXTERNAL_ID]}))
    assert {tag["Key"]: tag["Value"] for tag in given.pop("Tags")} == TAGS | {"team": "a"}
    assert given == {
        "RoleName": "Reader",
        "Path": PATH,
        "Description": "KeyspacesIAMRole payments/reader, kept by keyward-operator",
        "MaxSessionDuration": 7200,
        "PermissionsBoundary": BOUNDARY,
    }
    assert steps.requeue_after == AGAIN


def test_it_gets_its_rights_once_it_is_seen() -> None:
    permissions = [{"keyspaces": ["shop"], "tables": ["*"], "permissions": ["Select"]}]
    world = observed(document=document(permissions=permissions, managedPolicies=[READ_ONLY]))
    world = carry_out(world, plan_for(world))
    steps = plan_for(world)
    assert operations(steps) == ["put_role_policy", "attach_role_policy"]
    world = settled(world)
    assert world.role is not None
    assert world.role.attached == {READ_ONLY_ARN}
    resources = [s["Resource"] for s in world.role.inline["keyward"]["Statement"]]
    prefix = "arn:aws:cassandra:eu-central-1:111122223333:/keyspace/"
    assert resources == [f"{prefix}system*", f"{prefix}shop/table/*"]


def test_a_settled_role_is_left_alone_and_nothing_is_written() -> None:
    world = settled()
    assert plan_for(world) == IamRolePlan()


@pytest.mark.parametrize(
    ("drift", "repair"),
    [
        (in_iam(boundary=None), ["put_role_permissions_boundary"]),
        (in_iam(boundary=OTHER_ARN), ["put_role_permissions_boundary"]),
        (in_iam(trust={"Version": "2012-10-17", "Statement": []}), ["update_assume_role_policy"]),
        (in_iam(inline={}), ["put_role_policy"]),
        (in_iam(inline={"keyward": {"Version": "2012-10-17", "Statement": []}}), ["put_role_policy"]),
        (in_iam(attached=frozenset({READ_ONLY_ARN})), ["detach_role_policy"]),
        (in_iam(max_session_seconds=43200), ["update_role"]),
        (in_iam(description="mine"), ["update_role"]),
        (lambda world: written(world, tags={"team": "a"}), ["tag_role"]),
        (lambda world: written(world, managedPolicies=[READ_ONLY]), ["attach_role_policy"]),
        (lambda world: replace(world, databases=(use(), use("bills"))), ["update_assume_role_policy"]),
        (lambda world: replace(world, databases=()), ["update_assume_role_policy", "delete_role_policy"]),
    ],
)
def test_what_drifted_is_repaired_and_nothing_else(drift: Change, repair: list[str]) -> None:
    before = settled()
    world = drift(before)
    assert operations(plan_for(world)) == repair
    after = settled(world)
    assert operations(plan_for(after)) == []
    if world.document == before.document and world.databases == before.databases:
        assert after.role == before.role


def test_what_bounds_goes_first_and_what_widens_last() -> None:
    world = written(settled(), managedPolicies=[READ_ONLY])
    world = in_iam(boundary=None, trust={}, inline={})(world)
    assert operations(plan_for(world)) == [
        "put_role_permissions_boundary",
        "update_assume_role_policy",
        "put_role_policy",
        "attach_role_policy",
    ]


def test_tags_are_set_together_with_those_that_the_operators_rights_ask_for() -> None:
    (call,) = plan_for(written(settled(), tags={"team": "a"})).calls
    assert {tag["Key"]: tag["Value"] for tag in call.parameters["Tags"]} == TAGS | {"team": "a"}


@pytest.mark.parametrize(
    "drift",
    [
        in_iam(tags={}),
        *(in_iam(tags={k: v for k, v in TAGS.items() if k != key}) for key in TAGS),
        *(in_iam(tags=TAGS | {key: "other"}) for key in TAGS),
        in_iam(path="/keyward/green/payments/"),
    ],
)
def test_a_role_without_exactly_its_tags_and_path_is_never_touched(drift: Change) -> None:
    world = in_iam(boundary=None, trust={})(drift(settled()))
    steps = plan_for(world)
    assert steps.calls == ()
    assert steps.requeue_after == AGAIN_WHERE_BLOCKED
    if world.role is not None and world.role.path == PATH:
        gone = plan_for(deleted(world, deletionPolicy="Delete"))
        assert (gone.calls, gone.finalizers) == ((), ())


def test_somebody_elses_role_is_never_touched() -> None:
    steps = plan_for(observed(role=role()))
    assert (steps.calls, steps.finalizers, steps.requeue_after) == ((), None, AGAIN_WHERE_BLOCKED)


def test_an_adopted_role_is_never_touched() -> None:
    world = observed(document=document(management="Adopt"), role=role(tags=TAGS, path=PATH))
    steps = plan_for(world)
    assert (steps.calls, steps.finalizers) == ((), None)
    assert plan_for(deleted(world)) == IamRolePlan()


@pytest.mark.parametrize("settings", [platform("None"), platform("Verify"), platform(accounts=["9" * 12])])
def test_nothing_is_made_without_the_platforms_consent(settings: Any) -> None:
    steps = plan_for(observed(document=document(finalizers=())), settings)
    assert (steps.calls, steps.finalizers) == ((), None)


def test_nothing_is_made_in_an_account_that_is_not_the_operators() -> None:
    steps = plan_for(observed(document=document(accountID="9" * 12, finalizers=())))
    assert (steps.calls, steps.finalizers) == ((), None)


def test_a_role_that_is_not_permitted_any_more_is_closed() -> None:
    permissions = [{"keyspaces": ["shop"], "tables": ["*"], "permissions": ["Select"]}]
    world = settled(observed(document=document(permissions=permissions, managedPolicies=[READ_ONLY])))
    narrower = platform(keyspaces=["orders"])
    assert operations(plan_for(world, narrower)) == [
        "update_assume_role_policy",
        "delete_role_policy",
        "detach_role_policy",
    ]
    closed = settled(world, narrower)
    assert closed.role is not None
    assert closed.role.trust["Statement"][0]["Effect"] == "Deny"
    opened = settled(closed)
    assert opened.role == world.role


@pytest.mark.parametrize("mode", ["None", "Verify"])
def test_where_the_operator_may_change_none_any_more_a_role_stays_and_its_object_says_so(mode: str) -> None:
    steps = plan_for(settled(), platform(mode))
    assert steps.calls == ()
    assert steps.status is not None
    told = {each["type"]: each for each in steps.status["conditions"]}["Permitted"]
    assert told["status"] == "False"
    assert "stays as it is" in told["message"]
    assert "trusted by nobody" not in told["message"]


def test_agents_whose_role_does_not_exist_are_left_out_of_the_trust_policy() -> None:
    missing = use("bills", agent_role_arn=f"{AGENT}-2", agent_role_exists=False)
    world = settled(observed(databases=(use(), missing)))
    assert world.role is not None
    assert f"{AGENT}-2" not in json.dumps(world.role.trust)
    assert AGENT in json.dumps(world.role.trust)


def test_retained_a_role_stays_as_it_is_but_for_the_operators_tags() -> None:
    before = written(settled(), tags={"team": "a"})
    before = settled(before)
    world = deleted(before)
    steps = plan_for(world)
    (call,) = steps.calls
    assert call.parameters == {"RoleName": "Reader", "TagKeys": sorted(TAGS)}
    assert steps.finalizers is None
    world = carry_out(world, steps)
    assert world.role == replace(before.role, tags={"team": "a"})  # type: ignore[type-var]
    assert plan_for(world).finalizers == ()


def test_deleted_a_role_loses_what_is_the_operators_and_goes() -> None:
    world = settled(observed(document=document(managedPolicies=[READ_ONLY], deletionPolicy="Delete")))
    steps = plan_for(deleted(world))
    assert operations(steps) == ["detach_role_policy", "delete_role_policy", "delete_role"]
    assert steps.finalizers is None
    world = carry_out(deleted(world), steps)
    assert world.role is None
    assert plan_for(world).finalizers == ()


@pytest.mark.parametrize(
    "more",
    [in_iam(attached=frozenset({OTHER_ARN})), in_iam(inline={"keyward": {}, "theirs": {}})],
)
def test_policies_of_others_stand_in_the_way_of_a_deletion(more: Change) -> None:
    world = more(deleted(settled(), deletionPolicy="Delete"))
    steps = plan_for(world)
    assert (steps.calls, steps.finalizers, steps.requeue_after) == ((), None, AGAIN_WHERE_BLOCKED)
    assert steps.status is not None
    ready = steps.status["conditions"][0]
    assert (ready["type"], ready["status"], ready["reason"]) == ("Ready", "False", "DeletionBlocked")
    assert "theirs" in ready["message"] or OTHER_ARN in ready["message"]
    assert sorted(event.reason for event in steps.events) == ["DeletionBlocked", "ForeignPolicies"]


@pytest.mark.parametrize(
    ("policy", "settings", "finalizers"),
    [("Retain", platform("Verify"), ()), ("Delete", platform("Verify"), None), ("Delete", platform("None"), None)],
)
def test_where_the_operator_may_no_longer_change_roles_only_retaining_lets_go(
    policy: str, settings: Any, finalizers: tuple[str, ...] | None
) -> None:
    steps = plan_for(deleted(settled(), deletionPolicy=policy), settings)
    assert (steps.calls, steps.finalizers) == ((), finalizers)


def test_what_iam_does_not_tell_keeps_the_finalizer() -> None:
    trouble = Trouble(aspect=Aspect.EXISTENCE, reason="AccessDenied", message="GetRole: AccessDenied")
    world = replace(settled(), unreadable=trouble, role=None)
    assert plan_for(world).calls == ()
    for policy in ("Retain", "Delete"):
        steps = plan_for(deleted(world, deletionPolicy=policy))
        assert (steps.calls, steps.finalizers) == ((), None)
        assert steps.status is not None
        assert "GetRole: AccessDenied" in steps.status["conditions"][0]["message"]


def test_a_role_that_is_to_be_adopted_from_now_on_is_released() -> None:
    world = written(settled(), management="Adopt")
    assert operations(plan_for(world)) == ["untag_role"]
    world = carry_out(world, plan_for(world))
    steps = plan_for(world)
    assert (steps.calls, steps.finalizers) == ((), ())


def test_what_was_refused_is_not_tried_again_at_once() -> None:
    world = in_iam(inline={})(settled())
    lasting = Trouble(aspect=Aspect.PERMISSIONS, reason="AccessDenied", message="PutRolePolicy: AccessDenied")
    passing = replace(lasting, passes=True)
    assert plan_for(world, troubles=(lasting,)).calls == ()
    assert plan_for(world, troubles=(lasting,)).requeue_after == AGAIN_WHERE_BLOCKED
    assert plan_for(world, troubles=(passing,)).requeue_after == AGAIN


@pytest.mark.parametrize(
    ("world", "reasons"),
    [
        (observed(), ["IAMRoleCreated", "Permitted"]),
        (in_iam(inline={})(settled()), ["IAMRoleUpdated"]),
        (deleted(settled()), ["IAMRoleReleased"]),
        (deleted(settled(), deletionPolicy="Delete"), ["IAMRoleDeleted"]),
        (settled(), []),
    ],
)
def test_an_event_tells_of_each_change(world: Observed, reasons: list[str]) -> None:
    assert [event.reason for event in plan_for(world).events] == reasons
