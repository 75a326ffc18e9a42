"""The conditions of a database: for each a chain of checks, of which the first with a verdict decides.

`Ready` is the sum: it holds when every other condition holds, and tells what the first one says that does not.
"""

from collections.abc import Sequence
from datetime import datetime

from keyward_api.names import Condition, Reason
from keyward_operator.json_types import Json
from keyward_operator.plan import checks
from keyward_operator.plan.verdicts import Check, Verdict, holds
from keyward_operator.plan.view import View

CHAINS: dict[str, tuple[Check, ...]] = {
    Condition.PERMITTED: (
        checks.spec_cannot_be_read,
        checks.platform_does_not_permit,
        checks.permitted,
    ),
    Condition.POLICY_COMPILED: (
        checks.database_is_not_served,
        checks.policy_waits_for_the_service,
        checks.something_could_not_be_compiled,
        checks.compiled,
    ),
    Condition.CERTIFICATE_AUTHORITY_READY: (
        checks.authority_name_is_taken,
        checks.authority_is_missing,
        checks.authority_issued,
    ),
    Condition.AGENT_AVAILABLE: (
        checks.database_is_not_served,
        checks.scaled_to_zero,
        checks.an_agent_is_available,
        checks.identity_is_not_injected,
        checks.no_agent_is_available,
    ),
    Condition.ROLES_ASSUMABLE: (
        checks.database_is_not_served,
        checks.no_role_is_granted,
        checks.a_role_is_not_assumable,
        checks.sts_is_unavailable,
        checks.no_agent_has_tried,
        checks.roles_are_assumable,
    ),
}


def verdicts(view: View) -> dict[str, Verdict]:
    """The verdict for each condition, `Ready` first."""
    parts = {condition: _first(chain, view) for condition, chain in CHAINS.items()}
    return {Condition.READY: _sum(view, list(parts.values())), **parts}


def conditions(view: View, previous: Sequence[Json]) -> list[Json]:
    """The conditions as status holds them; times change with the status of a condition, not with its reason."""
    generation = int(view.observed.database["metadata"].get("generation", 0))
    return [
        {
            "type": name,
            "status": verdict.status,
            "observedGeneration": generation,
            "lastTransitionTime": _since(name, verdict, previous, view.now),
            "reason": verdict.reason,
            "message": verdict.message,
        }
        for name, verdict in verdicts(view).items()
    ]


def _first(chain: Sequence[Check], view: View) -> Verdict:
    return next(verdict for check in chain if (verdict := check(view)) is not None)


def _sum(view: View, parts: Sequence[Verdict]) -> Verdict:
    taken = checks.a_name_is_taken(view)
    failing = [verdict for verdict in parts if verdict.status == "False"]
    pending = [verdict for verdict in parts if verdict.status == "Unknown"]
    return taken or next(iter(failing + pending), holds(Reason.READY, "agents serve this database"))


def _since(name: str, verdict: Verdict, previous: Sequence[Json], now: datetime) -> str:
    for condition in previous:
        if condition["type"] == name and condition["status"] == verdict.status:
            return str(condition["lastTransitionTime"])
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")
