"""The plan for the agents' own IAM role of one KeyspacesDatabase.

1. The database is being deleted: a role of ours is deleted; then our finalizer goes.
2. It asks for a role and is permitted: it gets our finalizer, before anything is made; the role is made and kept.
3. It asks for a role and is not permitted: one that was made may assume nothing until then.
4. It no longer asks for a role: the one that was made is deleted, or released where the spec names that very role;
   then our finalizer goes.
5. It cannot be read: the role is left alone.
"""

from collections.abc import Sequence
from datetime import datetime

from keyward_api import names
from keyward_api.names import Condition, Reason
from keyward_api.tenants import PlatformSettings
from keyward_operator.iam.calls import IamCall, Trouble
from keyward_operator.iam.convergence import release
from keyward_operator.iam.ownership import Holding
from keyward_operator.plan import events
from keyward_operator.plan.agent_role.observed import Observed
from keyward_operator.plan.agent_role.role import AgentRole, Steps, keep, let_go
from keyward_operator.plan.agent_role.view import View, view_of
from keyward_operator.plan.iam_role.plan import AGAIN, AGAIN_WHERE_BLOCKED, IamRolePlan
from keyward_operator.plan.owned import status_differs
from keyward_operator.plan.result import Happening
from keyward_operator.plan.verdicts import Verdict, condition_list, conditions_of, fails, join, unknown


def plan(
    observed: Observed, *, settings: PlatformSettings, now: datetime, troubles: Sequence[Trouble] = ()
) -> IamRolePlan:
    """What to do so that the role becomes what the database asks for.

    `troubles`: what IAM refused when a plan for the same observation was carried out just now. The plan is then about
    the status alone.
    """
    view = view_of(observed, settings=settings, troubles=troubles, now=now)
    if "deletionTimestamp" in observed.database["metadata"]:
        return _leaving(view) if view.has_finalizer else IamRolePlan()
    if view.database is None:
        message = f"the spec cannot be read, so the agents' role is left alone: {view.problem}"
        return _told(view, fails(Reason.INVALID_SPEC, message)) if view.has_finalizer else IamRolePlan()
    if view.asks:
        return _keeping(view)
    return _leaving(view) if view.has_finalizer else _told(view, None)


def _keeping(view: View) -> IamRolePlan:
    """States 2 and 3."""
    agent, admission = view.agent, view.admission
    if agent is None or admission is None:
        return IamRolePlan()
    refusal = join([violation.message for violation in admission.violations])
    obstacle = _obstacle(view, agent) if view.is_asked else fails(Reason.NOT_PERMITTED, refusal)
    if obstacle is not None:
        return _told(view, obstacle)
    if refusal:
        return _told(
            view,
            fails(Reason.NOT_PERMITTED, f"{refusal}; the agents' role may assume nothing until then"),
            _closing(view, agent),
        )
    steps = keep(
        agent,
        view.observed.role,
        assumes=view.assumes,
        provider_exists=view.observed.provider_exists,
        troubles=view.troubles,
    )
    adds = not view.has_finalizer and view.holding in (Holding.ABSENT, Holding.OURS)
    finalizers = (*view.finalizers, names.AGENT_ROLE_FINALIZER) if adds else None
    return _told(view, steps.verdict, steps.calls, finalizers=finalizers)


def _obstacle(view: View, agent: AgentRole) -> Verdict | None:
    """What keeps the operator from working on the role at all."""
    trouble, account = view.observed.unreadable, view.observed.account
    if trouble is not None:
        return unknown(trouble.reason, trouble.message)
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


def _closing(view: View, agent: AgentRole) -> tuple[IamCall, ...]:
    """Nothing is made for who is not permitted; what was made keeps its trust, and loses its rights."""
    if view.holding is not Holding.OURS:
        return ()
    return keep(agent, view.observed.role, assumes=(), provider_exists=True, troubles=view.troubles).calls


def _leaving(view: View) -> IamRolePlan:
    """States 1 and 4."""
    agent, role = view.agent, view.observed.role
    if agent is None or not view.is_asked or not view.in_own_account:
        return _told(view, fails(Reason.DELETION_BLOCKED, _why_it_stays(view)))
    if role is None or view.holding is not Holding.OURS:
        without = tuple(name for name in view.finalizers if name != names.AGENT_ROLE_FINALIZER)
        return _told(view, None, finalizers=without)
    if view.troubles:
        message = join([trouble.message for trouble in view.troubles])
        return _told(view, fails(Reason.DELETION_BLOCKED, message))
    steps = _release(agent, view) if _is_adopted(view) else let_go(agent, role)
    return _told(view, steps.verdict, steps.calls)


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
    deleted = "deletionTimestamp" in view.observed.database["metadata"]
    return not deleted and view.observed.role is not None and given == view.observed.role.arn


def _release(agent: AgentRole, view: View) -> Steps:
    calls = release(view.observed.role, agent.database) if view.observed.role else ()
    return Steps(calls=calls, verdict=unknown(Reason.PENDING, f"{agent.arn} is being released"))


def _told(
    view: View,
    verdict: Verdict | None,
    calls: tuple[IamCall, ...] = (),
    *,
    finalizers: tuple[str, ...] | None = None,
) -> IamRolePlan:
    """A plan with its condition; None: there is nothing to say, and no condition any more."""
    document = view.observed.database
    conditions = condition_list({Condition.AGENT_ROLE_READY: verdict}, document, view.now) if verdict else []
    status = {"conditions": conditions} if conditions else {}
    leaves = "deletionTimestamp" in document["metadata"] and verdict is None
    differs = not leaves and status_differs(document, status, names.FieldManager.AGENT_ROLE)
    return IamRolePlan(
        finalizers=finalizers,
        calls=calls,
        status=status if differs else None,
        events=(*_changes(view, calls), *events.transitions(conditions_of(document), conditions)),
        requeue_after=_again(view, verdict, calls),
    )


def _again(view: View, verdict: Verdict | None, calls: tuple[IamCall, ...]) -> float | None:
    if calls or any(trouble.passes for trouble in view.troubles):
        return AGAIN
    waits = verdict is not None and verdict.status != "True" and view.is_asked
    return AGAIN_WHERE_BLOCKED if waits else None


_REASONS = {
    "create_role": Reason.IAM_ROLE_CREATED,
    "delete_role": Reason.IAM_ROLE_DELETED,
    "untag_role": Reason.IAM_ROLE_RELEASED,
}


def _changes(view: View, calls: tuple[IamCall, ...]) -> tuple[Happening, ...]:
    """One event for all that is done to the role at once."""
    if not calls or view.agent is None:
        return ()
    reason = next((_REASONS[call.operation] for call in calls if call.operation in _REASONS), Reason.IAM_ROLE_UPDATED)
    return (
        Happening(
            reason=reason,
            message=f"{view.agent.arn}: {'; '.join(call.says for call in calls)}",
            action=Condition.AGENT_ROLE_READY,
            warning=False,
        ),
    )
