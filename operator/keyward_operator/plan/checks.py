"""The checks: each a sentence about a database that is true or not."""

from dataclasses import replace

from keyward_api.caller_arns import is_session_of
from keyward_api.names import Condition, Reason
from keyward_api.resources.policy import RoleReport, reported_roles
from keyward_operator.children import Child
from keyward_operator.kinds import Reference
from keyward_operator.plan import pods
from keyward_operator.plan.issuance import Stage
from keyward_operator.plan.standings import Standing
from keyward_operator.plan.verdicts import (
    Verdict,
    conditions_of,
    enumerate_names,
    fails,
    holds,
    join,
    moment_text,
    passes_on,
    unknown,
)
from keyward_operator.plan.view import View

_OUTAGES = (Reason.STS_UNAVAILABLE, Reason.STS_THROTTLED, Reason.IDENTITY_NOT_INJECTED)
"""Reasons of an agent that say nothing about the role it tried."""


def spec_cannot_be_read(view: View) -> Verdict | None:
    """A newer or damaged object: on doubt it is not served."""
    if view.database is None:
        return fails(Reason.INVALID_SPEC, f"the spec cannot be read, so agents serve nobody: {view.problem}")
    return None


def platform_does_not_permit(view: View) -> Verdict | None:
    """The platform's settings admit no such database in this namespace."""
    if view.violations:
        return fails(Reason.NOT_PERMITTED, join([violation.message for violation in view.violations]))
    return None


def permitted(view: View) -> Verdict:
    """Nothing spoke against it."""
    return holds(Reason.PERMITTED, "the platform permits this database")


def database_is_not_served(view: View) -> Verdict | None:
    """What hangs on permission fails for the same reason, in fewer words."""
    if view.denied:
        reason = Reason.INVALID_SPEC if view.database is None else Reason.NOT_PERMITTED
        return fails(reason, f"agents serve nobody: see the condition {Condition.PERMITTED}")
    return None


def policy_waits_for_the_service(view: View) -> Verdict | None:
    """The policy holds the address of the agents' Service."""
    if not view.service_address:
        return unknown(Reason.PENDING, "the agents' Service has no address yet")
    return None


@passes_on(
    *(Reason.ROLE_INVALID, Reason.USER_INVALID, Reason.ROLE_NOT_FOUND, Reason.IAM_ROLE_NOT_FOUND, Reason.LOCK_INVALID),
    *(Reason.GRANT_TOO_LARGE, Reason.POLICY_TOO_LARGE, Reason.TOO_MANY_LOCKS),
)
def something_could_not_be_compiled(view: View) -> Verdict | None:
    """A role, user or grant was left out of the policy."""
    problems = view.compilation.problems if view.compilation else ()
    if problems:
        return fails(problems[0].reason, join([problem.message for problem in problems]))
    return None


def compiled(view: View) -> Verdict:
    """Everything is in the policy."""
    grants = len(view.compilation.spec.grants) if view.compilation else 0
    return holds(Reason.COMPILED, f"the policy holds {grants} grants")


def authority_name_is_taken(view: View) -> Verdict | None:
    """Somebody else's Secret stands where the CA should."""
    if view.standings[Child.CA_SECRET] is Standing.FOREIGN:
        return fails(Reason.NAME_TAKEN, _taken(view.context.reference(Child.CA_SECRET)))
    return None


def issuer_is_unavailable(view: View) -> Verdict | None:
    """The platform names an issuer, and nobody can be asked for it."""
    if view.issuance and view.issuance.stage is Stage.UNAVAILABLE:
        return fails(
            Reason.ISSUER_UNAVAILABLE,
            f"{_issuer(view)} (`certificateAuthorities.issuerRef`) cannot be asked for a certificate authority: "
            f"{view.issuance.message}; install cert-manager, and set this by the chart's value of that name, from "
            "which the operator has its rights",
        )
    return None


def name_of_the_request_is_taken(view: View) -> Verdict | None:
    """Somebody else's CertificateRequest stands where ours should."""
    if view.issuance and view.issuance.stage is Stage.TAKEN:
        return fails(Reason.NAME_TAKEN, _taken(view.context.certificate_request()))
    return None


def issuer_refused(view: View) -> Verdict | None:
    """The issuer does not sign, or not what could be used."""
    if view.issuance and view.issuance.stage is Stage.REFUSED:
        return fails(
            Reason.ISSUER_REFUSED,
            f"{_issuer(view)} (`certificateAuthorities.issuerRef`) gave no certificate authority: "
            f"{view.issuance.message}; it is asked again at {moment_text(view.issuance.asked_again)}, or soon "
            f"after {view.context.certificate_request()} is deleted",
        )
    return None


