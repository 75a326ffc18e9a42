"""Which keys an event puts in: what happened to an object, and to whom that matters.

Most events are echoes of what the operator wrote itself, of which it has seen to all that follows. Of the kinds of
which more than one key is looked at, a hash is kept of what matters to each, and of policies which generations were
our own writing.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from keyward_api.names import Condition
from keyward_operator import kinds
from keyward_operator.keys import AccessKey, AgentRoleKey, DatabaseKey, IAMRoleKey, IAMRolesKey, Key, NamespaceKey
from keyward_operator.kinds import Kind

IsOurs = Callable[[DatabaseKey, int], bool]
"""Whether the policy of a database is of our writing, as far as its generation tells."""

DELETED = "DELETED"

_JUDGED = (*kinds.INPUTS, kinds.KEYSPACES_POLICY, kinds.NAMESPACE)


class News:
    """What was seen of each object last."""

    def __init__(self, *, is_ours: IsOurs) -> None:
        self._is_ours = is_ours
        self._seen: dict[tuple[str, str, str], int] = {}

    def saw(self, kind: Kind, body: Mapping[str, Any]) -> None:
        """An object was listed: what is in the list, a resync sees to."""
        if kind in _JUDGED:
            self._is_news(kind.plural, body, _substance(kind, body))
        if kind is kinds.KEYSPACES_POLICY:
            self._is_news("reports", body, _reports(body))
            self._is_news("spec", body, body["metadata"].get("generation"))

    def keys(
        self, kind: Kind, event_type: str | None, body: Mapping[str, Any], owner: DatabaseKey | None
    ) -> Iterator[Key]:
        """What to look at for an event; `owner` is the database whose child the object is, if any."""
        metadata = body["metadata"]
        namespace, name = metadata.get("namespace") or "", metadata["name"]
        is_news = kind in _JUDGED and self._is_news(kind.plural, body, _substance(kind, body), event_type)
        if kind is kinds.NAMESPACE:
            yield NamespaceKey(name)
            if is_news:
                yield IAMRolesKey(name)
        elif kind in kinds.INPUTS:
            if is_news:
                yield from _keys_of_input(kind, namespace, name)
        elif kind is kinds.KEYSPACES_POLICY:
            yield from self._keys_of_policy(event_type, body, owner, is_news=is_news)
        elif owner:
            yield owner

    def _keys_of_policy(
        self, event_type: str | None, body: Mapping[str, Any], owner: DatabaseKey | None, *, is_news: bool
    ) -> Iterator[Key]:
        """What it grants as IAM roles, and what agents report, its database tells; all else who wrote it knows."""
        generation = int(body["metadata"].get("generation") or 0)
        reported = self._is_news("reports", body, _reports(body), event_type)
        written = self._is_news("spec", body, generation, event_type)
        if owner is None:
            return
        if is_news or reported:
            yield owner
        if is_news:
            yield IAMRolesKey(owner.namespace)
        if written and event_type != DELETED and not self._is_ours(owner, generation):
            yield AccessKey(owner.namespace)

    def _is_news(self, what: str, body: Mapping[str, Any], substance: object, event_type: str | None = None) -> bool:
        metadata = body["metadata"]
        where = what, metadata.get("namespace") or "", metadata["name"]
        if event_type == DELETED:
            self._seen.pop(where, None)
            return True
        # A hash, for of thousands of objects it is kept; where two were the same, a resync would find the difference.
        seen = hash(substance)
        is_news = self._seen.get(where) != seen
        self._seen[where] = seen
        return is_news


def _keys_of_input(kind: Kind, namespace: str, name: str) -> Iterator[Key]:
    yield AccessKey(namespace)
    if kind is kinds.KEYSPACES_DATABASE:
        yield DatabaseKey(namespace, name)
        yield AgentRoleKey(namespace, name)
    if kind is kinds.KEYSPACES_IAM_ROLE:
        yield IAMRoleKey(namespace, name)


def _substance(kind: Kind, body: Mapping[str, Any]) -> tuple[object, ...]:
    """Of an object what others, or its own reconciler, go by: never the status that this one writes."""
    metadata, status = body["metadata"], body.get("status") or {}
    substance: list[object] = [metadata.get("uid"), _items(metadata.get("labels"))]
    if kind is kinds.KEYSPACES_POLICY:
        grants = (body.get("spec") or {}).get("grants") or ()
        return (*substance, frozenset((grant.get("roleARN"), bool(grant.get("allow"))) for grant in grants))
    substance.append(metadata.get("generation"))
    if kind is kinds.KEYSPACES_IAM_ROLE:
        substance.append(status.get("arn"))  # policies hold it
    if kind is kinds.KEYSPACES_DATABASE:
        # Who asks for a new CA, or takes our finalizer away, does it here.
        substance += [_items(metadata.get("annotations")), frozenset(metadata.get("finalizers") or ())]
        # Who makes the agents' own IAM role says so here.
        told = [told for told in status.get("conditions") or () if told["type"] == Condition.AGENT_ROLE_READY]
        substance += map(_items, told)
    return tuple(substance)


def _reports(body: Mapping[str, Any]) -> str:
    """What agents say of themselves. Which revision they have is for people: nothing is decided by it."""
    agents = (body.get("status") or {}).get("agents") or ()
    return json.dumps([{**report, "observedRevision": ""} for report in agents], sort_keys=True)


def _items(values: Mapping[str, str] | None) -> frozenset[tuple[str, str]]:
    return frozenset((values or {}).items())
