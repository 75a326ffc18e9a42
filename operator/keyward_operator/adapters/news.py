"""Which keys an event puts in: what happened to an object, and to whom that matters.

Most events are echoes of what the operator wrote itself, of which it has seen to all that follows. Of the kinds of
which more than one key is looked at, a hash is kept of what matters to each, and of policies which generations were
our own writing.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from keyward_api.names import Condition
from keyward_operator import kinds
from keyward_operator.keys import AccessKey, AgentRoleKey, DatabaseKey, IAMRoleKey, IAMRolesKey, Key, NamespaceKey
from keyward_operator.kinds import Kind

IsOurs = Callable[[DatabaseKey, int], bool]
"""Whether the policy of a database is of our writing, as far as its generation tells."""

DELETED = "DELETED"

_ITSELF, _REPORTS, _GENERATION = "itself", "reports", "generation"
"""Aspects of an object: news of each matters to others."""

WHOLE = (kinds.KEYSPACES_DATABASE, kinds.KEYSPACES_IAM_ROLE, kinds.KEYSPACES_POLICY)
"""Kinds of which more matters than metadata."""

_JUDGED = (*kinds.INPUTS, kinds.KEYSPACES_POLICY, kinds.NAMESPACE)


class News:
    """What was seen of each object last."""

    def __init__(self, *, is_ours: IsOurs) -> None:
        self._is_ours = is_ours
        self._seen: dict[int, int] = {}

    def saw(self, kind: Kind, body: Mapping[str, Any]) -> None:
        """An object was listed: what is in the list, a resync sees to."""
        self._news(kind, None, body)

    def keys(
        self, kind: Kind, event_type: str | None, body: Mapping[str, Any], owner: DatabaseKey | None
    ) -> Iterator[Key]:
        """What to look at for an event; `owner` is the database whose child the object is, if any."""
        metadata = body["metadata"]
        namespace, name = metadata.get("namespace") or "", metadata["name"]
        news = self._news(kind, event_type, body)
        if kind is kinds.NAMESPACE:
            yield NamespaceKey(name)
            if news:
                yield IAMRolesKey(name)
        elif kind in kinds.INPUTS:
            if news:
                yield from _keys_of_input(kind, namespace, name)
        elif owner and kind is kinds.KEYSPACES_POLICY:
            yield from self._keys_of_policy(event_type, metadata, owner, news)
        elif owner:
            yield owner

    def _keys_of_policy(
        self, event_type: str | None, metadata: Mapping[str, Any], owner: DatabaseKey, news: Collection[str]
    ) -> Iterator[Key]:
        """What it grants as IAM roles, and what agents report, its database tells; all else who wrote it knows."""
        if _ITSELF in news or _REPORTS in news:
            yield owner
        if _ITSELF in news:
            yield IAMRolesKey(owner.namespace)
        if _GENERATION in news and event_type != DELETED and not self._is_ours(owner, _generation(metadata)):
            yield AccessKey(owner.namespace)

    def _news(self, kind: Kind, event_type: str | None, body: Mapping[str, Any]) -> set[str]:
        """The aspects of an object that are not as they were seen last; all of one that is gone."""
        metadata = body["metadata"]
        place = metadata.get("namespace") or "", metadata["name"]
        news = set()
        for aspect, substance in _aspects(kind, body):
            # Hashes, for of thousands of objects they are kept; where two were the same, a resync would find it.
            where = hash((kind.plural, aspect, *place))
            before, now = self._seen.pop(where, None), hash(substance)
            if event_type != DELETED:
                self._seen[where] = now
            if event_type == DELETED or before != now:
                news.add(aspect)
        return news


def _aspects(kind: Kind, body: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    if kind in _JUDGED:
        yield _ITSELF, _substance(kind, body)
    if kind is kinds.KEYSPACES_POLICY:
        yield _REPORTS, _reports(body)
        yield _GENERATION, _generation(body["metadata"])


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


def _generation(metadata: Mapping[str, Any]) -> int:
    return int(metadata.get("generation") or 0)


def _items(values: Mapping[str, str] | None) -> frozenset[tuple[str, str]]:
    return frozenset((values or {}).items())
