"""IAM: each call is authorized by the caller's policies and checked for what moto leaves out, then handed to
moto, or answered here where moto's answer is not IAM's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.aws.errors import AwsError
from local.aws.faults import Faults
from local.aws.iam_checks import IamChecks
from local.aws.iam_requests import IAM_KEYS, IamRequests
from local.aws.listings import page
from local.aws.permissions import caller_request, caller_verdict, denial
from local.aws.principals import Principal
from local.aws.query import Call, result_document
from local.aws.store import IamAnswer, IamStore


@dataclass(frozen=True, kw_only=True, slots=True)
class Iam:
    """The service of one account."""

    account: str
    store: IamStore
    faults: Faults

    def authorize(self, call: Call, caller: Principal) -> None:
        """Raises AwsError AccessDenied."""
        requests = IamRequests(account=self.account, store=self.store)
        resource, values = requests.resource(call, caller), requests.values(call)
        for action in _actions(call):
            known = {
                key: value for key, value in values.items() if action == call.name or key != "iam:permissionsboundary"
            }
            request = caller_request(self.store, caller, action=action, resource=resource, values=known, known=IAM_KEYS)
            verdict = caller_verdict(self.store, caller, request)
            if not verdict.allowed:
                raise AwsError.access_denied(denial(caller, request, verdict), reason=verdict.reason)

    def perform(self, call: Call, body: bytes, authorization: str) -> IamAnswer:
        """Do what an authorized call asks for. Raises AwsError."""
        IamChecks(store=self.store).check(call)
        listing = self._listings().get(call.action)
        if listing is not None:
            return IamAnswer(status=200, body=result_document(call, listing(call.parameters)))
        doomed = self._doomed(call)
        answer = self.store.dispatch(call.action, body, authorization)
        if answer.status == 200 and doomed is not None:
            self.store.forget_principal(*doomed)
        if answer.status == 200 and call.action == "CreateRole":
            self.store.hide_role(call.parameters["RoleName"], self.faults.visibility_delay_seconds)
        return answer

    def _doomed(self, call: Call) -> tuple[str, str] | None:
        """ARN and unique id of what the call deletes, if trust policies may name it."""
        if call.action not in ("DeleteRole", "DeleteUser"):
            return None
        kind = call.action.removeprefix("Delete")
        return self.store.unique_id(kind, call.parameters[f"{kind}Name"])

    def _listings(self) -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        return {
            "ListRoles": self._list_roles,
            "ListRolePolicies": self._list_role_policies,
            "ListAttachedRolePolicies": self._list_attached_role_policies,
            "ListRoleTags": self._list_role_tags,
        }

    def _list_roles(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Without tags, boundary and last use, which IAM leaves out of lists."""
        roles = {
            role.name: {
                "Path": role.path,
                "RoleName": role.name,
                "RoleId": role.id,
                "Arn": role.arn,
                "CreateDate": role.create_date,
                "AssumeRolePolicyDocument": role.assume_role_policy_document,
                "Description": role.description,
                "MaxSessionDuration": role.max_session_duration,
            }
            for role in self.store.visible_roles()
            if role.path.startswith(parameters.get("PathPrefix", "/"))
        }
        return page("Roles", roles, parameters)

    def _list_role_policies(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        role = self.store.entity(parameters["RoleName"])
        return page("PolicyNames", {name: name for name in role.policies}, parameters)

    def _list_attached_role_policies(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        attached = {
            policy.name: {"PolicyName": policy.name, "PolicyArn": policy.arn}
            for policy in self.store.entity(parameters["RoleName"]).managed_policies.values()
            if policy.path.startswith(parameters.get("PathPrefix", "/"))
        }
        return page("AttachedPolicies", attached, parameters)

    def _list_role_tags(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        tags = {tag["Key"]: tag for tag in self.store.entity(parameters["RoleName"]).tags}
        return page("Tags", tags, parameters)


def _actions(call: Call) -> tuple[str, ...]:
    """To make a role with tags takes the right to tag it, too."""
    tagged = call.action == "CreateRole" and call.parameters.get("Tags")
    return (call.name, "iam:TagRole") if tagged else (call.name,)
