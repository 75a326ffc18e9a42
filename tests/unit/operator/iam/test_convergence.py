import json
from dataclasses import replace
from typing import Any

import pytest

from keyward_api.iam import trust_policy_of
from keyward_operator.iam.convergence import foreign_policies, release, removal, repair
from keyward_operator.iam.desired_role import DesiredRole
from keyward_operator.iam.ownership import Ownership
from tests.unit.operator.iam_roles import BOUNDARY, PATH, READ_ONLY_ARN, TAGS, role, told

OWNER = Ownership(cluster="blue", namespace="payments", name="reader", uid="uid-1")
DESIRED = DesiredRole(
    name="Reader",
    path=PATH,
    ownership=OWNER,
    description="d",
    max_session_seconds=7200,
    boundary=BOUNDARY,
    trust=trust_policy_of({}),
    inline=json.dumps({"Version": "2012-10-17", "Statement": []}),
    attached=frozenset({READ_ONLY_ARN}),
    attachable=frozenset({READ_ONLY_ARN, "arn:other"}),
    tags={"team": "a"},
)
OURS = role(path=PATH, tags=TAGS)


def test_whatever_a_role_is_repairs_make_it_what_it_shall_be() -> None:
    worst = replace(OURS, inline={"keyward": {}, "theirs": {}}, attached=frozenset({"arn:other", "arn:foreign"}))
    calls = repair(worst, DESIRED)
    assert len({call.operation for call in calls}) == len(calls) == 7
    mended = told(worst, calls)
    assert mended is not None
    assert repair(mended, DESIRED) == ()
    assert mended.attached == {READ_ONLY_ARN, "arn:foreign"}
    assert mended.tags == TAGS | {"team": "a"}
    assert "theirs" in mended.inline


def test_other_spellings_of_a_document_are_left_alone() -> None:
    mended = told(OURS, repair(OURS, DESIRED))
    assert mended is not None
    statement = {"Action": ["sts:assumerole"], "Effect": "Deny", "Principal": "*", "Sid": "x"}
    assert repair(replace(mended, trust={"Version": "2012-10-17", "Statement": statement}), DESIRED) == ()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({}, ()),
        ({"inline": {"keyward": {}}, "attached": frozenset({READ_ONLY_ARN})}, ()),
        ({"inline": {"b": {}, "a": {}}}, ("inline policy 'a'", "inline policy 'b'")),
        ({"attached": frozenset({"arn:x"})}, ("arn:x",)),
    ],
)
def test_policies_of_others_are_named_and_stay(changes: dict[str, Any], named: tuple[str, ...]) -> None:
    changed = replace(OURS, **changes)
    assert foreign_policies(changed, DESIRED.attachable) == named
    steps = removal(changed, DESIRED.attachable)
    assert steps.blockers == named
    assert (told(changed, steps.calls) is None) is not bool(named)


def test_a_released_role_keeps_all_but_the_owners_tags() -> None:
    before = replace(OURS, tags=TAGS | {"team": "a"}, attached=frozenset({READ_ONLY_ARN}))
    assert told(before, release(before, OWNER)) == replace(before, tags={"team": "a"})
