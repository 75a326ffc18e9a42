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
from keyward_operator.plan import events
from keyward_operator.plan.agent_role.conditions import conditions
from keyward_operator.plan.agent_role.observed import Observed
from keyward_operator.plan.agent_role.role import Steps
from keyward_operator.plan.agent_role.steps import steps_of
from keyward_operator.plan.agent_role.view import View, view_of
from keyward_operator.plan.finalizers import without
from keyward_operator.plan.iam_role.plan import AGAIN, AGAIN_WHERE_BLOCKED, IamRolePlan
from keyward_operator.plan.owned import status_differs
from keyward_operator.plan.result import Happening
from keyward_operator.plan.verdicts import conditions_of


def plan(
    observed: Observed, *, settings: PlatformSettings, now: datetime, troubles: Sequence[Trouble] = ()
) -> IamRolePlan:
    """What to do so that the role becomes what the database asks for.

    `troubles`: what IAM refused when a plan for the same observation was carried out just now. The plan is then about
    the status alone.
    """
    view = view_of(observed, settings=settings, troubles=troubles, now=now)
    steps = steps_of(view)
    document, told = observed.database, conditions(view)
    status = {"conditions": told} if told else {}
    # An object that is let go needs no status any more.
    leaves = view.is_deleted and not told
    return IamRolePlan(
        finalizers=_finalizers(view, steps),
        calls=steps.calls,
        status=status if not leaves and status_differs(document, status, names.FieldManager.AGENT_ROLE) else None,
        events=(*_changes(view, steps.calls), *events.transitions(conditions_of(document), told)),
        requeue_after=_again(view, steps),
    )


def _finalizers(view: View, steps: Steps) -> tuple[str, ...] | None:
    if steps.finalizer is None or steps.finalizer == view.has_finalizer:
        return None
    others = without(view.observed.database, names.AGENT_ROLE_FINALIZER)
    return (*others, names.AGENT_ROLE_FINALIZER) if steps.finalizer else others


def _again(view: View, steps: Steps) -> float | None:
    if steps.calls or any(trouble.passes for trouble in view.troubles):
        return AGAIN
    waits = steps.verdict is not None and steps.verdict.status != "True" and view.is_asked
    return AGAIN_WHERE_BLOCKED if waits else None


def _changes(view: View, calls: Sequence[IamCall]) -> tuple[Happening, ...]:
    """One event for all that is done to the role at once."""
    if not calls or view.agent is None:
        return ()
    operations = {call.operation for call in calls}
    return (
        Happening(
            reason=Reason.IAM_ROLE_CREATED
            if "create_role" in operations
            else Reason.IAM_ROLE_DELETED
            if "delete_role" in operations
            else Reason.IAM_ROLE_RELEASED
            if "untag_role" in operations
            else Reason.IAM_ROLE_UPDATED,
            message=f"{view.agent.arn}: {'; '.join(call.says for call in calls)}",
            action=Condition.AGENT_ROLE_READY,
            warning=False,
        ),
    )