def issuer_is_late(view: View) -> Verdict | None:
    """It should have signed by now."""
    if view.issuance and view.issuance.is_late:
        return fails(Reason.ISSUER_PENDING, f"{_awaited(view)}; see the issuer, and who must approve the request")
    return None


def issuer_was_asked(view: View) -> Verdict | None:
    """It has not signed yet. What was there before goes on signing."""
    if view.issuance is None or view.issuance.stage is Stage.ANSWERED:
        return None
    if view.authorities is None:
        return unknown(Reason.ISSUER_PENDING, _awaited(view))
    return holds(Reason.ISSUER_PENDING, f"{_awaited(view)}; until then the CA in status.caBundle signs")


def authority_is_missing(view: View) -> Verdict | None:
    """There is no CA yet, or it is no longer valid."""
    if view.authorities is None:
        return unknown(Reason.PENDING, "the database's certificate authority is being made")
    return None


def authority_rotates(view: View) -> Verdict | None:
    """Clients have two CAs to trust."""
    if view.authorities and view.authorities.successor:
        return holds(
            Reason.ROTATING,
            "clients must trust both CAs in status.caBundle before the new one signs: have them read "
            f"{view.context.reference(Child.CLIENT_CA)} again",
        )
    return None


def authority_issued(view: View) -> Verdict:
    """Clients have a CA to trust."""
    return holds(Reason.ISSUED, "clients trust the CA in status.caBundle")


def scaled_to_zero(view: View) -> Verdict | None:
    """The owner asked for no agent in the cluster."""
    if view.database is not None and view.database.spec.agent.replicas == 0:
        return fails(Reason.SCALED_TO_ZERO, "`agent.replicas` is 0: no agent runs")
    return None


def an_agent_is_available(view: View) -> Verdict | None:
    """At least one agent takes connections."""
    status = (view.own(Child.DEPLOYMENT) or {}).get("status", {})
    # Not `availableReplicas`: a rolling update waits some seconds more, for drivers; who is ready serves.
    ready, wanted = status.get("readyReplicas", 0), status.get("replicas", 0)
    if ready > 0:
        return holds(Reason.AVAILABLE, f"{ready} of {wanted} agents are ready")
    return None


def identity_is_not_injected(view: View) -> Verdict | None:
    """No agent has the web identity that EKS' webhook gives to pods."""
    missed = pods.without_identity(view)
    if missed:
        named = enumerate_names([pod["metadata"]["name"] for pod in missed])
        return fails(
            Reason.IDENTITY_NOT_INJECTED,
            f"the EKS pod identity webhook gave no web identity to {named}: such pods are replaced; "
            "if this stays, see whether the webhook runs",
        )
    return None


def no_agent_is_available(view: View) -> Verdict:
    """None takes connections; the pods may tell why."""
    obstacles = pods.obstacles(view)
    return fails(Reason.UNAVAILABLE, "no agent is ready" + (f": {join(list(obstacles))}" if obstacles else " yet"))


def an_agent_does_not_reach_the_endpoint(view: View) -> Verdict | None:
    """The last attempt of some agent failed."""
    failed = [
        (each.pod, each.endpoint.reason) for each in view.reports if each.endpoint and not each.endpoint.reachable
    ]
    if failed:
        return fails(
            Reason.UNREACHABLE,
            join([f"pod {pod}: {reason}" for pod, reason in sorted(failed)])
            + "; see `spec.endpoint`, the agents' DNS and NetworkPolicies, and the routes to AWS",
        )
    return None


def no_agent_has_tried_the_endpoint(view: View) -> Verdict | None:
    """Nobody can tell yet."""
    if not any(each.endpoint for each in view.reports):
        return unknown(Reason.NOT_TRIED, "no agent has tried yet to reach Amazon Keyspaces")
    return None


def endpoint_is_reachable(view: View) -> Verdict:
    """Each agent that tried reached it."""
    return holds(Reason.REACHABLE, "agents reach Amazon Keyspaces, which proves its name")


def an_agent_has_another_identity(view: View) -> Verdict | None:
    """STS knows some agent as somebody else than `roleARN`."""
    wanted = view.agent_role_arn
    others = [(each.pod, each.identity) for each in view.reports if each.identity and not _is(each.identity, wanted)]
    if others:
        return fails(
            Reason.IDENTITY_MISMATCH,
            join([f"pod {pod} is {identity}" for pod, identity in sorted(others)])
            + f"; they should be sessions of {wanted} (`agent.identity.roleARN`): see what else gives pods an identity",
        )
    return None


