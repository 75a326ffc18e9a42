"""IAM: each call is authorized by the caller's policies and checked for what moto leaves out, then handed to
moto.

Source: "Actions, resources, and condition keys for AWS IAM", Service Authorization Reference; "IAM and AWS
STS quotas", IAM User Guide. A call whose resource local AWS does not know how to name is authorized on `*`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.aws.documents import identity_policy
from local.aws.errors import AwsError
from local.aws.permissions import caller_request, caller_verdict, denial
from local.aws.principals import Principal, PrincipalKind
from local.aws.query import Call
from local.aws.store import IamStore
from local.aws.trust import check_principals

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

_TRUST_CHARACTERS = 2048
_POLICY_CHARACTERS: Mapping[str, tuple[str, int]] = {
    "CreatePolicy": ("PolicySize", 6144),
    "CreatePolicyVersion": ("PolicySize", 6144),
    "PutRolePolicy": ("MaxRolePolicySize", 10240),
    "PutUserPolicy": ("MaxUserPolicySize", 2048),
    "PutGroupPolicy": ("MaxGroupPolicySize", 5120),
}
_UNSUPPORTED = {("CreateUser", "PermissionsBoundary")}
_RESOURCES = (
    ("RoleName", "role"),
    ("UserName", "user"),
    ("GroupName", "group"),
    ("OpenIDConnectProviderArn", ""),
    ("PolicyArn", ""),
    ("PolicyName", "policy"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Iam:
    """The service of one account."""

    account: str
    store: IamStore

    def authorize(self, call: Call, caller: Principal) -> None:
        """Raises AwsError AccessDenied."""
        request = caller_request(
            self.store,
            caller,
            action=call.name,
            resource=self.resource(call, caller),
            values=self._values(call.parameters),
            known=IAM_KEYS,
        )
        verdict = caller_verdict(self.store, caller, request)
        if not verdict.allowed:
            raise AwsError.access_denied(denial(caller, request, verdict), reason=verdict.reason)

    def check(self, call: Call) -> None:
        """Refuses policy documents that IAM would not store, and parameters that moto would ignore. Raises AwsError."""
        for action, name in _UNSUPPORTED:
            if call.action == action and name in call.parameters:
                raise AwsError.not_implemented(f"{name} of {call.name}")
        trust = call.parameters.get("AssumeRolePolicyDocument")
        if call.action == "UpdateAssumeRolePolicy":
            trust = call.parameters["PolicyDocument"]
        elif "PolicyDocument" in call.parameters:
            identity_policy(call.parameters["PolicyDocument"])
            quota, limit = _POLICY_CHARACTERS[call.action]
            _check_size(call.parameters["PolicyDocument"], quota, limit)
        if trust is not None:
            check_principals(self.store, trust)
            _check_size(trust, "ACLSizePerRole", _TRUST_CHARACTERS)

    def resource(self, call: Call, caller: Principal) -> str:
        """The ARN that the call acts on, `*` if it has none."""
        parameters = call.parameters
        if "Url" in parameters:
            return self._arn("oidc-provider", "/", re.sub(r"^https://", "", parameters["Url"]))
        for name, kind in _RESOURCES:
            if name in parameters:
                return self._named(kind, parameters[name], parameters.get("Path", "/"))
        own = caller.kind is PrincipalKind.USER and _acts_on_user(call.action)
        return caller.owner_arn if own else "*"

    def _named(self, kind: str, name: str, path: str) -> str:
        if not kind:
            return name
        known = {"role": self.store.role_arn, "user": self.store.user_arn}.get(kind)
        return (known(name) if known else None) or self._arn(kind, path, name)

    def _arn(self, kind: str, path: str, name: str) -> str:
        return f"arn:aws:iam::{self.account}:{kind}{path}{name}"

    def _values(self, parameters: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
        tags = {tag["Key"]: tag["Value"] for tag in parameters.get("Tags", [])}
        values: dict[str, tuple[str, ...]] = {f"aws:requesttag/{key.lower()}": (value,) for key, value in tags.items()}
        if "PolicyArn" in parameters:
            values["iam:policyarn"] = (parameters["PolicyArn"],)
        if "PermissionsBoundary" in parameters:
            values["iam:permissionsboundary"] = (parameters["PermissionsBoundary"],)
        keys = tuple(tags) or tuple(parameters.get("TagKeys", ()))
        if keys:
            values["aws:tagkeys"] = keys
        for key, value in self.store.role_tags(parameters.get("RoleName", "")).items():
            values[f"aws:resourcetag/{key.lower()}"] = values[f"iam:resourcetag/{key.lower()}"] = (value,)
        return values


def _acts_on_user(action: str) -> bool:
    """IAM's calls that take the caller where UserName is left out."""
    return action in ("GetUser", "CreateAccessKey", "ListAccessKeys", "UpdateAccessKey", "DeleteAccessKey")


def _check_size(document: str, quota: str, limit: int) -> None:
    """IAM does not count white space."""
    size = len(re.sub(r"\s", "", document))
    if size > limit:
        raise AwsError("LimitExceeded", f"Cannot exceed quota for {quota}: {limit} (the policy has {size})", status=409)
