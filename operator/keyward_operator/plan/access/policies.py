"""Which policies of a namespace change with its roles, users and locks, and what their databases tell of them."""

from dataclasses import dataclass

from keyward_api.names import Condition, FieldManager
from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.plan import events
from keyward_operator.plan.conditions import CHAINS
from keyward_operator.plan.desired import wanted_policy
from keyward_operator.plan.owned import differs, status_differs
from keyward_operator.plan.result import Happening
from keyward_operator.plan.verdicts import condition_list, conditions_of, first
from keyward_operator.plan.view import View


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyState:
    """How the policy of a database stands to what its namespace asks for."""

    wanted: Json | None
    """The policy as it shall be; None where it waits for something, or there shall be none."""

    change: Json | None
    """The same where it is to be written; None where it is so.

    None too where there is none yet, or the database is being deleted: then other children are concerned as well.
    """

    is_published: bool
    """Whether agents can read it as it shall be."""

    is_leaving: bool
    """Whether the database is being deleted."""

    @property
    def has_settled(self) -> bool:
        """Whether there is one, and it is as it shall be for longer than a moment."""
        return self.wanted is not None and self.is_published and not self.is_leaving


@dataclass(frozen=True, kw_only=True, slots=True)
class DatabaseTold:
    """What a database says of its policy: a part of its status, and no other reconciler's."""

    status: Json
    is_new: bool
    """Whether it says something else now."""

    is_turn: bool
    """Whether its condition `Ready` may change with it, which is told by the database's own reconciler."""

    events: tuple[Happening, ...]


def policy_state(view: View) -> PolicyState:
    """Judge the policy of a database."""
    live, wanted, is_leaving = view.own(Child.POLICY), wanted_policy(view), _is_leaving(view)
    if live is None or wanted is None:
        is_published = live is None and view.compilation is None
        return PolicyState(wanted=wanted, change=None, is_published=is_published, is_leaving=is_leaving)
    is_published = not differs(live, wanted)
    change = None if is_published or is_leaving else wanted
    return PolicyState(wanted=wanted, change=change, is_published=is_published, is_leaving=is_leaving)


def database_told(view: View, state: PolicyState, *, is_published: bool) -> DatabaseTold:
    """What the status of a database says; `is_published`: whether agents can read the policy as it shall be."""
    document = view.observed.database
    verdict = first(CHAINS[Condition.POLICY_COMPILED], view)
    status = {
        "conditions": condition_list({Condition.POLICY_COMPILED: verdict}, document, view.now),
        **_contents(state.wanted if is_published else view.own(Child.POLICY)),
    }
    told = [told for told in conditions_of(document) if told["type"] == Condition.POLICY_COMPILED]
    passed_on = [(each["status"], each["message"]) for each in told if each["status"] != "True"]
    return DatabaseTold(
        status=status,
        is_new=not _is_leaving(view) and status_differs(document, status, FieldManager.ACCESS),
        is_turn=passed_on != ([(verdict.status, verdict.message)] if verdict.status != "True" else []),
        events=events.transitions(told, status["conditions"]),
    )


def _contents(policy: Json | None) -> Json:
    if policy is None:
        return {"users": 0, "grants": 0}
    grants = policy["spec"].get("grants") or ()
    return {
        "policyRevision": policy["spec"]["revision"],
        "users": len({grant["user"] for grant in grants}),
        "grants": len(grants),
    }


def _is_leaving(view: View) -> bool:
    return "deletionTimestamp" in view.observed.database["metadata"]
