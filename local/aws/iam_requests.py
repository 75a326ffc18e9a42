"""What an IAM call is authorized on: the resource that it names, and its condition keys.

Source: "Actions, resources, and condition keys for AWS IAM", Service Authorization Reference. A call whose resource
local AWS does not know how to name is authorized on `*`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from local.aws.principals import Principal, PrincipalKind
from local.aws.query import Call
from local.aws.store import IamStore

IAM_KEYS = frozenset(
    {
        "iam:policyarn",
        "iam:permissionsboundary",
        "aws:tagkeys",
        "aws:requesttag/",
        "aws:resourcetag/",
        "iam:resourcetag/",
    }
)
"""Condition keys that an IAM call may carry."""

_RESOURCES = (
    ("RoleName", "role"),
    ("UserName", "user"),
    ("GroupName", "group"),
    ("OpenIDConnectProviderArn", ""),
    ("PolicyArn", ""),
    ("PolicyName", "policy"),
)
_ATTACHMENTS = re.compile(r"(Attach|Detach)(Role|User|Group)Policy")
_BOUND = frozenset(
    {
        "AttachRolePolicy",
        "DeleteRolePermissionsBoundary",
        "DeleteRolePolicy",
        "DetachRolePolicy",
        "PutRolePolicy",
    }
)
"""Calls that carry the boundary which their role has; CreateRole and PutRolePermissionsBoundary the one they name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IamRequests:
    """Reads calls to the IAM of one account."""

    account: str
    store: IamStore

    def resource(self, call: Call, caller: Principal) -> str:
        """The ARN that the call acts on, `*` if it has none.

        IAM knows the path of a role or user by its entity: one that does not exist is authorized on an ARN without a
        path, so that rights on a path do not reach it.
        """
        parameters = call.parameters
        if call.action == "ListRoles":
            return "*"
        if "Url" in parameters:
            return self._arn("oidc-provider", "/", re.sub(r"^https://", "", parameters["Url"]))
        for name, kind in _RESOURCES:
            if name in parameters:
                return self._named(kind, parameters[name], call)
        own = caller.kind is PrincipalKind.USER and _acts_on_user(call.action)
        return caller.owner_arn if own else "*"

    def values(self, call: Call) -> dict[str, tuple[str, ...]]:
        """The condition keys of the call and of the role that it acts on, by lower-case name."""
        parameters = call.parameters
        tags = {tag["Key"]: tag["Value"] for tag in parameters.get("Tags", [])}
        values: dict[str, tuple[str, ...]] = {f"aws:requesttag/{key.lower()}": (value,) for key, value in tags.items()}
        keys = tuple(tags) or tuple(parameters.get("TagKeys", ()))
        if keys:
            values["aws:tagkeys"] = keys
        if _ATTACHMENTS.fullmatch(call.action):
            values["iam:policyarn"] = (parameters["PolicyArn"],)
        values |= self._boundary(call)
        if call.action != "CreateRole":
            for key, value in self.store.role_tags(parameters.get("RoleName", "")).items():
                values[f"aws:resourcetag/{key.lower()}"] = values[f"iam:resourcetag/{key.lower()}"] = (value,)
        return values

    def _boundary(self, call: Call) -> Mapping[str, tuple[str, ...]]:
        boundary = call.parameters.get("PermissionsBoundary")
        if call.action in _BOUND:
            boundary = self.store.role_boundary(call.parameters["RoleName"])
        return {"iam:permissionsboundary": (boundary,)} if boundary else {}

    def _named(self, kind: str, name: str, call: Call) -> str:
        if not kind:
            return name
        path: str = call.parameters.get("Path", "/")
        if call.action in ("CreateRole", "CreateUser"):
            return self._arn(kind, path, name)
        known = {"role": self.store.role_arn, "user": self.store.user_arn}.get(kind)
        return (known(name) if known else None) or self._arn(kind, path, name)

    def _arn(self, kind: str, path: str, name: str) -> str:
        return f"arn:aws:iam::{self.account}:{kind}{path}{name}"


def _acts_on_user(action: str) -> bool:
    """IAM's calls that take the caller where UserName is left out."""
    return action in ("GetUser", "CreateAccessKey", "ListAccessKeys", "UpdateAccessKey", "DeleteAccessKey")
