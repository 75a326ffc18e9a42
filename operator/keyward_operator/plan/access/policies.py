"""Which policies of a namespace change with its roles, users and locks."""

from dataclasses import dataclass

from keyward_api.names import Condition
from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.plan.conditions import CHAINS
from keyward_operator.plan.desired import wanted_policy
from keyward_operator.plan.owned import differs
from keyward_operator.plan.verdicts import conditions_of, first
from keyward_operator.plan.view import View


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyState:
    """How the policy of a database stands to what its namespace asks for."""

    change: Json | None
    """The policy as it shall be; None where it is so.

    None too where there is none yet, or the database is being deleted: then other children are concerned as well.
    """

    is_published: bool
    """Whether agents can read it as it shall be."""


def policy_state(view: View) -> PolicyState:
    """Judge the policy of a database."""
    live, wanted = view.own(Child.POLICY), wanted_policy(view)
    if live is None or wanted is None:
        return PolicyState(change=None, is_published=live is None and view.compilation is None)
    is_published = not differs(live, wanted)
    is_leaving = "deletionTimestamp" in view.observed.database["metadata"]
    return PolicyState(change=None if is_published or is_leaving else wanted, is_published=is_published)


def tells_of_policy(view: View) -> bool:
    """Whether the status of a database says of its policy what is so: what was left out may change, and it not."""
    verdict = first(CHAINS[Condition.POLICY_COMPILED], view)
    said = (verdict.status, verdict.reason, verdict.message)
    return any(
        (told["status"], told["reason"], told["message"]) == said
        for told in conditions_of(view.observed.database)
        if told["type"] == Condition.POLICY_COMPILED
    )
