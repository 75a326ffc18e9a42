"""Which lock of a policy is on this session? Pure, beside `decision`, which says what a session may do otherwise.

Where several are, the first by name is told of. A lock wins over every grant.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from keyward_api.identities import CallerIdentity
from keyward_api.resources.policy import PolicyDatabase, PolicyLock

_Key = tuple[str, ...]
_EVERYBODY: _Key = ("",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Locks:
    """The locks of a policy, by what they are on."""

    _by_target: dict[_Key, PolicyLock] = field(repr=False)

    @classmethod
    def of(cls, locks: Iterable[PolicyLock]) -> "Locks":
        """Index the locks of a policy."""
        by_target: dict[_Key, PolicyLock] = {}
        for lock in sorted(locks, key=lambda lock: lock.name):
            for key in _targets(lock):
                by_target.setdefault(key, lock)
        return cls(_by_target=by_target)

    def on_session(
        self, identity: CallerIdentity, *, users: Iterable[str], db_user: str, session: str, agent: str
    ) -> PolicyLock | None:
        """The lock on a session, or None.

        `users` are the KeyspacesUsers that give it anything, `db_user` is the short name of its IAM role, `session` its
        id, `agent` the pod that it is at.
        """
        if not self._by_target:
            return None
        keys: list[_Key] = [_EVERYBODY, ("dbUser", db_user), ("session", session), ("agent", agent)]
        keys += [("user", user) for user in users]
        keys += [("Group", "", group) for group in identity.groups]
        # A ServiceAccount may be locked by the name that audit trails and logs have for it, too.
        keys += [(identity.kind, identity.namespace, identity.name), ("User", "", identity.username)]
        found = (self._by_target[key] for key in keys if key in self._by_target)
        return min(found, key=lambda lock: lock.name, default=None)

    def on_agent(self, agent: str) -> PolicyLock | None:
        """The lock on all sessions at this agent alone, or None."""
        return self._by_target.get(("agent", agent))


def _targets(lock: PolicyLock) -> Iterator[_Key]:
    if lock.subject is not None:
        yield (lock.subject.kind, lock.subject.namespace, lock.subject.name)
    elif lock.users is not None:
        yield from (("user", user) for user in lock.users)
    elif lock.db_user is not None:
        yield ("dbUser", lock.db_user)
    elif lock.session is not None:
        yield ("session", lock.session)
    elif lock.agent is not None:
        yield ("agent", lock.agent)
    else:
        yield _EVERYBODY


def words(lock: PolicyLock, identity: CallerIdentity, database: PolicyDatabase) -> str:
    """What somebody who is locked out is told: who, of what, until when, by what, why, and whom to ask."""
    until = f" until {lock.not_after:%Y-%m-%dT%H:%M:%SZ}" if lock.not_after else ""
    why = f": {lock.message}" if lock.message else ""
    return (
        f"{identity.username} is locked out of {_place(lock)}database {database.namespace}/{database.name}{until} by "
        f"KeyspacesLock {lock.name}{why}; ask the owner of namespace {database.namespace}"
    )


def _place(lock: PolicyLock) -> str:
    """What of a database is locked, where that is not all of it."""
    if lock.db_user:
        return f"IAM role '{lock.db_user}' on "
    if lock.session:
        return f"session {lock.session} on "
    return f"agent {lock.agent} of " if lock.agent else ""
