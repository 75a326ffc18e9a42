import json
from typing import Any

import pytest

from keyward_api.iam_roles.operator_policy import Realm, operator_policy
from keyward_api.iam_roles.permissions import INLINE_LIMIT
from keyward_api.tenants import Tenant

REALM = Realm(partition="aws", account_id="111122223333", cluster="blue")
BOUNDARY = "arn:aws:iam::111122223333:policy/bound"
IAM = "arn:aws:iam::111122223333"
OURS = [f"{IAM}:role/keyward/blue/*"]


def managing(**changes: Any) -> Tenant:
    return Tenant.model_validate({"iam": {"mode": "Manage", "permissionsBoundary": BOUNDARY} | changes})


VERIFYING = Tenant.model_validate({"iam": {"mode": "Verify"}})


def statements(*tenants: Tenant) -> dict[str, dict[str, Any]]:
    return {statement["Sid"]: statement for statement in operator_policy(tenants, REALM)["Statement"]}


def actions(*tenants: Tenant) -> set[str]:
    return {action for statement in statements(*tenants).values() for action in statement["Action"]}


def test_where_no_entry_lets_the_operator_into_iam_it_needs_nothing() -> None:
    assert statements(Tenant()) == {}
    assert statements() == {}


def test_verifying_takes_reading_alone() -> None:
    found = statements(Tenant(), VERIFYING)
    assert set(found) == {"ReadRoles", "ReadPolicies"}
    assert all(action.startswith(("iam:Get", "iam:List")) for action in actions(VERIFYING))


def test_every_write_stays_in_path_tag_and_boundary() -> None:
    found = statements(managing(managedPolicies=["AmazonKeyspacesReadOnlyAccess"]))
    writes = {sid: s for sid, s in found.items() if not sid.startswith("Read")}
    assert {sid: s["Resource"] for sid, s in writes.items()} == dict.fromkeys(writes, OURS)
    tagged = {"aws:ResourceTag/keyward:cluster": "blue"}
    bound = {"iam:PermissionsBoundary": BOUNDARY}
    assert {sid: s["Condition"]["StringEquals"] for sid, s in writes.items()} == {
        "MakeRoles": {"aws:RequestTag/keyward:cluster": "blue"} | bound,
        "TagRoles": {"aws:RequestTag/keyward:cluster": "blue"},
        "ChangeRoles": tagged,
        "ChangeRights": tagged | bound,
        "AttachPolicies": tagged | bound,
    }
    arns = ["arn:aws:iam::aws:policy/AmazonKeyspacesReadOnlyAccess"]
    assert writes["AttachPolicies"]["Condition"]["ArnEquals"] == {"iam:PolicyARN": arns}


def test_what_no_operator_needs_is_never_in_it() -> None:
    found = actions(managing(managedPolicies=["AmazonKeyspacesReadOnlyAccess"]))
    assert "*" not in "".join(found)
    assert not {action for action in found if "PassRole" in action or "User" in action or "CreatePolicy" in action}
    assert "iam:DeleteRolePermissionsBoundary" not in found


def test_the_operator_itself_reaches_no_data() -> None:
    """Neither does it read a table, nor may it assume a role that does."""
    found = actions(managing(managedPolicies=["AmazonKeyspacesReadOnlyAccess"]))
    assert {action.split(":")[0] for action in found} == {"iam"}


def test_nothing_is_attached_where_no_policy_is_listed() -> None:
    assert not actions(managing()) & {"iam:AttachRolePolicy", "iam:DetachRolePolicy"}


def test_equal_entries_share_their_statements() -> None:
    one, other = managing(), managing(path="/b/")
    assert statements(one, one, VERIFYING) == statements(one)
    assert len(statements(one, other)) == 2 * len(statements(one)) - len([s for s in statements(one) if "Read" in s])


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov"])
def test_other_partitions_have_their_own_arns(partition: str) -> None:
    realm = Realm(partition=partition, account_id="111122223333", cluster="blue")
    document = operator_policy([managing(managedPolicies=["AmazonKeyspacesReadOnlyAccess"])], realm)
    assert "arn:aws:" not in json.dumps(document).replace(BOUNDARY, "")


def test_it_fits_into_an_inline_policy() -> None:
    tenants = [
        managing(path=f"/tenant-{number}/", managedPolicies=["AmazonKeyspacesReadOnlyAccess"]) for number in range(6)
    ]
    assert len(json.dumps(operator_policy(tenants, REALM), separators=(",", ":"))) < INLINE_LIMIT
