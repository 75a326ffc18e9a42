from typing import Any

import pytest
from pydantic import ValidationError

from keyward_api.iam_admission import admit_iam_role
from keyward_api.resources.iam_role import KeyspacesIAMRoleSpec
from keyward_api.tenants import PlatformSettings, Tenant

LABELS = {"kubernetes.io/metadata.name": "payments"}
ACCOUNT = "111122223333"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/keyward-boundary"
READ_ONLY = "AmazonKeyspacesReadOnlyAccess"


def managing(*, path: str = "/keyward/", managed: tuple[str, ...] = (READ_ONLY,), **changes: Any) -> Tenant:
    iam = {"mode": "Manage", "path": path, "permissionsBoundary": BOUNDARY, "managedPolicies": managed}
    return Tenant.model_validate({"iam": iam} | changes)


def managed(**changes: Any) -> KeyspacesIAMRoleSpec:
    spec = {"roleName": "Reader", "accountID": ACCOUNT, "management": "Manage"} | changes
    return KeyspacesIAMRoleSpec.model_validate(spec)


def reading(*keyspaces: str) -> list[dict[str, Any]]:
    return [{"keyspaces": list(keyspaces), "tables": ["*"], "permissions": ["Select"]}]


def refused(spec: KeyspacesIAMRoleSpec, *tenants: Tenant) -> list[str]:
    found = admit_iam_role(tenants=tenants, namespace_labels=LABELS, spec=spec)
    return [violation.setting for violation in found.violations]


def test_the_shipped_default_lets_roles_be_adopted_and_none_be_made() -> None:
    assert refused(managed(management="Adopt"), Tenant()) == []
    assert refused(managed(), Tenant()) == ["tenants[].iam.mode"]


@pytest.mark.parametrize(
    ("spec", "tenant", "settings"),
    [
        (managed(), managing(), []),
        (managed(), managing(accounts=["9" * 12]), ["tenants[].accounts"]),
        (managed(management="Adopt"), managing(accounts=["9" * 12]), ["tenants[].accounts"]),
        (managed(managedPolicies=[READ_ONLY]), managing(), []),
        (managed(managedPolicies=["AmazonKeyspacesFullAccess"]), managing(), ["tenants[].iam.managedPolicies"]),
        (managed(managedPolicies=[READ_ONLY]), managing(managed=("*",)[:0]), ["tenants[].iam.managedPolicies"]),
        (managed(permissions=reading("orders")), managing(keyspaces=["orders"]), []),
        (managed(permissions=reading("orders_eu")), managing(keyspaces=["orders_*"]), []),
        (managed(permissions=reading("orders_e*")), managing(keyspaces=["orders_*"]), []),
        (managed(permissions=reading("orders*")), managing(keyspaces=["orders_*"]), ["tenants[].keyspaces"]),
        (managed(permissions=reading("*")), managing(keyspaces=["orders_*"]), ["tenants[].keyspaces"]),
        (managed(permissions=reading("*")), managing(keyspaces=["*"]), []),
        (managed(permissions=reading("o*s")), managing(keyspaces=["o*", "*s"]), []),
        (managed(permissions=reading("a", "b", "c")), managing(keyspaces=["b"]), ["tenants[].keyspaces"] * 2),
    ],
)
def test_what_an_entry_does_not_admit_is_named(spec: KeyspacesIAMRoleSpec, tenant: Tenant, settings: list[str]) -> None:
    assert refused(spec, tenant) == settings


def test_a_namespace_that_no_entry_selects_may_nothing() -> None:
    assert refused(managed(management="Adopt")) == ["tenants"]


def test_entries_do_not_add_up() -> None:
    assert refused(managed(permissions=reading("a")), managing(keyspaces=["b"]), Tenant()) != []


def test_the_entry_that_admits_says_what_the_operator_may_do() -> None:
    tenants = (Tenant(), managing(path="/a/"), managing(path="/b/"), managing(path="/c/", accounts=["9" * 12]))
    found = admit_iam_role(tenants=tenants, namespace_labels=LABELS, spec=managed())
    assert (found.iam.mode, found.iam.path) == ("Manage", "/a/")
    adopted = admit_iam_role(tenants=tenants[:1], namespace_labels=LABELS, spec=managed(management="Adopt"))
    assert adopted.iam.mode == "None"


def test_what_was_permitted_once_can_still_be_closed() -> None:
    tenants = (Tenant(), managing(path="/a/", keyspaces=["b"]))
    spec = managed(permissions=reading("a"))
    assert admit_iam_role(tenants=tenants[1:], namespace_labels=LABELS, spec=spec).iam.path == "/a/"
    assert admit_iam_role(tenants=(), namespace_labels=LABELS, spec=spec).iam.mode == "None"


@pytest.mark.parametrize(
    ("iam", "says"),
    [
        ({"mode": "Manage"}, "permissionsBoundary"),
        ({"mode": "None", "path": "keyward/"}, "path"),
        ({"path": "/key*/"}, "path"),
        ({"path": "/${aws:username}/"}, "path"),
        ({"path": "/" + "p" * 256 + "/"}, "path"),
        ({"permissionsBoundary": "arn:aws:iam::1:role/x"}, "permissionsBoundary"),
        ({"permissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/*"}, "permissionsBoundary"),
        ({"managedPolicies": ["*"]}, "managedPolicies"),
        ({"managedPolicies": ["AdministratorAccess"]}, "managedPolicies"),
        ({"mode": "Everything"}, "mode"),
    ],
)
def test_settings_that_would_bound_nothing_are_refused(iam: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        PlatformSettings.model_validate({"agents": {"image": "x"}, "tenants": [{"iam": iam}]})


@pytest.mark.parametrize("name", ["a/b", "a*", "${x}", "c" * 65])
def test_a_cluster_has_a_name_that_paths_can_have(name: str) -> None:
    with pytest.raises(ValidationError, match="clusterName"):
        PlatformSettings.model_validate({"agents": {"image": "x"}, "clusterName": name})
