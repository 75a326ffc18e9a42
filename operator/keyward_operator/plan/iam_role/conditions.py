"""The conditions of a KeyspacesIAMRole: for each a chain of checks, of which the first with a verdict decides.

`Ready` is the sum, but for what the operator was not to look at: that alone keeps no role from being ready.
"""

from collections.abc import Sequence

from keyward_api.names import Condition, Reason
from keyward_operator.json_types import Json
from keyward_operator.plan.iam_role import checks
from keyward_operator.plan.iam_role.view import View
from keyward_operator.plan.verdicts import Check, Verdict, condition_list, first, first_failure, holds

CHAINS: dict[str, tuple[Check[View], ...]] = {
    Condition.PERMITTED: (
        checks.spec_cannot_be_read,
        checks.platform_does_not_permit,
        checks.permitted,
    ),
    Condition.EXISTS: (
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
    Condition.TRUST_READY: (
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
    Condition.PERMISSIONS_READY: (
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
    parts = {condition: first(chain, view) for condition, chain in CHAINS.items()}
    return {Condition.READY: deletion or _sum(list(parts.values())), **parts}


def conditions(view: View, *, deletion: Verdict | None = None) -> list[Json]:
    """The conditions as status holds them."""
    return condition_list(verdicts(view, deletion=deletion), view.observed.document, view.now)


def _sum(parts: Sequence[Verdict]) -> Verdict:
    unseen = [verdict for verdict in parts if verdict.reason == Reason.NOT_VERIFIED]
    failure = first_failure([verdict for verdict in parts if verdict not in unseen])
    if failure is not None:
        return failure
    if unseen:
        return holds(
            Reason.NOT_VERIFIED, f"nothing speaks against this role, which was not looked at: {unseen[0].message}"
        )
    return holds(Reason.READY, "agents can assume this role, and it may do what it is for")
