"""Which policies of a namespace change with its roles, users and locks."""

from keyward_api.names import Condition
from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.plan.conditions import CHAINS
from keyward_operator.plan.desired import wanted_policy
from keyward_operator.plan.owned import differs
from keyward_operator.plan.verdicts import conditions_of, first
from keyward_operator.plan.view import View


def policy_change(view: View) -> Json | None:
    """The policy of a database as it shall be; None where it is so.

    None too where there is none yet, or the database is being deleted: then other children are concerned as well.
    """
    live = view.own(Child.POLICY)
    if live is None or "deletionTimestamp" in view.observed.database["metadata"]:
        return None
    wanted = wanted_policy(view)
    return wanted if wanted and differs(live, wanted) else None


def tells_of_policy(view: View) -> bool:
    """Whether the status of a database says of its policy what is so: what was left out may change, and it not."""
    verdict = first(CHAINS[Condition.POLICY_COMPILED], view)
    said = (verdict.status, verdict.reason, verdict.message)
    return any(
        (told["status"], told["reason"], told["message"]) == said
        for told in conditions_of(view.observed.database)
        if told["type"] == Condition.POLICY_COMPILED
    )


def is_published(view: View) -> bool:
    """Whether agents can read the policy of a database as it shall be."""
    live, wanted = view.own(Child.POLICY), wanted_policy(view)
    if wanted is None:
        return live is None and view.compilation is None
    return live is not None and not differs(live, wanted)
