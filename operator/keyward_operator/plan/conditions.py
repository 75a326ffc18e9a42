"""The conditions of a database: for each a chain of checks, of which the first with a verdict decides.

`Ready` is the sum: it holds when every other condition holds, and tells what the first one says that does not. Among
the others is AgentRoleReady, which is not made here (see `agent_role`), but read. PolicyCompiled is judged here, for
`Ready` hangs on it, and told by the reconciler of access.
"""

from keyward_api.names import Condition, Reason
from keyward_operator.json_types import Json
from keyward_operator.plan import checks
from keyward_operator.plan.verdicts import Check, Verdict, condition_list, first, first_failure, holds
from keyward_operator.plan.view import View

CHAINS: dict[str, tuple[Check[View], ...]] = {
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
        checks.issuer_is_unavailable,
        checks.name_of_the_request_is_taken,
        checks.issuer_refused,
        checks.issuer_is_late,
        checks.issuer_was_asked,
        checks.authority_is_missing,
        checks.authority_rotates,
        checks.authority_issued,
    ),
    Condition.AGENT_AVAILABLE: (
        checks.database_is_not_served,
        checks.scaled_to_zero,
        checks.an_agent_is_available,
        checks.identity_is_not_injected,
        checks.no_agent_is_available,
    ),
    Condition.ENDPOINT_REACHABLE: (
        checks.database_is_not_served,
        checks.an_agent_does_not_reach_the_endpoint,
        checks.no_agent_has_tried_the_endpoint,
        checks.endpoint_is_reachable,
    ),
    Condition.IDENTITY_VERIFIED: (
        checks.database_is_not_served,
        checks.an_agent_has_another_identity,
        checks.no_agent_knows_its_identity,
        checks.identity_is_verified,
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
    parts = {condition: first(chain, view) for condition, chain in CHAINS.items()}
    role = checks.agents_role_is_not_ready(view)
    ready = checks.a_name_is_taken(view) or checks.a_child_is_refused(view)
    ready = ready or first_failure([*parts.values(), *([role] if role else [])])
    return {Condition.READY: ready or holds(Reason.READY, "agents serve this database"), **parts}


def conditions(view: View) -> list[Json]:
    """The conditions as status holds them, but what is told of the policy."""
    told = {name: verdict for name, verdict in verdicts(view).items() if name != Condition.POLICY_COMPILED}
    return condition_list(told, view.observed.database, view.now)
