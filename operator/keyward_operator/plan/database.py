"""The plan for one KeyspacesDatabase.

1. It is being deleted: its children go, what grants access first; when none is left, our finalizer goes.
2. It has no finalizer of ours: it gets one, before anything is made.
3. It may not be served: its agents go (see `desired`), and its status says why.
4. Something is missing on which the rest waits (CA, Service, ServiceAccount): that is made, and then looked at again.
5. Otherwise: every child is as it shall be, and its status says so; where a grant or a lock ends, it is looked at again
   then.
"""

from collections.abc import Mapping
from dataclasses import replace

from keyward_api import names
from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.pki.rotation import next_step
from keyward_operator.plan import desired, events, pods
from keyward_operator.plan.finalizers import finalizers_of, without
from keyward_operator.plan.issuance import Stage
from keyward_operator.plan.owned import differs, status_differs
from keyward_operator.plan.result import AGAIN, AGAIN_WHERE_TAKEN, Happening, Plan
from keyward_operator.plan.standings import Standing
from keyward_operator.plan.status import status_of
from keyward_operator.plan.verdicts import conditions_of
from keyward_operator.plan.view import View

_AWAITED = (Child.SERVICE, Child.SERVICE_ACCOUNT)

AGAIN_WHERE_HELD = 5.0
"""Seconds until a database is looked at again of which a child is held by somebody's finalizer; its end is an event."""


def plan(view: View) -> Plan:
    """What to do so that the world becomes what the database asks for."""
    if "deletionTimestamp" in view.observed.database["metadata"]:
        return _plan_deletion(view)
    return _plan_children(view)


def after_refusals(steps: Plan, view: View, refused: Mapping[Child, str]) -> Plan:
    """A plan of which the API server refused some children, with why: what is to be said of that."""
    seen = replace(view, refused=refused)
    status = status_of(seen)
    changed = status_differs(view.observed.database, status, names.FieldManager.DATABASE)
    return replace(steps, status=status if changed else None, events=_events(seen, status))


def _plan_deletion(view: View) -> Plan:
    """State 1."""
    left = [child for child in Child if view.standings[child] in (Standing.OWN, Standing.ORPHAN)]
    if left:
        begun = tuple(desired.deletion(view, child) for child in left if not desired.is_ending(view, child))
        return Plan(delete=begun, requeue_after=AGAIN if begun else AGAIN_WHERE_HELD)
    if names.FINALIZER not in finalizers_of(view.observed.database):
        return Plan()
    return Plan(finalizers=without(view.observed.database, names.FINALIZER))


def _plan_children(view: View) -> Plan:
    """States 2 to 5."""
    manifests = desired.manifests(view)
    changed = {
        child: manifest for child, manifest in manifests.items() if differs(view.observed.children.get(child), manifest)
    }
    delete = desired.unwanted(view)
    issue = view.wanted_authority if view.issuance is None else None
    asks = view.issuance is not None and view.issuance.stage is Stage.NOT_ASKED
    ask = view.context.settings.certificate_authorities.issuer_ref if asks else None
    if issue or ask:
        # Written with what is new in it; the rest of it follows.
        changed.pop(Child.CA_SECRET, None)
    awaited = [child for child in _AWAITED if child in changed and view.standings[child] is Standing.ABSENT]
    replaced = pods.replacement(view)
    status = status_of(view)
    finalizers = finalizers_of(view.observed.database)
    return Plan(
        finalizers=None if names.FINALIZER in finalizers else (*finalizers, names.FINALIZER),
        delete=delete,
        issue=issue,
        ask=ask,
        apply=tuple(changed.values()),
        replace_pod=replaced,
        forget_agents=pods.gone(view),
        status=status if status_differs(view.observed.database, status, names.FieldManager.DATABASE) else None,
        events=_events(view, status) + ((events.replaced(replaced),) if replaced else ()),
        requeue_after=_requeue(view, begun=bool(issue or ask or awaited), deleted=bool(delete)),
    )


def _events(view: View, status: Json) -> tuple[Happening, ...]:
    return events.transitions(conditions_of(view.observed.database), status["conditions"])


def _requeue(view: View, *, begun: bool, deleted: bool) -> float | None:
    if begun:
        return 0.0
    if deleted or pods.without_identity(view):
        return AGAIN
    waits = [AGAIN_WHERE_TAKEN] if view.taken() else []
    moments = [view.compilation.spec.next_end(view.now) if view.compilation else None]
    if view.issuance and view.issuance.stage is not Stage.ANSWERED:
        waits.append(view.issuance.look_after)
    elif view.authorities and not view.denied:
        moments.append(next_step(view.authorities, settings=view.context.settings.certificate_authorities))
    waits += [max((moment - view.now).total_seconds(), AGAIN) for moment in moments if moment]
    return min(waits, default=None)
