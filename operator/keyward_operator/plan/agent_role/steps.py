"""What to do about the agents' own role, and what to say of it: the states of the plan."""

from collections.abc import Sequence
from dataclasses import replace

from keyward_api import names
from keyward_api.names import Reason
from keyward_api.tenants import Violation
from keyward_operator.iam.convergence import release
from keyward_operator.iam.ownership import Holding
from keyward_operator.plan.agent_role.role import AgentRole, Steps, keep, let_go
from keyward_operator.plan.agent_role.view import View
from keyward_operator.plan.verdicts import Verdict, fails, join, passes_on, unknown


def steps_of(view: View) -> Steps:
    """The steps in the state that the database is in; see `plan` for the states."""
    if view.is_deleted:
        return _leaving(view) if view.has_finalizer else Steps()
    if view.database is None or view.agent is None or view.admission is None:
        message = f"the spec cannot be read, so the agents' role is left alone: {view.problem}"
        return Steps(verdict=fails(Reason.INVALID_SPEC, message)) if view.has_finalizer else Steps()
    if view.asks:
        return _keeping(view, view.agent, view.admission.violations)
    return _leaving(view) if view.has_finalizer else Steps()


def _keeping(view: View, agent: AgentRole, violations: Sequence[Violation]) -> Steps:
    """States 2 and 3."""
    refusal = join([violation.message for violation in violations])
    if not view.is_asked:
        return Steps(verdict=fails(Reason.NOT_PERMITTED, refusal))
    obstacle = _obstacle(view, agent)
    if obstacle is not None:
        return Steps(verdict=obstacle)
    if violations:
        message = f"{refusal}; until then the agents' role may assume nothing"
        return replace(_closing(view, agent), verdict=fails(Reason.NOT_PERMITTED, message))
    steps = keep(
        agent,
        view.observed.role,
        assumes=view.assumes,
        provider_exists=view.observed.provider_exists,
        troubles=view.troubles,
    )
    may_be_ours = view.holding in (Holding.ABSENT, Holding.OURS)
    return replace(steps, finalizer=True if may_be_ours else None)


def _obstacle(view: View, agent: AgentRole) -> Verdict | None:
    """What keeps the operator from working on the role at all."""
    account = view.observed.account
    if view.observed.unreadable is not None:
        return _unreadable(view)
    if account is not None and not view.in_own_account:
        return fails(
            Reason.OTHER_ACCOUNT,
            f"the operator's own identity is of account {account.account_id}, in which alone it makes roles, and the "
            f"database of account {agent.account.account_id}: let `agent.identity.management` be 'Adopt'",
        )
    if not agent.issuer:
        return fails(
            Reason.NO_AWS_IDENTITY,
            "the API server does not tell the issuer of the cluster's tokens, which the agents' role would have to "
            "trust: let `agent.identity.management` be 'Adopt'",
        )
    return None


@passes_on(Reason.ACCESS_DENIED, Reason.NO_AWS_IDENTITY)
def _unreadable(view: View) -> Verdict | None:
    trouble = view.observed.unreadable
    return unknown(trouble.reason, trouble.message) if trouble else None


def _closing(view: View, agent: AgentRole) -> Steps:
    """Nothing is made for who is not permitted; what was made keeps its trust, and loses its rights."""
    if view.holding is not Holding.OURS:
        return Steps()
    return keep(agent, view.observed.role, assumes=(), provider_exists=True, troubles=view.troubles)


def _leaving(view: View) -> Steps:
    """States 1 and 4."""
    agent, role = view.agent, view.observed.role
    if agent is None or not view.is_asked or not view.in_own_account:
        return Steps(verdict=fails(Reason.DELETION_BLOCKED, _why_it_stays(view)))
    if role is None or view.holding is not Holding.OURS:
        return Steps(finalizer=False)
    if view.troubles:
        return Steps(verdict=fails(Reason.DELETION_BLOCKED, join([trouble.message for trouble in view.troubles])))
    if _is_adopted(view):
        message = f"{agent.arn} is being released"
        return Steps(calls=release(role, agent.database), verdict=unknown(Reason.PENDING, message))
    return let_go(agent, role)


def _why_it_stays(view: View) -> str:
    trouble = view.observed.unreadable
    why = trouble.message if trouble else view.problem or "the operator may no longer change roles here"
    return (
        f"the agents' own IAM role cannot be deleted: {why}; mend that, or delete it by hand and remove the finalizer "
        f"{names.AGENT_ROLE_FINALIZER}"
    )


def _is_adopted(view: View) -> bool:
    """Whether the spec names the very role that was made: its owner wants to keep it."""
    given = view.database.spec.agent.identity.role_arn if view.database else None
    return not view.is_deleted and view.observed.role is not None and given == view.observed.role.arn
