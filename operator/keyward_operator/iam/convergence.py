"""From what a role is to what it shall be. Only for roles that are the operator's: see `ownership`.

What bounds and revokes goes first. What others attached is never taken away: it is told of, and stands in the way of a
deletion, which would take their rights with it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from keyward_api import names
from keyward_api.iam_roles.documents import parse, same_document
from keyward_operator.iam import calls
from keyward_operator.iam.calls import IamCall
from keyward_operator.iam.desired_role import DesiredRole
from keyward_operator.iam.ownership import Ownership
from keyward_operator.iam.role_state import RoleState


@dataclass(frozen=True, kw_only=True, slots=True)
class Removal:
    """How to delete a role."""

    calls: tuple[IamCall, ...]
    """Empty where something is in the way."""

    blockers: tuple[str, ...]
    """Policies of others, each named as people would look for it."""


def repair(role: RoleState, desired: DesiredRole) -> tuple[IamCall, ...]:
    """The calls that make `role` what is desired; none where it is."""
    return (*_trust_and_boundary(role, desired), *_rights(role, desired), *_attributes(role, desired))


def foreign_policies(role: RoleState, attachable: frozenset[str]) -> tuple[str, ...]:
    """Policies of the role that are not the operator's."""
    inline = sorted(name for name in role.inline if name != names.INLINE_POLICY)
    return (*(f"inline policy '{name}'" for name in inline), *sorted(role.attached - attachable))


def removal(role: RoleState, attachable: frozenset[str]) -> Removal:
    """Take off what is the operator's, then delete."""
    blockers = foreign_policies(role, attachable)
    if blockers:
        return Removal(calls=(), blockers=blockers)
    steps = [calls.detach(role.name, arn) for arn in sorted(role.attached)]
    steps += [calls.delete_policy(role.name) for _ in role.inline]
    return Removal(calls=(*steps, calls.delete_role(role.name)), blockers=())


def release(role: RoleState, ownership: Ownership) -> tuple[IamCall, ...]:
    """Leave the role as it is, as nobody's."""
    return (calls.untag_role(role.name, ownership.tags),)


def _trust_and_boundary(role: RoleState, desired: DesiredRole) -> Iterator[IamCall]:
    if role.boundary != desired.boundary:
        yield calls.set_boundary(role.name, desired.boundary)
    if not same_document(role.trust, parse(desired.trust)):
        yield calls.set_trust(role.name, desired.trust)


def _rights(role: RoleState, desired: DesiredRole) -> Iterator[IamCall]:
    present = role.inline.get(names.INLINE_POLICY)
    if desired.inline is None:
        if present is not None:
            yield calls.delete_policy(role.name)
    elif present is None or not same_document(present, parse(desired.inline)):
        yield calls.put_policy(role.name, desired.inline)
    for arn in sorted((role.attached & desired.attachable) - desired.attached):
        yield calls.detach(role.name, arn)
    for arn in sorted(desired.attached - role.attached):
        yield calls.attach(role.name, arn)


def _attributes(role: RoleState, desired: DesiredRole) -> Iterator[IamCall]:
    if (role.max_session_seconds, role.description) != (desired.max_session_seconds, desired.description):
        yield calls.set_limits(desired)
    changed = {key: value for key, value in desired.tags.items() if role.tags.get(key) != value}
    if changed:
        yield calls.tag_role(desired, changed)
