"""The condition of a KeyspacesDatabase that tells of its agents' own role; none where nobody asks for a role."""

from keyward_api.names import Condition
from keyward_operator.json_types import Json
from keyward_operator.plan.agent_role.steps import steps_of
from keyward_operator.plan.agent_role.view import View
from keyward_operator.plan.verdicts import Check, Verdict, condition_list


def agents_role_is_as_asked(view: View) -> Verdict | None:
    """What is done about the role says how it stands."""
    return steps_of(view).verdict


CHAINS: dict[str, tuple[Check[View], ...]] = {Condition.AGENT_ROLE_READY: (agents_role_is_as_asked,)}


def conditions(view: View) -> list[Json]:
    """The conditions as status holds them."""
    said = {name: verdict for name, (check,) in CHAINS.items() if (verdict := check(view)) is not None}
    return condition_list(said, view.observed.database, view.now)
