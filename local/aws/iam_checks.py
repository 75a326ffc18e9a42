"""What IAM refuses and moto does not: documents, sizes, quotas, and entities that a call names and that do not exist.

Source: "IAM and AWS STS quotas", IAM User Guide; the errors of each call, IAM API Reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.aws.documents import identity_policy
from local.aws.errors import AwsError
from local.aws.query import Call
from local.aws.store import IamStore
from local.aws.trust import check_principals

TRUST_CHARACTERS = 2048
ROLE_POLICIES_CHARACTERS = 10240
"""Of all inline policies of a role together."""
ATTACHED_POLICIES = 10
TAGS = 50

_POLICY_CHARACTERS: Mapping[str, tuple[str, int]] = {
    "CreatePolicy": ("PolicySize", 6144),
    "CreatePolicyVersion": ("PolicySize", 6144),
    "PutUserPolicy": ("MaxUserPolicySize", 2048),
    "PutGroupPolicy": ("MaxGroupPolicySize", 5120),
}
_UNSUPPORTED = {("CreateUser", "PermissionsBoundary")}


@dataclass(frozen=True, kw_only=True, slots=True)
class IamChecks:
    """Checks calls to the IAM of one account."""

    store: IamStore

    def check(self, call: Call) -> None:
        """Raises AwsError where IAM would refuse, or where moto would ignore a parameter."""
        for action, name in _UNSUPPORTED:
            if call.action == action and name in call.parameters:
                raise AwsError.not_implemented(f"{name} of {call.name}")
        if "RoleName" in call.parameters and call.action != "CreateRole":
            self.store.entity(call.parameters["RoleName"])
        if call.action == "UpdateRole" and not {"Description", "MaxSessionDuration"} <= call.parameters.keys():
            raise AwsError.not_implemented("iam:UpdateRole without Description and MaxSessionDuration")
        self._check_documents(call)
        self._check_tags(call)
        if call.action == "AttachRolePolicy":
            self._check_attachments(call.parameters)
        self._check_boundary(call.parameters.get("PermissionsBoundary"))

    def _check_documents(self, call: Call) -> None:
        parameters = call.parameters
        trust = parameters.get("AssumeRolePolicyDocument")
        if call.action == "UpdateAssumeRolePolicy":
            trust = parameters["PolicyDocument"]
        elif "PolicyDocument" in parameters:
            identity_policy(parameters["PolicyDocument"])
            if call.action == "PutRolePolicy":
                self._check_role_policies(parameters)
            else:
                _check_size(parameters["PolicyDocument"], *_POLICY_CHARACTERS[call.action])
        if trust is not None:
            check_principals(self.store, trust)
            _check_size(trust, "ACLSizePerRole", TRUST_CHARACTERS)

    def _check_role_policies(self, parameters: Mapping[str, Any]) -> None:
        others = self.store.entity(parameters["RoleName"]).policies
        texts = {**others, parameters["PolicyName"]: parameters["PolicyDocument"]}
        _check_size("".join(texts.values()), "MaxRolePolicySize", ROLE_POLICIES_CHARACTERS)

    def _check_tags(self, call: Call) -> None:
        given = [tag["Key"] for tag in call.parameters.get("Tags", ())]
        if any(key.lower().startswith("aws:") for key in given):
            raise AwsError("InvalidInput", "System tags cannot be added/updated by requester")
        if call.action != "TagRole":
            return
        present = {tag["Key"] for tag in self.store.entity(call.parameters["RoleName"]).tags}
        by_lower = {key.lower(): key for key in present}
        if any(by_lower.get(key.lower(), key) != key for key in given):
            raise AwsError.not_implemented("iam:TagRole with a key that differs from a tag's in case alone")
        if len(present | set(given)) > TAGS:
            raise AwsError("LimitExceeded", f"Cannot exceed quota for TagsPerRole: {TAGS}", status=409)

    def _check_attachments(self, parameters: Mapping[str, Any]) -> None:
        attached = {policy.arn for policy in self.store.entity(parameters["RoleName"]).managed_policies.values()}
        if len(attached | {parameters["PolicyArn"]}) > ATTACHED_POLICIES:
            raise AwsError("LimitExceeded", f"Cannot exceed quota for PoliciesPerRole: {ATTACHED_POLICIES}", status=409)

    def _check_boundary(self, arn: str | None) -> None:
        if arn is not None and self.store.managed_policy(arn) is None:
            raise AwsError("NoSuchEntity", f"Scope ARN: {arn} does not exist or is not attachable.", status=404)


def _check_size(document: str, quota: str, limit: int) -> None:
    """IAM does not count white space."""
    size = len(re.sub(r"\s", "", document))
    if size > limit:
        raise AwsError("LimitExceeded", f"Cannot exceed quota for {quota}: {limit} (the policy has {size})", status=409)
