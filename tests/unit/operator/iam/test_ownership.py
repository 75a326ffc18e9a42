from typing import Any

import pytest

from keyward_operator.iam.ownership import Holding, Ownership, holding
from tests.unit.operator.iam_roles import PATH, TAGS, role

OWNER = Ownership(cluster="blue", namespace="payments", name="reader", uid="uid-1")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"tags": TAGS}, Holding.OURS),
        ({"tags": TAGS | {"team": "a"}}, Holding.OURS),
        ({"tags": TAGS, "path": "/old/"}, Holding.OURS),
        ({"tags": {}}, Holding.LOST),
        ({"tags": {key: TAGS[key] for key in list(TAGS)[:3]}}, Holding.LOST),
        ({"tags": {}, "path": "/"}, Holding.FOREIGN),
        ({"tags": TAGS | {"keyward:uid": "uid-0"}}, Holding.FOREIGN),
        ({"tags": TAGS | {"keyward:cluster": "green"}}, Holding.FOREIGN),
        ({"tags": {key.upper(): value for key, value in TAGS.items()}}, Holding.LOST),
    ],
)
def test_only_exactly_the_owners_tags_make_a_role_its_own(changes: dict[str, Any], expected: Holding) -> None:
    assert holding(role(**{"path": PATH, **changes}), OWNER, path=PATH) is expected


def test_there_may_be_no_role() -> None:
    assert holding(None, OWNER, path=PATH) is Holding.ABSENT
