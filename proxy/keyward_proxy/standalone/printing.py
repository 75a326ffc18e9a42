"""What others need to know of a standalone agent: administrators of IAM, and callers. Made from the manifests alone."""

from __future__ import annotations

from keyward_api.iam import agent_policy, trust_policy
from keyward_api.resources.policy import KeyspacesPolicySpec


def printed(what: str, policy: KeyspacesPolicySpec) -> str:
    """One of `keyward_proxy.commandline.PRINTABLE`, ready to paste."""
    database = policy.database
    roles = sorted({grant.role_arn for grant in policy.grants})
    match what:
        case "trust-policy":
            return trust_policy(agent_role_arn=database.agent_role_arn, external_id=database.external_id)
        case "agent-policy":
            return agent_policy(roles)
        case "roles":
            return "\n".join(roles)
        case "external-id":
            return database.external_id
        case "audience":
            return database.audience
    raise ValueError(f"'{what}' is not known")
