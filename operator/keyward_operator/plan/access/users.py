"""The status of a KeyspacesUser: whether it has access, where, and what its references miss."""

from dataclasses import dataclass

from keyward_api.names import Condition, Reason
from keyward_api.reading import read
from keyward_api.resources.models import shown
from keyward_api.resources.user import KeyspacesUser
from keyward_operator.json_types import Json
from keyward_operator.plan.access.world import AccessWorld, Grants, names_of
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
class UserView:
    """A user in its namespace."""

    name: str
    user: KeyspacesUser | None
    """None where it cannot be read."""

    problem: str
    """Why it cannot be read; empty where it can."""

    world: AccessWorld

    @property
    def grants(self) -> Grants:
        """What it may do."""
        return self.world.grants.get(self.name, {})


def cannot_be_read(view: UserView) -> Verdict | None:
    """A newer or damaged object: it gives nothing."""
    if view.user is None:
        return fails(Reason.USER_INVALID, f"the spec cannot be read, so it gives nothing: {view.problem}")
    return None


def is_suspended(view: UserView) -> Verdict | None:
    """Its owner took its access away for the time being."""
    if view.user and view.user.spec.suspended:
        return fails(Reason.SUSPENDED, "`suspended` is true: nobody has access by this user")
    return None


def has_expired(view: UserView) -> Verdict | None:
    """Its time is over."""
    if view.user and view.user.spec.ended(view.world.now):
        return fails(
            Reason.EXPIRED, f"access ended at {moment_text(view.user.spec.expire_time)}: set another `expireTime`"
        )
    return None


def is_active(view: UserView) -> Verdict:
    """Its time is not over."""
    end = view.user.spec.expire_time if view.user else None
    return holds(Reason.ACTIVE, f"access ends at {moment_text(end)}" if end else "access has no end")


def a_role_is_missing(view: UserView) -> Verdict | None:
    """It names roles that do not exist."""
    missing = sorted(set(view.user.spec.roles) - names_of(view.world.roles)) if view.user else []
    if missing:
        return fails(
            Reason.ROLE_NOT_FOUND,
            f"this namespace has no KeyspacesRole {enumerate_names(missing)}: create it, or take it out of `roles`",
        )
    return None


def references_exist(view: UserView) -> Verdict:
    """All roles exist."""
    return holds(Reason.RESOLVED, "all `roles` exist")


@passes_on(Reason.ROLE_INVALID, Reason.USER_INVALID, Reason.GRANT_TOO_LARGE, Reason.POLICY_TOO_LARGE)
def something_was_left_out(view: UserView) -> Verdict | None:
    """A grant is in no policy, and not because a role is missing."""
    found = view.world.user_problems.get(view.name, ())
    problems = [problem for problem in found if problem.reason != Reason.ROLE_NOT_FOUND]
    if problems:
        return fails(problems[0].reason, join([problem.message for problem in problems]))
    return None


def a_policy_waits(view: UserView) -> Verdict | None:
    """Agents have something else of it than they shall."""
    waiting = view.world.waiting(lambda database: view.name in database.waiting_users)
    return unknown(Reason.PENDING, waiting_text(waiting)) if waiting else None


def it_has_no_grant(view: UserView) -> Verdict | None:
    """No served database has a grant of it."""
    if not view.grants and view.user and not view.user.spec.ended(view.world.now):
        served = view.world.served
        about = f"no rule of its roles is about {enumerate_names(served)}" if served else "none is served here"
        return fails(Reason.NO_DATABASE, f"it gives access to no KeyspacesDatabase: {about}")
    return None


def is_compiled(view: UserView) -> Verdict:
    """What it gives is in the policies."""
    where = f"at {enumerate_names(sorted(view.grants))}" if view.grants else "in any policy"
    return holds(Reason.COMPILED, f"{sum(view.grants.values())} grants {where}")


CHAINS: dict[str, tuple[Check[UserView], ...]] = {
    Condition.ACTIVE: (cannot_be_read, is_suspended, has_expired, is_active),
    Condition.REFERENCES_RESOLVED: (cannot_be_read, a_role_is_missing, references_exist),
    Condition.POLICY_COMPILED: (cannot_be_read, something_was_left_out, a_policy_waits, it_has_no_grant, is_compiled),
}


def status_of(document: Json, world: AccessWorld) -> Json:
    """The status of one user."""
    user, problem = read(KeyspacesUser, document)
    view = UserView(name=document["metadata"]["name"], user=user, problem=problem, world=world)
    parts = {condition: first(chain, view) for condition, chain in CHAINS.items()}
    ready = first_failure(list(parts.values())) or holds(
        Reason.READY, f"access to {enumerate_names(sorted(view.grants))}"
    )
    return {
        "conditions": condition_list({Condition.READY: ready, **parts}, document, world.now),
        "databases": shown(view.grants),
        "grants": sum(view.grants.values()),
    }
