"""The plan for one KeyspacesIAMRole.

1. It is being deleted: a role of ours is released or deleted, as it says; then our finalizer goes.
2. It manages its role and has no finalizer of ours: it gets one, before anything is made.
3. It no longer manages the role that was made for it: the role is released; then our finalizer goes.
4. There is no role: it is made, and looked at again.
5. The role is ours: it is made what it shall be. One that is not permitted any more is closed.
6. The role is not ours, or cannot be looked at: nothing is done, and the status says why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from keyward_api import names
from keyward_api.names import Condition, Reason
from keyward_api.tenants import PlatformSettings
from keyward_operator.iam import calls
from keyward_operator.iam.calls import IamCall, Trouble
from keyward_operator.iam.convergence import Removal, release, removal
from keyward_operator.iam.ownership import Holding
from keyward_operator.json_types import Json
from keyward_operator.plan import events
from keyward_operator.plan.finalizers import finalizers_of, without
from keyward_operator.plan.iam_role.checks import role_lies_elsewhere
from keyward_operator.plan.iam_role.observed import Observed
from keyward_operator.plan.iam_role.status import status_of
from keyward_operator.plan.iam_role.view import View, view_of
from keyward_operator.plan.owned import status_differs
from keyward_operator.plan.result import Happening
from keyward_operator.plan.verdicts import Verdict, conditions_of, enumerate_names, fails, join, unknown

AGAIN = 2.0
"""Seconds until a role is looked at again that was changed: IAM tells of a change seconds after it took it."""

AGAIN_WHERE_BLOCKED = 30.0
"""Seconds until a role is looked at again that waits for somebody: nothing tells of changes in IAM."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IamRolePlan:
    """Steps towards what shall be, in the order of their fields. Empty where nothing has to change."""

    finalizers: tuple[str, ...] | None = None
    """New finalizers; None: as they are. Removing ours is done last instead of first."""

    calls: tuple[IamCall, ...] = ()
    """Each is tried, whatever became of the one before."""

    status: Json | None = None
    """None: as it is."""

    events: tuple[Happening, ...] = ()
    """For when every call worked."""

    requeue_after: float | None = None
    """Seconds after which to look again, even if nothing is heard."""


def plan(
    observed: Observed, *, settings: PlatformSettings, now: datetime, troubles: Sequence[Trouble] = ()
) -> IamRolePlan:
    """What to do so that the role becomes what the object asks for.

    `troubles`: what IAM refused when a plan for the same observation was carried out just now. The plan is then about
    the status alone.
    """
    view = view_of(observed, settings=settings, troubles=troubles, now=now)
    if "deletionTimestamp" in observed.document["metadata"]:
        return _deletion(view)
    if view.spec is not None and not view.manages and names.IAM_ROLE_FINALIZER in finalizers_of(view.observed.document):
        return _with_status(view, _letting_go(view, delete=False))
    return _with_status(view, _keeping(view))


def _without_ours(view: View) -> tuple[str, ...]:
    return without(view.observed.document, names.IAM_ROLE_FINALIZER)


def _deletion(view: View) -> IamRolePlan:
    """State 1."""
    if names.IAM_ROLE_FINALIZER not in finalizers_of(view.observed.document):
        return IamRolePlan()
    delete = view.spec is not None and view.spec.deletion_policy == "Delete"
    steps = _letting_go(view, delete=delete)
    if steps.finalizers is not None:
        return steps
    return _with_status(view, steps, deletion=_what_keeps_it(view, delete=delete))


def _letting_go(view: View, *, delete: bool) -> IamRolePlan:
    """States 1 and 3: what was made is released or deleted; a role that is not ours is left alone."""
    role = view.observed.role
    if not view.may_change or view.observed.unreadable:
        # Retained, it keeps tags that nobody may take away any more; to delete it takes the right that is missing.
        gone = view.admission is not None and not view.observed.unreadable and not delete
        return IamRolePlan(finalizers=_without_ours(view)) if gone else IamRolePlan(requeue_after=AGAIN_WHERE_BLOCKED)
    if view.holding is not Holding.OURS or role is None:
        return IamRolePlan(finalizers=_without_ours(view))
    if view.troubles:
        return IamRolePlan(requeue_after=AGAIN_WHERE_BLOCKED)
    if not delete:
        return IamRolePlan(calls=release(role, view.observed.ownership), events=(_released(view),), requeue_after=AGAIN)
    steps = removal(role, view.attachable)
    if steps.blockers:
        return IamRolePlan(requeue_after=AGAIN_WHERE_BLOCKED)
    return IamRolePlan(calls=steps.calls, events=(_deleted(view),), requeue_after=AGAIN)