def no_agent_knows_its_identity(view: View) -> Verdict | None:
    """STS told no agent who it is."""
    if not any(each.identity for each in view.reports):
        return unknown(Reason.NOT_TRIED, "no agent was told by STS GetCallerIdentity yet who it is; their logs say why")
    return None


def identity_is_verified(view: View) -> Verdict:
    """Each agent that knows its identity has the right one."""
    return holds(Reason.VERIFIED, f"agents are sessions of {view.agent_role_arn}")


def no_role_is_granted(view: View) -> Verdict | None:
    """Nothing to assume, so nothing that could not be assumed."""
    if view.compilation and not _granted(view):
        return holds(Reason.NO_GRANTS, "no grant names an IAM role")
    return None


def no_agent_has_tried(view: View) -> Verdict | None:
    """A granted role is in no agent's report yet."""
    untried = sorted(_granted(view) - {report.db_user for report in _reports(view)})
    if untried:
        return unknown(Reason.NOT_TRIED, f"no agent has tried yet to assume {enumerate_names(untried)}")
    return None


def sts_is_unavailable(view: View) -> Verdict | None:
    """Agents could not ask STS, which says nothing about the role."""
    silent = [report for report in _reports(view) if not report.assumable and _is_outage(report)]
    if silent:
        return unknown(Reason.STS_UNAVAILABLE, join([f"{report.db_user}: {report.reason}" for report in silent]))
    return None


def a_role_is_not_assumable(view: View) -> Verdict | None:
    """STS refused an agent."""
    refused = {
        report.db_user: report.reason for report in _reports(view) if not report.assumable and not _is_outage(report)
    }
    if refused:
        return fails(
            Reason.ACCESS_DENIED,
            join([f"{role}: {reason}" for role, reason in sorted(refused.items())])
            + "; the trust policy that these roles need is in status.identity.trustPolicy",
        )
    return None


def roles_are_assumable(view: View) -> Verdict:
    """Each granted role was assumed by the agents that report."""
    return holds(Reason.ASSUMABLE, f"agents can assume {enumerate_names(sorted(_granted(view)))}")


def agents_role_is_not_ready(view: View) -> Verdict | None:
    """The operator is to make the agents' own IAM role, and who works on that says that it is not as it shall be."""
    if view.denied or view.database is None or view.database.spec.agent.identity.management != "Manage":
        return None
    verdict = unknown(Reason.PENDING, "the agents' own IAM role is being made")
    for told in conditions_of(view.observed.database):
        if told["type"] == Condition.AGENT_ROLE_READY:
            verdict = replace(verdict, status=told["status"], reason=told["reason"], message=told["message"])
    return verdict if verdict.status != "True" else None


def a_name_is_taken(view: View) -> Verdict | None:
    """Somebody else's object has the name of a child: it is left alone, and the child is missing."""
    taken = view.taken()
    if taken:
        return fails(Reason.NAME_TAKEN, join([_taken(view.context.reference(child)) for child in taken]))
    return None


def a_child_is_refused(view: View) -> Verdict | None:
    """The API server did not take a child: by a quota, an admission policy, or because it would not be valid."""
    if view.refused:
        sentences = [f"{view.context.reference(child)}: {why}" for child, why in view.refused.items()]
        return fails(Reason.REFUSED, join(sentences))
    return None


def _issuer(view: View) -> str:
    return view.context.settings.certificate_authorities.issuer


def _awaited(view: View) -> str:
    told = f": {view.issuance.message}" if view.issuance and view.issuance.message else ""
    return f"{_issuer(view)} is asked for a certificate authority by {view.context.certificate_request()}{told}"


def _taken(reference: Reference) -> str:
    return (
        f"{reference} exists and was not made for this database: rename or delete it, "
        "or choose another name for the database"
    )


def _is(caller_arn: str, role_arn: str) -> bool:
    return bool(role_arn) and is_session_of(caller_arn, role_arn=role_arn)


def _granted(view: View) -> set[str]:
    """The IAM roles that agents try; one that grants only deny nobody can log in as."""
    return set(reported_roles(view.compilation.spec.grants)) if view.compilation else set()


def _reports(view: View) -> list[RoleReport]:
    granted = _granted(view)
    return [report for agent in view.reports for report in agent.roles if report.db_user in granted]


def _is_outage(report: RoleReport) -> bool:
    return report.reason.startswith(_OUTAGES)
