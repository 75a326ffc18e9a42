"""Makes compiled grants into a policy that the API server takes, whatever the inputs.

A policy that is refused for its size would leave agents with the one before it, and a removed user in force. So what
does not fit is withheld, the most expensive grants first, until the rest fits. Only allows are ever withheld: a grant
that lost its allows keeps its denies, for the same identity may hold others. A grant that neither allows nor
denies is nothing, and an identity without grants is nobody: both are left out, which is what makes room. Where denies
alone are too much, the policy holds no grant at all. Locks stay in any case: the compiler keeps them small.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keyward_api.canonical import canonical_json, content_hash
from keyward_api.resources.policy import (
    GRANTS_LIMIT,
    IDENTITIES_LIMIT,
    IDENTITY_GRANTS_LIMIT,
    RULES_LIMIT,
    Grant,
    KeyspacesPolicySpec,
    PolicyDatabase,
    PolicyIdentity,
    PolicyLock,
)

POLICY_SIZE_LIMIT = 1024 * 1024
"""Bytes of the whole spec as JSON: etcd takes 1.5 MiB a request, and status must fit beside it."""

_REVISION_LENGTH = 32

SubjectKey = tuple[str, str, str]
"""Kind, namespace (empty for a Group) and name."""

Subjects = Mapping[SubjectKey, set[str]]
"""Who holds which grants, by their ids."""

Locks = tuple[PolicyLock, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sealed:
    """A policy within all bounds, and the grants whose allows are not in it."""

    spec: KeyspacesPolicySpec
    withheld: tuple[Grant, ...]


def seal(database: PolicyDatabase, grants: Mapping[str, Grant], subjects: Subjects, locks: Locks) -> Sealed:
    """The policy of these grants, with as few of them withheld as it takes."""
    whole = _fitting(database, *_without(grants, subjects, ()), locks)
    if whole is not None:
        return Sealed(spec=whole, withheld=())  # as a rule
    candidates = _by_cost(grants, subjects)
    fewest, most = 1, len(candidates) + 1  # the last: not even the denies
    while fewest < most:
        middle = (fewest + most) // 2
        if middle > len(candidates) or _fitting(database, *_without(grants, subjects, candidates[:middle]), locks):
            most = middle
        else:
            fewest = middle + 1
    withheld = candidates[:fewest]
    kept, holders = _without(grants, subjects, withheld) if fewest <= len(candidates) else ({}, {})
    spec = _spec(database, kept, holders, locks)
    return Sealed(spec=spec, withheld=tuple(sorted(withheld, key=lambda grant: grant.id)))


def _by_cost(grants: Mapping[str, Grant], subjects: Subjects) -> list[Grant]:
    """Grants with allows, the most expensive first: by their own size and by how many identities hold them."""
    holders = dict.fromkeys(grants, 0)
    for ids in subjects.values():
        for grant_id in ids:
            holders[grant_id] += 1
    costs = {grant.id: _size(grant) + 100 * holders[grant.id] for grant in grants.values()}
    return sorted((grant for grant in grants.values() if grant.allow), key=lambda grant: (-costs[grant.id], grant.id))


def _without(
    grants: Mapping[str, Grant], subjects: Subjects, withheld: Sequence[Grant]
) -> tuple[dict[str, Grant], dict[SubjectKey, set[str]]]:
    names = {grant.id for grant in withheld}
    emptied = {k: grant.model_copy(update={"allow": ()}) if k in names else grant for k, grant in grants.items()}
    kept = {k: grant for k, grant in emptied.items() if grant.allow or grant.deny}
    holders = {subject: ids & kept.keys() for subject, ids in subjects.items()}
    return kept, {subject: ids for subject, ids in holders.items() if ids}


def _fitting(
    database: PolicyDatabase, grants: Mapping[str, Grant], subjects: Subjects, locks: Locks
) -> KeyspacesPolicySpec | None:
    """The policy, if it is within all bounds."""
    if len(grants) > GRANTS_LIMIT or len(subjects) > IDENTITIES_LIMIT:
        return None
    if any(len(ids) > IDENTITY_GRANTS_LIMIT for ids in subjects.values()):
        return None
    if any(len(rules) > RULES_LIMIT for grant in grants.values() for rules in (grant.allow, grant.deny)):
        return None
    spec = _spec(database, grants, subjects, locks)
    return spec if len(canonical_json(spec.to_json_dict()).encode()) <= POLICY_SIZE_LIMIT else None


def _spec(
    database: PolicyDatabase, grants: Mapping[str, Grant], subjects: Subjects, locks: Locks
) -> KeyspacesPolicySpec:
    spec = KeyspacesPolicySpec(
        revision="-" * _REVISION_LENGTH,
        database=database,
        grants=tuple(grants[name] for name in sorted(grants)),
        identities=tuple(
            PolicyIdentity(kind=kind, namespace=namespace, name=name, grants=tuple(sorted(ids)))
            for (kind, namespace, name), ids in sorted(subjects.items())
        ),
        locks=locks,
    )
    content = {key: value for key, value in spec.to_json_dict().items() if key != "revision"}
    return spec.model_copy(update={"revision": content_hash(content, length=_REVISION_LENGTH)})


def _size(grant: Grant) -> int:
    return len(canonical_json(grant.to_json_dict()).encode())
