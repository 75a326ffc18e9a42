"""Calls to IAM that change a role: each with the aspect of the role that it is about."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from keyward_api import names
from keyward_operator.iam.desired_role import DesiredRole


class Aspect(Enum):
    """What of a role a call is about, and so which condition tells of its refusal."""

    EXISTENCE = "existence"
    TRUST = "trust"
    PERMISSIONS = "permissions"


@dataclass(frozen=True, kw_only=True, slots=True)
class IamCall:
    """One call."""

    operation: str
    """Of boto3's client: `create_role`."""

    parameters: Mapping[str, Any]
    aspect: Aspect
    says: str
    """What it does, in a few words: `the trust policy was set`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """A call that IAM refused."""

    aspect: Aspect
    reason: str
    """One of names.Reason."""

    message: str
    passes: bool = False
    """Whether it may pass by itself: IAM shows what is new only after a while. Else somebody has to do something."""


def create_role(role: DesiredRole) -> IamCall:
    """With trust, boundary and tags from its first moment."""
    parameters = {
        "RoleName": role.name,
        "Path": role.path,
        "AssumeRolePolicyDocument": role.trust,
        "Description": role.description,
        "MaxSessionDuration": role.max_session_seconds,
        "PermissionsBoundary": role.boundary,
        "Tags": _tags({**role.tags, **role.ownership.tags}),
    }
    return IamCall(operation="create_role", parameters=parameters, aspect=Aspect.EXISTENCE, says="the role was made")


def set_limits(role: DesiredRole) -> IamCall:
    """Session length and description, which IAM takes together."""
    parameters = {
        "RoleName": role.name,
        "Description": role.description,
        "MaxSessionDuration": role.max_session_seconds,
    }
    says = "session length and description were set"
    return IamCall(operation="update_role", parameters=parameters, aspect=Aspect.EXISTENCE, says=says)


def tag_role(role: DesiredRole, tags: Mapping[str, str]) -> IamCall:
    """The ownership's are always among them: the operator's rights ask for that."""
    parameters = {"RoleName": role.name, "Tags": _tags({**tags, **role.ownership.tags})}
    says = f"the tags {', '.join(sorted(tags))} were set"
    return IamCall(operation="tag_role", parameters=parameters, aspect=Aspect.EXISTENCE, says=says)


def untag_role(name: str, keys: Iterable[str]) -> IamCall:
    """Take tags away."""
    parameters = {"RoleName": name, "TagKeys": sorted(keys)}
    says = "the operator's tags were taken away"
    return IamCall(operation="untag_role", parameters=parameters, aspect=Aspect.EXISTENCE, says=says)


def delete_role(name: str) -> IamCall:
    """Once nothing is attached any more."""
    return IamCall(
        operation="delete_role", parameters={"RoleName": name}, aspect=Aspect.EXISTENCE, says="the role was deleted"
    )


def set_trust(name: str, document: str) -> IamCall:
    """Who may assume it."""
    parameters = {"RoleName": name, "PolicyDocument": document}
    says = "the trust policy was set"
    return IamCall(operation="update_assume_role_policy", parameters=parameters, aspect=Aspect.TRUST, says=says)


def set_boundary(name: str, arn: str) -> IamCall:
    """What it can have at most."""
    parameters = {"RoleName": name, "PermissionsBoundary": arn}
    return _permissions("put_role_permissions_boundary", parameters, "the permissions boundary was set")


def put_policy(name: str, document: str) -> IamCall:
    """The operator's inline policy."""
    parameters = {"RoleName": name, "PolicyName": names.INLINE_POLICY, "PolicyDocument": document}
    return _permissions("put_role_policy", parameters, f"the inline policy '{names.INLINE_POLICY}' was set")


def delete_policy(name: str) -> IamCall:
    """The operator's inline policy."""
    parameters = {"RoleName": name, "PolicyName": names.INLINE_POLICY}
    return _permissions("delete_role_policy", parameters, f"the inline policy '{names.INLINE_POLICY}' was deleted")


def attach(name: str, arn: str) -> IamCall:
    """A managed policy."""
    return _permissions("attach_role_policy", {"RoleName": name, "PolicyArn": arn}, f"{arn} was attached")


def detach(name: str, arn: str) -> IamCall:
    """A managed policy."""
    return _permissions("detach_role_policy", {"RoleName": name, "PolicyArn": arn}, f"{arn} was detached")


def _permissions(operation: str, parameters: Mapping[str, Any], says: str) -> IamCall:
    return IamCall(operation=operation, parameters=parameters, aspect=Aspect.PERMISSIONS, says=says)


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
