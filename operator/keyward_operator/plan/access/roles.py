"""The status of a KeyspacesRole: whether its rules can be read, where they count, and who holds it."""

from dataclasses import dataclass

from keyward_api.names import Condition, Reason
from keyward_api.reading import read
from keyward_api.resources.models import shown
from keyward_api.resources.role import KeyspacesRole
from keyward_operator.json_types import Json
from keyward_operator.plan.access.world import AccessWorld
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
    passes_on,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RoleView:
    """A role in its namespace."""

    name: str
    role: KeyspacesRole | None
    """None where it cannot be read."""

    problem: str
    """Why it cannot be read; empty where it can."""

    world: AccessWorld
    databases: tuple[str, ...]
    """Those that some rule is about."""

    users: tuple[str, ...]
    """Those that name it."""


@passes_on(Reason.ROLE_INVALID, Reason.IAM_ROLE_NOT_FOUND)
def cannot_be_read(view: RoleView) -> Verdict | None:
    """A newer or damaged object."""
    problems = view.world.role_problems.get(view.name)
    if problems:
        return fails(problems[0].reason, join([problem.message for problem in problems]))
    if view.role is None:
        return fails(Reason.ROLE_INVALID, f"the spec cannot be read: {view.problem}")
    return None


def a_database_is_missing(view: RoleView) -> Verdict | None:
    """A rule names databases that do not exist."""
    rules = (*view.role.spec.allow, *view.role.spec.deny) if view.role else ()
    named = {name for rule in rules for name in rule.databases.names or () if name != "*"}
    missing = sorted(named - view.world.databases.keys())
    if missing:
        return fails(
            Reason.DATABASE_NOT_FOUND,
            f"this namespace has no KeyspacesDatabase {enumerate_names(missing)}: create it, or mend `databases.names`",
        )
    return None


def references_exist(view: RoleView) -> Verdict:
    """All databases that rules name exist."""
    return holds(Reason.RESOLVED, "all databases that its rules name exist")


def it_is_about_no_database(view: RoleView) -> Verdict | None:
    """No rule selects anything."""
    if not view.databases:
        return fails(Reason.NO_DATABASE, "its rules are about no KeyspacesDatabase of this namespace")
    return None


def is_compiled(view: RoleView) -> Verdict:
    """Its rules count."""
    holders = f"for {enumerate_names(view.users)}" if view.users else "for nobody yet: no KeyspacesUser names it"
    return holds(Reason.COMPILED, f"its rules count at {enumerate_names(view.databases)}, {holders}")


CHAINS: dict[str, tuple[Check[RoleView], ...]] = {
    Condition.REFERENCES_RESOLVED: (a_database_is_missing, references_exist),
    Condition.POLICY_COMPILED: (cannot_be_read, it_is_about_no_database, is_compiled),
}


def status_of(document: Json, world: AccessWorld) -> Json:
    """The status of one role."""
    view = _view(document, world)
    parts = {condition: first(chain, view) for condition, chain in CHAINS.items()}
    ready = first_failure(list(parts.values())) or holds(Reason.READY, parts[Condition.POLICY_COMPILED].message)
    return {
        "conditions": condition_list({Condition.READY: ready, **parts}, document, world.now),
        "databases": shown(view.databases),
        "users": shown(view.users),
    }


def _view(document: Json, world: AccessWorld) -> RoleView:
    name = document["metadata"]["name"]
    role, problem = read(KeyspacesRole, document)
    rules = (*role.spec.allow, *role.spec.deny) if role else ()
    about = (
        database
        for database, access in world.databases.items()
        if any(rule.databases.matches(name=database, labels=access.labels) for rule in rules)
    )
    holders = (user["metadata"]["name"] for user in world.users if name in (user.get("spec") or {}).get("roles", ()))
    return RoleView(
        name=name,
        role=role,
        problem=problem,
        world=world,
        databases=tuple(sorted(about)),
        users=tuple(sorted(holders)),
    )
