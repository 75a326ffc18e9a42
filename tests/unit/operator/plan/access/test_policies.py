from dataclasses import replace

import pytest

from keyward_operator.children import Child
from keyward_operator.plan.access.policies import DatabaseTold, database_told, policy_state
from keyward_operator.plan.observed import Observed
from keyward_operator.plan.view import View
from tests.unit.operator.builders import observed, role, settings, settled, user, view_for

SETTLED = settled()


def seen_of(world: Observed) -> Observed:
    """What is read of a world for its access alone."""
    children = {child: live for child, live in world.children.items() if child is Child.POLICY}
    return replace(world, children=children, pods=(), replacement_due=False)


def told_of(view: View, *, is_published: bool) -> DatabaseTold:
    return database_told(view, policy_state(view), is_published=is_published)


def test_a_policy_that_is_as_it_shall_be_is_not_written() -> None:
    view = view_for(seen_of(SETTLED))
    assert policy_state(view).change is None
    told = told_of(view, is_published=True)
    assert (told.is_new, told.is_turn, told.events) == (False, False, ())


def test_a_policy_is_the_same_whether_all_children_were_seen_or_not() -> None:
    changed = replace(SETTLED, users=(user(), user("second")))
    assert policy_state(view_for(seen_of(changed))).change == policy_state(view_for(changed)).change is not None


def test_a_removed_user_is_gone_from_the_policy() -> None:
    manifest = policy_state(view_for(replace(seen_of(SETTLED), users=()))).change
    assert manifest is not None
    assert manifest["spec"]["grants"] == []


def test_a_database_that_may_no_longer_be_served_has_its_policy_emptied() -> None:
    view = view_for(seen_of(SETTLED), settings(tenants=[]))
    manifest = policy_state(view).change
    assert manifest is not None
    assert manifest["spec"]["grants"] == []
    told = told_of(view, is_published=True)
    assert (told.status["policyRevision"], told.status["users"]) == (manifest["spec"]["revision"], 0)
    assert told.is_turn


@pytest.mark.parametrize("child", [None, Child.POLICY])
def test_a_database_without_a_policy_of_its_own_is_left_to_its_reconciler(child: Child | None) -> None:
    foreign = {"metadata": {"name": "orders", "labels": {}, "resourceVersion": "1"}, "spec": {}}
    assert policy_state(view_for(observed(children={child: foreign} if child else {}))).change is None


def test_a_database_that_is_being_deleted_is_left_to_its_reconciler() -> None:
    leaving = {**SETTLED.database, "metadata": {**SETTLED.database["metadata"], "deletionTimestamp": "now"}}
    assert policy_state(view_for(replace(seen_of(SETTLED), database=leaving, users=()))).change is None


def test_what_was_left_out_is_told_though_the_policy_is_the_same() -> None:
    world = replace(seen_of(SETTLED), users=(user(), user("second", roles=("missing",))))
    view = view_for(world)
    assert policy_state(view).change is None
    told = told_of(view, is_published=True)
    assert (told.is_new, told.is_turn) == (True, True)
    assert [event.reason for event in told.events] == ["RoleNotFound"]
    assert role() in world.roles


def test_what_agents_have_is_told_and_not_what_they_shall_have() -> None:
    view = view_for(replace(seen_of(SETTLED), users=(user(), user("second"))))
    published, written = (told_of(view, is_published=each) for each in (False, True))
    before, after = published.status, written.status
    assert (before["users"], after["users"]) == (1, 2)
    assert before["policyRevision"] != after["policyRevision"]
    assert (written.is_new, written.is_turn) == (True, False), "more grants make nothing ready"


def test_of_a_database_without_a_policy_it_is_told_that_nobody_has_access() -> None:
    told = told_of(view_for(observed(children={})), is_published=False)
    assert told.is_new
    assert {key: value for key, value in told.status.items() if key != "conditions"} == {"users": 0, "grants": 0}


def test_nothing_is_told_of_a_database_that_is_being_deleted() -> None:
    leaving = {**SETTLED.database, "metadata": {**SETTLED.database["metadata"], "deletionTimestamp": "now"}}
    assert not told_of(view_for(replace(seen_of(SETTLED), database=leaving, users=())), is_published=False).is_new
