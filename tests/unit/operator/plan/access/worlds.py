"""Namespaces of roles, users and databases, and the statuses that they come to."""

from datetime import datetime
from typing import Any

from keyward_operator.plan.access.plan import StatusChange, changes
from keyward_operator.plan.access.world import AccessWorld, DatabaseAccess, access_world
from tests.unit.operator import builders
from tests.unit.operator.builders import NAMESPACE, NOW, Json


def database(name: str = "orders", labels: dict[str, str] | None = None, **spec: Any) -> Json:
    found = builders.database(**spec)
    found["metadata"] |= {"name": name, "uid": f"uid-{name}", "labels": labels or {}}
    return found


def named(document: Json) -> Json:
    """With the metadata that the API server gives."""
    document["metadata"] |= {"uid": f"uid-{document['metadata']['name']}", "generation": 4, "resourceVersion": "9"}
    return document


def world(
    *,
    roles: tuple[Json, ...] = (),
    users: tuple[Json, ...] = (),
    locks: tuple[Json, ...] = (),
    databases: tuple[Json, ...] | None = None,
    unpublished: tuple[str, ...] = (),
    now: datetime = NOW,
) -> AccessWorld:
    """A namespace; by default with one database, `orders`. `unpublished`: those whose policies were not written."""
    inputs = {"roles": tuple(map(named, roles)), "users": tuple(map(named, users)), "locks": tuple(map(named, locks))}
    views = [
        builders.view_for(builders.observed(database=document, **inputs), now=now)
        for document in (databases if databases is not None else (database(),))
    ]
    found = {
        view.observed.owner.name: DatabaseAccess.of(view, is_published=view.observed.owner.name not in unpublished)
        for view in views
    }
    return access_world(**inputs, databases=found, now=now)


def told(of: AccessWorld) -> dict[str, StatusChange]:
    """What changes, by the name of the role or user."""
    return {change.reference.name: change for change in changes(of)}


def verdicts(change: StatusChange) -> dict[str, tuple[str, str]]:
    """Status and reason of each condition."""
    return verdicts_of(change.status)


def verdicts_of(status: Json) -> dict[str, tuple[str, str]]:
    """The same of a status."""
    return {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]}


def message(change: StatusChange, condition: str) -> str:
    """What a condition says."""
    return str(next(each["message"] for each in change.status["conditions"] if each["type"] == condition))


__all__ = ["NAMESPACE", "NOW", "database", "message", "told", "verdicts", "verdicts_of", "world"]
