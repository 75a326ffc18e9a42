"""The policy that the operator's own IAM role needs: as little as the platform's settings ask of it.

Roles are made and changed below the platform's path only, with the platform's boundary only, and only if they carry the
cluster's tag; a boundary can be set to that one and never removed. Source of actions, resources and condition keys:
"Actions, resources, and condition keys for AWS IAM", Service Authorization Reference.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from keyward_api import names
from keyward_api.iam import POLICY_VERSION
from keyward_api.tenants import Tenant, TenantIAM

_READ_ROLES = ("iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies")
_READ_POLICIES = ("iam:GetPolicy", "iam:GetPolicyVersion")
_CHANGES = ("iam:DeleteRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole")
_BOUND_CHANGES = ("iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy")
_ATTACHMENTS = ("iam:AttachRolePolicy", "iam:DetachRolePolicy")
_OWNED = f"aws:ResourceTag/{names.TAG_CLUSTER}"
_CLAIMED = f"aws:RequestTag/{names.TAG_CLUSTER}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Realm:
    """Where the operator is to work."""

    partition: str
    account_id: str
    cluster: str
    """The cluster's name in paths and tags."""


def operator_policy(tenants: Sequence[Tenant], realm: Realm) -> dict[str, Any]:
    """The policy document; without statements where no entry of `tenants` lets the operator into IAM."""
    modes = {tenant.iam.mode for tenant in tenants}
    managing = list(dict.fromkeys(tenant.iam for tenant in tenants if tenant.iam.mode == "Manage"))
    statements: list[dict[str, Any]] = []
    if modes - {"None"}:
        statements += _reading(realm)
    if managing:
        statements.append(_allow("ReadProvider", ["iam:GetOpenIDConnectProvider"], [_arn(realm, "oidc-provider/*")]))
        # To find roles whose objects are gone; IAM knows no resource for it.
        statements.append(_allow("ReadRoleNames", ["iam:ListRoles"], ["*"]))
    for number, iam in enumerate(managing):
        statements += _managing(iam, realm, suffix="" if len(managing) == 1 else str(number))
    return {"Version": POLICY_VERSION, "Statement": statements}


def _reading(realm: Realm) -> Iterator[dict[str, Any]]:
    """All roles: an adopted one may have any path, and of a name that is taken the path is not known."""
    yield _allow("ReadRoles", list(_READ_ROLES), [_arn(realm, "role/*")])
    policies = [_arn(realm, "policy/*"), f"arn:{realm.partition}:iam::aws:policy/*"]
    yield _allow("ReadPolicies", list(_READ_POLICIES), policies)


def _managing(iam: TenantIAM, realm: Realm, *, suffix: str) -> Iterator[dict[str, Any]]:
    roles = [_arn(realm, f"role{iam.path}{realm.cluster}/*")]
    owned, claimed = {_OWNED: realm.cluster}, {_CLAIMED: realm.cluster}
    bound = {"iam:PermissionsBoundary": iam.permissions_boundary}
    yield _allow(f"MakeRoles{suffix}", ["iam:CreateRole"], roles, StringEquals=claimed | bound)
    # To make a role with tags takes this right too, and then there is no role yet whose tags could be asked for.
    yield _allow(f"TagRoles{suffix}", ["iam:TagRole"], roles, StringEquals=claimed)
    yield _allow(f"ChangeRoles{suffix}", list(_CHANGES), roles, StringEquals=owned)
    yield _allow(f"ChangeRights{suffix}", list(_BOUND_CHANGES), roles, StringEquals=bound | owned)
    if iam.managed_policies:
        arns = [f"arn:{realm.partition}:iam::aws:policy/{name}" for name in iam.managed_policies]
        yield _allow(
            f"AttachPolicies{suffix}",
            list(_ATTACHMENTS),
            roles,
            StringEquals=bound | owned,
            ArnEquals={"iam:PolicyARN": arns},
        )


def _arn(realm: Realm, resource: str) -> str:
    return f"arn:{realm.partition}:iam::{realm.account_id}:{resource}"


def _allow(sid: str, actions: list[str], resources: list[str], **conditions: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    condition = {"Condition": conditions} if conditions else {}
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources} | condition
