"""From KeyspacesLocks to the locks of one database's policy: closed on doubt.

A target that cannot be read is the whole database, and so are all locks together where they are more than a policy may
hold: whoever is to be kept out is out, and a problem says what to do. Nothing but its end takes a lock out of a policy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from keyward_api import iam
from keyward_api.canonical import canonical_json
from keyward_api.names import Reason
from keyward_api.problems import Problem, first_line
from keyward_api.resources.lock import KeyspacesLockSpec, LockTarget
from keyward_api.resources.policy import LOCK_USERS_LIMIT, LOCKS_LIMIT, LockedSubject, PolicyDatabase, PolicyLock
from keyward_api.resources.user import Subject

LOCKS_SIZE_LIMIT = 256 * 1024
"""Bytes of all locks as JSON: a quarter of a policy, so that there is room for who is not locked out."""

EVERYBODY = "system:authenticated"
"""Kubernetes' group of all who proved who they are; other issuers know no such group."""


class TargetError(ValueError):
    """A target that does not say what is locked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CompiledLocks:
    """The locks of a policy, and what could not be taken as it is."""

    locks: tuple[PolicyLock, ...]
    problems: tuple[Problem, ...]


def compile_locks(
    documents: Sequence[Mapping[str, Any]],
    *,
    database: PolicyDatabase,
    holders: Mapping[str, Sequence[str]],
    now: datetime,
) -> CompiledLocks:
    """The locks that are in force at `database`.

    `documents` are all KeyspacesLocks of its namespace, those about to be deleted included; `holders` are the
    KeyspacesUsers that hold each KeyspacesRole.
    """
    locks: list[PolicyLock] = []
    problems: list[Problem] = []
    for document in sorted(documents, key=lambda document: str(document["metadata"]["name"])):
        lock, problem = _read(document, database, holders, now)
        locks += [lock] if lock else []
        problems += [problem] if problem else []
    if _are_too_many(locks):
        message = (
            f"{len(locks)} KeyspacesLocks are more than a policy can hold, so everybody is locked out of "
            f"KeyspacesDatabase {database.name}: delete some, or lock groups and roles instead of single identities"
        )
        named = tuple(lock.name for lock in locks)
        problems.append(Problem(reason=Reason.TOO_MANY_LOCKS, message=message, locks=named))
        locks = [PolicyLock(name=locks[0].name)]
    return CompiledLocks(locks=tuple(locks), problems=tuple(problems))


def _read(
    document: Mapping[str, Any], database: PolicyDatabase, holders: Mapping[str, Sequence[str]], now: datetime
) -> tuple[PolicyLock | None, Problem | None]:
    name = document["metadata"]["name"]
    try:
        target = _target(document)
    except ValueError as error:
        return PolicyLock(name=name), _unreadable(
            name, f"locks everybody out of KeyspacesDatabase {database.name}", error
        )
    if (target.database or database.name) != database.name:
        return None, None
    try:
        spec = KeyspacesLockSpec.model_validate(document["spec"])
    except ValidationError as error:
        return _lock(name, target, database, holders), _unreadable(name, "is in force until it is deleted", error)
    if spec.ended(now):
        return None, None
    lock = _lock(name, target, database, holders)
    end = spec.expire_time and spec.expire_time.astimezone(UTC)
    return lock and lock.model_copy(update={"message": spec.message, "not_after": end}), None


def _target(document: Mapping[str, Any]) -> LockTarget:
    """What is locked; raises ValueError where that cannot be told."""
    spec = document.get("spec")
    target = LockTarget.model_validate(spec.get("target") if isinstance(spec, Mapping) else None)
    if not target.is_one:
        raise TargetError("target: exactly one of its fields must be set")
    return target


def _unreadable(name: str, effect: str, error: Exception) -> Problem:
    return Problem(
        reason=Reason.LOCK_INVALID,
        message=f"KeyspacesLock {name} cannot be read, so it {effect}: {first_line(error)}",
        locks=(name,),
    )


def _lock(
    name: str, target: LockTarget, database: PolicyDatabase, holders: Mapping[str, Sequence[str]]
) -> PolicyLock | None:
    """None where no session of this database can be meant."""
    if target.db_user is not None:
        role = _role_name(target.db_user, database)
        return PolicyLock(name=name, db_user=role) if role else None
    return PolicyLock(
        name=name,
        subject=_subject(target.subject),
        users=_users(target, holders),
        session=target.session,
        agent=target.agent,
    )


def _subject(subject: Subject | None) -> LockedSubject | None:
    if subject is None or (subject.kind, subject.name) == ("Group", EVERYBODY):
        return None
    return LockedSubject(kind=subject.kind, name=subject.name, namespace=subject.namespace or "")


def _users(target: LockTarget, holders: Mapping[str, Sequence[str]]) -> tuple[str, ...] | None:
    if target.role is not None:
        return tuple(sorted(holders.get(target.role, ())))
    return None if target.user is None else (target.user,)


def _role_name(db_user: str, database: PolicyDatabase) -> str | None:
    """IAM role names are unique in an account, whatever their paths."""
    if not db_user.startswith("arn:"):
        return db_user
    role = iam.parse_role_arn(db_user)
    return role.name if (role.partition, role.account_id) == (database.partition, database.account_id) else None


def _are_too_many(locks: Sequence[PolicyLock]) -> bool:
    return (
        len(locks) > LOCKS_LIMIT
        or any(len(lock.users or ()) > LOCK_USERS_LIMIT for lock in locks)
        or len(canonical_json([lock.to_json_dict() for lock in locks]).encode()) > LOCKS_SIZE_LIMIT
    )