def _what_keeps_it(view: View, *, delete: bool) -> Verdict:
    role = view.observed.role
    if view.troubles:
        return fails(Reason.DELETION_BLOCKED, join([trouble.message for trouble in view.troubles]))
    steps = removal(role, view.attachable) if delete and role else Removal(calls=(), blockers=())
    if steps.blockers:
        return fails(
            Reason.DELETION_BLOCKED,
            f"{view.arn()} has {enumerate_names(steps.blockers)}, which are not the operator's: take them off, and it "
            "is deleted",
        )
    unreadable = view.observed.unreadable
    if unreadable or not view.may_change:
        why = unreadable.message if unreadable else view.problem or "the operator may no longer change roles here"
        return fails(
            Reason.DELETION_BLOCKED,
            f"the role cannot be let go: {why}; mend that, or delete the role by hand and remove the finalizer "
            f"{names.IAM_ROLE_FINALIZER}",
        )
    return unknown(Reason.PENDING, f"{view.arn()} is being {'deleted' if delete else 'released'}")


def _keeping(view: View) -> IamRolePlan:
    """States 2, 4, 5 and 6."""
    if view.desired is None or not view.may_change or view.observed.unreadable:
        return IamRolePlan()
    finalizers = finalizers_of(view.observed.document)
    wanted = None if names.IAM_ROLE_FINALIZER in finalizers else (*finalizers, names.IAM_ROLE_FINALIZER)
    if view.holding is Holding.ABSENT:
        if view.denied:
            return IamRolePlan()
        steps: tuple[IamCall, ...] = (calls.create_role(view.desired),)
        return IamRolePlan(finalizers=wanted, calls=_tried_once(view, steps), requeue_after=_again(view, steps))
    if view.holding is not Holding.OURS or role_lies_elsewhere(view):
        return IamRolePlan(requeue_after=AGAIN_WHERE_BLOCKED)
    repairs = view.repairs
    return IamRolePlan(finalizers=wanted, calls=_tried_once(view, repairs), requeue_after=_again(view, repairs))


def _tried_once(view: View, steps: tuple[IamCall, ...]) -> tuple[IamCall, ...]:
    return () if view.troubles else steps


def _again(view: View, steps: tuple[IamCall, ...]) -> float | None:
    if view.troubles:
        return AGAIN if any(trouble.passes for trouble in view.troubles) else AGAIN_WHERE_BLOCKED
    return AGAIN if steps else None


def _with_status(view: View, steps: IamRolePlan, *, deletion: Verdict | None = None) -> IamRolePlan:
    status = status_of(view, deletion=deletion)
    waits = AGAIN_WHERE_BLOCKED if view.is_asked and status["conditions"][0]["status"] != "True" else None
    previous = conditions_of(view.observed.document)
    return IamRolePlan(
        finalizers=steps.finalizers,
        calls=steps.calls,
        status=status if status_differs(view.observed.document, status, names.FieldManager.IAM_ROLE) else None,
        events=(*steps.events, *_changes(view, steps), *events.transitions(previous, status["conditions"])),
        requeue_after=waits if steps.requeue_after is None else steps.requeue_after,
    )


def _changes(view: View, steps: IamRolePlan) -> tuple[Happening, ...]:
    """One event for all that is done to the role at once."""
    if not steps.calls or steps.events:
        return ()
    made = view.holding is Holding.ABSENT
    return (
        Happening(
            reason=Reason.IAM_ROLE_CREATED if made else Reason.IAM_ROLE_UPDATED,
            message=f"{view.arn()}: {'; '.join(call.says for call in steps.calls)}",
            action=Condition.EXISTS,
            warning=False,
        ),
    )


def _released(view: View) -> Happening:
    return Happening(
        reason=Reason.IAM_ROLE_RELEASED,
        message=f"{view.arn()} stays as it is, and is no longer the operator's",
        action=Condition.EXISTS,
        warning=False,
    )


def _deleted(view: View) -> Happening:
    return Happening(
        reason=Reason.IAM_ROLE_DELETED,
        message=f"{view.arn()} is deleted, with what the operator attached to it",
        action=Condition.EXISTS,
        warning=False,
    )
