"""What names in `dbUsers` stand for: the ARNs of the KeyspacesIAMRoles of a namespace, as far as they are known.

IAM role names are unique in an account, but an ARN holds the path too. Of a role that the operator makes the path is
known before the role is; of an adopted one, where the operator was let look.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from pydantic import ValidationError

from keyward_api.iam import parse_role_arn, role_arn
from keyward_api.problems import first_line
from keyward_api.resources.iam_role import KeyspacesIAMRole


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """A KeyspacesIAMRole of a database's account."""

    object_name: str
    role_name: str
    arn: str
    is_managed: bool
    """Whether the operator makes the role, so that `arn` is no guess."""

    is_leaving: bool
    """Whether the object is being deleted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class References:
    """All of a namespace and account."""

    roles: tuple[Reference, ...]
    unreadable: Mapping[str, str]
    """KeyspacesIAMRoles that cannot be read, and why."""

    partition: str
    account_id: str

    @classmethod
    def of(
        cls, documents: Iterable[Mapping[str, Any]], *, paths: Mapping[str, str], partition: str, account_id: str
    ) -> Self:
        """From the JSON of all KeyspacesIAMRoles; `paths` are those of the roles that the operator makes, by object."""
        roles, unreadable = [], {}
        for document in documents:
            name = document["metadata"]["name"]
            try:
                role = KeyspacesIAMRole.model_validate({key: document.get(key) for key in ("metadata", "spec")})
            except ValidationError as error:
                unreadable[name] = first_line(error)
                continue
            if role.spec.account_id == account_id:
                told = str((document.get("status") or {}).get("arn"))
                roles.append(_reference(role, partition=partition, path=paths.get(name, "/"), told=told))
        ordered = sorted(roles, key=lambda role: role.object_name)
        return cls(roles=tuple(ordered), unreadable=unreadable, partition=partition, account_id=account_id)

    def arns(self, role_name: str) -> Sequence[str]:
        """What a name stands for: without a KeyspacesIAMRole a role without a path. More than one is a mistake."""
        known = {role.arn for role in self.roles if role.role_name == role_name}
        return sorted(known) or [role_arn(partition=self.partition, account_id=self.account_id, name=role_name)]

    def every(self) -> Sequence[str]:
        """What `*` stands for in an allow."""
        return sorted({role.arn for role in self.roles if not role.is_leaving})

    def managed(self, role_name: str) -> Reference | None:
        """The KeyspacesIAMRole by which the operator makes the role of that name."""
        return next((role for role in self.roles if role.role_name == role_name and role.is_managed), None)


def _reference(role: KeyspacesIAMRole, *, partition: str, path: str, told: str) -> Reference:
    spec = role.spec
    managed = spec.management == "Manage"
    name = f"{path.removeprefix('/')}{spec.role_name}" if managed else spec.role_name
    made = role_arn(partition=partition, account_id=spec.account_id, name=name)
    return Reference(
        object_name=role.metadata.name,
        role_name=spec.role_name,
        arn=told if _is_of(told, made) else made,
        is_managed=managed,
        is_leaving=role.metadata.deletion_timestamp is not None,
    )


def _is_of(told: str, made: str) -> bool:
    """Whether the ARN in the status is one of the same role, whatever its path."""
    try:
        return parse_role_arn(told) == parse_role_arn(made)
    except ValueError:
        return False
