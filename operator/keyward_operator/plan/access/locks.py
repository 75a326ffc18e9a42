"""The status of a KeyspacesLock: whether it is in force, where, and whether what it names exists."""

from collections.abc import Collection
from dataclasses import dataclass

from keyward_api.names import Condition, Reason
from keyward_api.reading import read
from keyward_api.resources.lock import KeyspacesLock, LockTarget
from keyward_api.resources.models import shown
from keyward_operator.json_types import Json
from keyward_operator.plan.access.world import AccessWorld, names_of
from keyward_operator.plan.verdicts import (
    Check,
    Verdict,
    condition_list,
    enumerate_names,
    fails,
    first,
    first_failure,
    holds,
    join,
    moment_text,
    passes_on,
    unknown,
    waiting_text,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class LockView:
    """A lock in its namespace."""

    name: str
    lock: KeyspacesLock | None
    """None where it cannot be read."""

    world: AccessWorld
    databases: tuple[str, ...]
    """Those whose policies hold it."""

    @property
    def target(self) -> LockTarget:
        """What it names; nothing where it cannot be read."""
        return self.lock.spec.target if self.lock else LockTarget()


def has_ended(view: LockView) -> Verdict | None:
    """Its time is over: it locks nothing any more."""
    if view.lock and view.lock.spec.ended(view.world.now):
        return fails(Reason.EXPIRED, f"the lock ended at {moment_text(view.lock.spec.expire_time)}")
    return None


def is_active(view: LockView) -> Verdict:
    """Its time is not over."""
    end = view.lock.spec.expire_time if view.lock else None
    return holds(Reason.ACTIVE, f"the lock ends at {moment_text(end)}" if end else "the lock ends with its deletion")


def a_user_is_missing(view: LockView) -> Verdict | None:
    """It names a user that does not exist."""
    return _missing(Reason.USER_NOT_FOUND, "KeyspacesUser", view.target.user, names_of(view.world.users))


def a_role_is_missing(view: LockView) -> Verdict | None:
    """It names a role that does not exist."""
    return _missing(Reason.ROLE_NOT_FOUND, "KeyspacesRole", view.target.role, names_of(view.world.roles))


def a_database_is_missing(view: LockView) -> Verdict | None:
    """It names a database that does not exist."""
    return _missing(Reason.DATABASE_NOT_FOUND, "KeyspacesDatabase", view.target.database, view.world.databases)


def references_exist(view: LockView) -> Verdict:
    """What it names exists, or is no object of this namespace."""
    return holds(Reason.RESOLVED, "what `target` names exists")


@passes_on(Reason.LOCK_INVALID, Reason.TOO_MANY_LOCKS)
def it_does_more_than_it_says(view: LockView) -> Verdict | None:
    """It cannot be read, or cannot be told exactly: on doubt more is locked."""
    problems = view.world.lock_problems.get(view.name, ())
    if problems:
        return fails(problems[0].reason, join([problem.message for problem in problems]))
    return None


def a_policy_waits(view: LockView) -> Verdict | None:
    """Agents do not have it, or have it no more, and that is not as it shall be."""
    waiting = view.world.waiting(lambda database: view.name in database.waiting_locks)
    return unknown(Reason.PENDING, waiting_text(waiting)) if waiting else None


def it_is_in_no_policy(view: LockView) -> Verdict | None:
    """No served database has it."""
    if not view.databases and view.lock and not view.lock.spec.ended(view.world.now):
        return fails(Reason.NO_DATABASE, "no KeyspacesDatabase of this namespace that is served has such sessions")
    return None


def is_compiled(view: LockView) -> Verdict:
    """Agents have it."""
    where = f"at {enumerate_names(view.databases)}" if view.databases else "nowhere any more"
    return holds(Reason.COMPILED, f"in force {where}")


CHAINS: dict[str, tuple[Check[LockView], ...]] = {
    Condition.ACTIVE: (has_ended, is_active),
    Condition.REFERENCES_RESOLVED: (a_user_is_missing, a_role_is_missing, a_database_is_missing, references_exist),
    Condition.POLICY_COMPILED: (it_does_more_than_it_says, a_policy_waits, it_is_in_no_policy, is_compiled),
}


def status_of(document: Json, world: AccessWorld) -> Json:
    """The status of one lock."""
    name = document["metadata"]["name"]
    lock, _ = read(KeyspacesLock, document)
    databases = [database for database, access in world.databases.items() if name in access.locks]
    view = LockView(name=name, lock=lock, world=world, databases=tuple(sorted(databases)))
    parts = {condition: first(chain, view) for condition, chain in CHAINS.items()}
    ready = first_failure(list(parts.values())) or holds(Reason.READY, parts[Condition.POLICY_COMPILED].message)
    return {
        "conditions": condition_list({Condition.READY: ready, **parts}, document, world.now),
        "databases": shown(view.databases),
    }


def _missing(reason: str, kind: str, name: str | None, known: Collection[str]) -> Verdict | None:
    if name is None or name in known:
        return None
    return fails(reason, f"this namespace has no {kind} {name}: mend `target`")
