"""The conditions of a KeyspacesIAMRole: for each a chain of checks, of which the first with a verdict decides.

`Ready` is the sum, but for what the operator was not to look at: that alone keeps no role from being ready.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from keyward_api.names import IAMRoleCondition, Reason
from keyward_operator.json_types import Json
from keyward_operator.plan.iam_role import checks
from keyward_operator.plan.iam_role.view import View
from keyward_operator.plan.verdicts import Verdict, holds

Check = Callable[[View], Verdict | None]
"""None: this check has nothing to say, ask the next one."""

CHAINS: dict[str, tuple[Check, ...]] = {
    IAMRoleCondition.PERMITTED: (
        checks.spec_cannot_be_read,
        checks.platform_does_not_permit,
        checks.permitted,
    ),
    IAMRoleCondition.EXISTS: (
        checks.role_is_not_permitted,
        checks.iam_is_not_asked,
        checks.iam_does_not_tell,
        checks.role_is_in_another_account,
        checks.making_was_refused,
        checks.role_does_not_exist,
        checks.name_is_taken,
        checks.tags_were_lost,
        checks.role_lies_elsewhere,
        checks.role_exists,
    ),
    IAMRoleCondition.TRUST_READY: (
        checks.role_is_not_permitted,
        checks.role_is_not_known,
        checks.trust_policy_is_too_large,
        checks.trust_was_refused,
        checks.agents_role_does_not_exist,
        checks.trust_is_being_set,
        checks.nobody_uses_the_role,
        checks.adopted_role_does_not_trust_the_agents,
        checks.agents_are_trusted,
    ),
    IAMRoleCondition.PERMISSIONS_READY: (
        checks.role_is_not_permitted,
        checks.role_is_not_known,
        checks.inline_policy_is_too_large,
        checks.permissions_were_refused,
        checks.others_attached_policies,
        checks.permissions_are_being_set,
        checks.nobody_uses_the_role,
        checks.adopted_role_lacks_permissions,
        checks.permissions_suffice,
    ),
}


def verdicts(view: View, *, deletion: Verdict | None = None) -> dict[str, Verdict]:
    """The verdict for each condition, `Ready` first; `deletion`: what keeps the object from being deleted."""
    parts = {condition: _first(chain, view) for condition, chain in CHAINS.items()}
    return {IAMRoleCondition.READY: deletion or _sum(list(parts.values())), **parts}


def conditions(view: View, previous: Sequence[Json], *, deletion: Verdict | None = None) -> list[Json]:
    """The conditions as status holds them; times change with the status of a condition, not with its reason."""
    generation = int(view.observed.document["metadata"].get("generation", 0))
    return [
        {
            "type": name,
            "status": verdict.status,
            "observedGeneration": generation,
            "lastTransitionTime": _since(name, verdict, previous, view.now),
            "reason": verdict.reason,
            "message": verdict.message,
        }
        for name, verdict in verdicts(view, deletion=deletion).items()
    ]


def _first(chain: Sequence[Check], view: View) -> Verdict:
    return next(verdict for check in chain if (verdict := check(view)) is not None)


def _sum(parts: Sequence[Verdict]) -> Verdict:
    failing = [verdict for verdict in parts if verdict.status == "False"]
    pending = [verdict for verdict in parts if verdict.status == "Unknown"]
    awaited = [verdict for verdict in pending if verdict.reason != Reason.NOT_VERIFIED]
    if failing or awaited:
        return (failing + awaited)[0]
    if pending:
        return holds(
            Reason.NOT_VERIFIED, f"nothing speaks against this role, which was not looked at: {pending[0].message}"
        )
    return holds(Reason.READY, "agents can assume this role, and it may do what it is for")


def _since(name: str, verdict: Verdict, previous: Sequence[Json], now: datetime) -> str:
    for condition in previous:
        if condition["type"] == name and condition["status"] == verdict.status:
            return str(condition["lastTransitionTime"])
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")
