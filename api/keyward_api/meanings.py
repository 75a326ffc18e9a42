"""What each condition and each reason means, in words for whoever reads a status.

The names are in `names`; which reasons a condition may have is the operator's to say, by its checks. docs/reference/
is made from both, and a name without a meaning here is an error there.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from keyward_api.names import Condition, Reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Meaning:
    """What a reason means wherever it is told."""

    text: str
    """What was found."""

    remedy: str = ""
    """What to do, and whose it is to do; empty where there is nothing to do."""


CONDITIONS: Mapping[str, str] = {
    Condition.READY: "The sum: `True` where all other conditions are. Otherwise it says what the first of them says "
    "that is `False`, or if none is, the first that is `Unknown`. What is about the whole object, such as a name that "
    "is taken, comes before all of them; an IAM role that nobody was to look at is ready all the same.",
    Condition.PERMITTED: "The platform's settings admit what is asked for. Where they do not, no agent of a database "
    "runs and live sessions end, and a managed IAM role is trusted by nobody, as long as the operator may change roles "
    "there.",
    Condition.POLICY_COMPILED: "All that was written down is in the compiled policies. `False` does not mean that "
    "nothing counts: what can be compiled is in force, and the message names what was left out.",
    Condition.CERTIFICATE_AUTHORITY_READY: "The database has a certificate authority of its own, which signs its "
    "agents' certificates: ConfigMap `keyward-<database>-ca`, and `status.caBundle`.",
    Condition.AGENT_AVAILABLE: "At least one agent of the database takes connections.",
    Condition.ENDPOINT_REACHABLE: "Each agent that tried reached Keyspaces, which proved its name by TLS. What counts "
    "is the last attempt, a session's, or one once a minute where none connects.",
    Condition.IDENTITY_VERIFIED: "Each agent that asked STS who it is (GetCallerIdentity) is a session of "
    "`status.identity.roleARN`.",
    Condition.ROLES_ASSUMABLE: "STS lets the agents assume each IAM role that grants name. It is tried once for each "
    "revision of the policy, and refusals again and again, at most 30 s apart.",
    Condition.AGENT_ROLE_READY: "The IAM role of the database's agents, which the operator makes where "
    "`agent.identity.management` is `Manage`: it trusts their ServiceAccount alone, and may assume the roles that "
    "grants name and nothing else. Other databases have no such condition.",
    Condition.EXISTS: "IAM tells of the role, and it is the one that is meant. Below mode `Verify` of the platform's "
    "`tenants[].iam` nobody looks.",
    Condition.TRUST_READY: "The role's trust policy lets the agents of all databases assume it whose grants name it, "
    "for these databases alone. Of a managed role it is the operator's, of another one `status.trustPolicy` is what it "
    "must contain.",
    Condition.PERMISSIONS_READY: "The role may do what it is for: by the operator's inline policy where it is managed, "
    "else at least what grants allow, which is in `status.permissionsPolicy`.",
    Condition.ACTIVE: "Its time has not ended; a user is not suspended either.",
    Condition.REFERENCES_RESOLVED: "All objects exist that this one names.",
}
"""By type: what is so where it is `True`."""

REASONS: Mapping[str, Meaning] = {
    Reason.READY: Meaning(text="All is in order."),
    Reason.PERMITTED: Meaning(text="The platform's settings admit all that is asked for."),
    Reason.NOT_PERMITTED: Meaning(
        text="No entry of the platform's `tenants[]` that selects the namespace admits all that is asked for. The "
        "message names value and setting.",
        remedy="Ask for something that is admitted, or have the platform team change the setting.",
    ),
    Reason.NAME_TAKEN: Meaning(
        text="Something that the operator did not make for this object has the name of what it must make: an object in "
        "the cluster, or a role in IAM. It is never taken over.",
        remedy="Rename or delete what the message names, or choose another name. The operator looks again every ten "
        "seconds, in IAM every thirty.",
    ),
    Reason.REFUSED: Meaning(
        text="The API server did not take an object that the operator makes for this one: a quota or an admission "
        "policy is against it, or it would not be valid. Everything else was made.",
        remedy="See what the message says: raise the quota, mend the policy or the field of the spec that it comes "
        "from. The operator tries again by itself.",
    ),
    Reason.INVALID_SPEC: Meaning(
        text="The spec cannot be read: it was written past the CRD that the operator knows, for example for a newer "
        "version. On doubt the database is not served, and the IAM role left alone.",
        remedy="Mend the field that the message names, or bring operator and CRDs to the same version.",
    ),
    Reason.COMPILED: Meaning(text="All of it is in the policies."),
    Reason.ROLE_NOT_FOUND: Meaning(
        text="A KeyspacesRole is named that the namespace does not have. The other roles of a KeyspacesUser count.",
        remedy="Create the role, or take its name out of `roles` or `target`.",
    ),
    Reason.USER_NOT_FOUND: Meaning(
        text="A KeyspacesLock names a KeyspacesUser that the namespace does not have. It keeps nobody out until there "
        "is one.",
        remedy="Mend `target`, or lock the `subject` itself.",
    ),
    Reason.DATABASE_NOT_FOUND: Meaning(
        text="A KeyspacesDatabase is named that the namespace does not have. The others that a rule names count.",
        remedy="Create the database, or mend `databases.names` or `target`.",
    ),
    Reason.NO_DATABASE: Meaning(
        text="There is no KeyspacesDatabase for which it counts: none of this namespace is named or selected, or none "
        "of those is served.",
        remedy="Compare what it names with names and labels of the namespace's KeyspacesDatabases, and look at their "
        "`Ready`.",
    ),
    Reason.RESOLVED: Meaning(text="All that is named exists."),
    Reason.ACTIVE: Meaning(text="It is in force now; the message says until when."),
    Reason.EXPIRED: Meaning(
        text="`expireTime` is over: a user gives no access any more and its sessions ended, a lock keeps nobody out.",
        remedy="Set a later `expireTime`, or delete the object.",
    ),
    Reason.SUSPENDED: Meaning(
        text="`suspended` is true: there is no access by this user, and its sessions ended.",
        remedy="Set it to false to give the access back.",
    ),
    Reason.ROLE_INVALID: Meaning(
        text="A KeyspacesRole, or a rule of it, cannot be compiled. Where denies or options cannot be read its holders "
        "have no grant; where an allow cannot be, only denies count; an IAM role of another account, or one that is "
        "named with two paths, gives nothing.",
        remedy="Mend the rule that the message names.",
    ),
    Reason.USER_INVALID: Meaning(
        text="A KeyspacesUser cannot be read, so it gives nothing.",
        remedy="Mend the field that the message names, or bring operator and CRDs to the same version.",
    ),
    Reason.GRANT_TOO_LARGE: Meaning(
        text="What somebody may do as one IAM role does not fit into the session policy that AssumeRole takes, or a "
        "deny of it has no form in IAM. Such a grant gives nothing; where grants fit one by one but not together, the "
        "login is refused.",
        remedy="Name fewer keyspaces and tables, or patterns instead, or spread the rules over several IAM roles.",
    ),
    Reason.POLICY_TOO_LARGE: Meaning(
        text="A policy would be larger than the API server or IAM takes. Of a database's policy the largest grants are "
        "left out until the rest fits, and denies stay; of a role's trust policy databases are left out; an inline "
        "policy that is too large is not set.",
        remedy="Name groups instead of single subjects, patterns instead of single tables, or spread databases and "
        "rules over several objects; the message says of which.",
    ),
    Reason.LOCK_INVALID: Meaning(
        text="A KeyspacesLock cannot be read, so it locks more than it says: everybody where its target cannot be "
        "read, until it is deleted where its end cannot be.",
        remedy="Mend the field that the message names, or delete the lock.",
    ),
    Reason.TOO_MANY_LOCKS: Meaning(
        text="The namespace has more KeyspacesLocks than a policy can hold, so everybody is locked out.",
        remedy="Delete locks that are not needed any more, or lock groups and roles instead of single identities.",
    ),
    Reason.ROTATING: Meaning(
        text="The database's certificate authority is being replaced, and clients are told to trust the old one and "
        "the new one. After the platform's `certificateAuthorities.overlapSeconds` the new one signs.",
        remedy="Until then, have clients read ConfigMap `keyward-<database>-ca` or `status.caBundle` again: those that "
        "read it only at their start, start anew.",
    ),
    Reason.ISSUED: Meaning(text="The certificate authority is there and valid."),
    Reason.ISSUER_PENDING: Meaning(
        text="The issuer that the platform's `certificateAuthorities.issuerRef` names was asked to sign a certificate "
        "authority, and has not answered. The message has what cert-manager says. A certificate authority that is "
        "there goes on signing; after an hour without an answer the condition is `False`.",
        remedy="Wait some seconds. If it stays, see the issuer's own status, and whether somebody must approve the "
        "CertificateRequest that the message names.",
    ),
    Reason.ISSUER_REFUSED: Meaning(
        text="The CertificateRequest was denied or failed, or what the issuer signed cannot be used as a certificate "
        "authority. The message says why. One that is there goes on signing.",
        remedy="The platform team mends the issuer, its approver's policy, or the setting "
        "`certificateAuthorities.issuerRef`. It is asked again after ten minutes, or within one where "
        "the CertificateRequest is deleted.",
    ),
    Reason.ISSUER_UNAVAILABLE: Meaning(
        text="The setting `certificateAuthorities.issuerRef` names an issuer, but the API server has no "
        "CertificateRequests, or does not let the operator read them. A certificate authority that is there goes on "
        "signing.",
        remedy="The platform team installs cert-manager, and gives the setting by the chart's value "
        "`certificateAuthorities.issuerRef`, from which the operator's rights follow. It is tried again every minute.",
    ),
    Reason.PENDING: Meaning(
        text="Something that this waits for is being made.",
        remedy="Wait some seconds. If it stays, look at the operator's log.",
    ),
    Reason.AVAILABLE: Meaning(text="Agents take connections; the message says how many."),
    Reason.UNAVAILABLE: Meaning(
        text="No agent takes connections. The message says what keeps the pods from starting, or what the agents say "
        "themselves, as far as anybody knows.",
        remedy="After some seconds, look at the agents' pods and logs in the agents' namespace.",
    ),
    Reason.SCALED_TO_ZERO: Meaning(
        text="`agent.replicas` is 0, so no agent runs.", remedy="Set it to 1 or more, 2 for no gap in service."
    ),
    Reason.IDENTITY_NOT_INJECTED: Meaning(
        text="An agent's pod has no web identity: EKS' pod identity webhook did not see it when it was made. Such pods "
        "are replaced, one at a time, the first at once and the next ones more and more seldom, down to every 10 "
        "minutes.",
        remedy="If it stays, see whether the webhook runs (`amazon-eks-pod-identity-webhook`), and reaches the agents' "
        "namespace.",
    ),
    Reason.ASSUMABLE: Meaning(text="Each agent that reports could assume each role."),
    Reason.ACCESS_DENIED: Meaning(
        text="AWS refuses: STS an agent a role that grants name, or IAM the operator a call that its own role does not "
        "permit. The message says which, what AWS said and what is missing.",
        remedy="IAM's administrators set `status.identity.trustPolicy` as the role's trust policy and let the agents' "
        "own role assume it; for the operator's role they set what `keyward-operator print-iam` prints. It is tried "
        "again by itself.",
    ),
    Reason.NOT_TRIED: Meaning(
        text="No agent has tried yet: a granted role, the endpoint, or who it is itself. The policy is new, or no "
        "agent runs.",
        remedy="Wait some seconds. If it stays, look at `AgentAvailable`, and at the agents' log.",
    ),
    Reason.REACHABLE: Meaning(text="Agents reach Keyspaces, which proves its name."),
    Reason.UNREACHABLE: Meaning(
        text="An agent does not reach Keyspaces, or what answers does not prove its name. The message says which "
        "agent, and why.",
        remedy="See `spec.endpoint`, the agents' DNS, NetworkPolicies and security groups for port 9142, and the VPC "
        "endpoint where there is one. Agents try again every five seconds.",
    ),
    Reason.VERIFIED: Meaning(text="Agents are who they should be."),
    Reason.IDENTITY_MISMATCH: Meaning(
        text="STS knows an agent as somebody else than `agent.identity.roleARN`, so something else gives its pod an "
        "identity.",
        remedy="See what does: variables in the platform's `agents.env`, EKS Pod Identity associations, another "
        "webhook.",
    ),
    Reason.NO_GRANTS: Meaning(text="No grant names an IAM role, so there is nothing that could not be assumed."),
    Reason.STS_UNAVAILABLE: Meaning(
        text="Agents could not ask STS, or have no identity to ask with, which says nothing about the roles.",
        remedy="See whether the agents reach `sts.<region>.amazonaws.com` on port 443, by a VPC endpoint where they "
        "have no other way. Agents try again by themselves.",
    ),
    Reason.STS_THROTTLED: Meaning(
        text="STS limits the rate of calls. Agents say so in what they report, and `RolesAssumable` repeats it as "
        "`STSUnavailable`.",
        remedy="Wait: agents try again by themselves. If it stays, see what else calls STS in the account.",
    ),
    Reason.NOT_VERIFIED: Meaning(
        text="The role was not looked at: the platform keeps the operator out of IAM here, the role is in another "
        "account than the operator's own identity, or the operator cannot ask. Nothing speaks against the role.",
        remedy="None is needed: `RolesAssumable` of the databases says whether agents can assume it. To have it looked "
        "at, the platform sets `tenants[].iam.mode` to `Verify`.",
    ),
    Reason.OTHER_ACCOUNT: Meaning(
        text="The operator makes roles in the account of its own identity alone, and this one is to be in another.",
        remedy="Create the object anew with that `accountID`, or let `management` be `Adopt`.",
    ),
    Reason.FOUND: Meaning(text="IAM tells of the role."),
    Reason.IAM_ROLE_NOT_FOUND: Meaning(
        text="There is no such role in IAM, or it is too new to be seen. Or `*` in `dbUsers` stands for no "
        "KeyspacesIAMRole.",
        remedy="Create it with the trust policy in `status.trustPolicy`, or let `management` be `Manage`. Where a rule "
        "says `*` in `dbUsers`: create a KeyspacesIAMRole in the database's account.",
    ),
    Reason.OWNERSHIP_LOST: Meaning(
        text="A role lies where the operator makes its own, and has no longer the tags by which the operator knows "
        "them. It is left alone.",
        remedy="Set the tags again by the command in the message, or delete the role: it is made anew.",
    ),
    Reason.PATH_DIFFERS: Meaning(
        text="The role was made under another path than the platform's now, and a role cannot be moved.",
        remedy="Delete it in IAM: it is made anew under the new path.",
    ),
    Reason.NO_DATABASES: Meaning(
        text="No grant names the role, so nothing is asked of it; a managed one trusts nobody."
    ),
    Reason.TRUSTED: Meaning(text="The agents of all databases that use the role are trusted."),
    Reason.TRUST_INCOMPLETE: Meaning(
        text="The trust policy of a role that somebody else made lacks what the message says.",
        remedy="IAM's administrators add it; `status.trustPolicy` is all that it must contain.",
    ),
    Reason.EXPLICIT_DENY: Meaning(
        text="A policy of the role, or its permissions boundary, denies what is needed. A deny wins over every allow.",
        remedy="IAM's administrators take the deny away, or narrow it.",
    ),
    Reason.CONDITIONS_NOT_JUDGED: Meaning(
        text="What is needed is allowed on conditions that only AWS can judge.",
        remedy="None is needed where `RolesAssumable` of the databases is `True`, and statements pass.",
    ),
    Reason.ROLE_NOT_BOUND: Meaning(
        text="The role can be assumed without the ExternalId of a database, so that other databases of the same "
        "agents' role could use it.",
        remedy="IAM's administrators let its trust policy ask for the ExternalId in `status.trustPolicy`.",
    ),
    Reason.AGENT_ROLE_NOT_FOUND: Meaning(
        text="The agents' own role of a database does not exist, and IAM takes no trust policy that names it.",
        remedy="Create it first, with `status.identity.agentTrustPolicy` of the database. One that the operator makes "
        "is there soon: see the condition AgentRoleReady of the database.",
    ),
    Reason.SUFFICIENT: Meaning(text="The role may do what it is for."),
    Reason.PERMISSIONS_INCOMPLETE: Meaning(
        text="Policies or permissions boundary of a role that somebody else made do not allow all that grants do.",
        remedy="IAM's administrators add what the message says; `status.permissionsPolicy` is all that is needed.",
    ),
    Reason.FOREIGN_POLICIES: Meaning(
        text="Somebody attached policies to a managed role, so that it may do more than its spec says. The operator "
        "takes nothing away that is not its own.",
        remedy="Take them off, or say in `permissions` or `managedPolicies` what the role may do.",
    ),
    Reason.DELETION_BLOCKED: Meaning(
        text="A managed role cannot be deleted or let go, and the object stays until it can.",
        remedy="Take off what others attached, or give the operator back the right that is missing. Or delete the role "
        "by hand and remove the finalizer `keyward.dev/iam-role`, of a database `keyward.dev/agent-role`.",
    ),
    Reason.NO_AWS_IDENTITY: Meaning(
        text="The operator has no AWS identity, or AWS does not accept it, so IAM cannot be asked. Or agents can have "
        "none by the role that the operator made: the account has no OIDC provider of the cluster.",
        remedy="Give the operator's ServiceAccount a role by `serviceAccount.annotations` of the chart, which trusts "
        "that ServiceAccount and has the policy that `keyward-operator print-iam` prints. Register the provider that "
        "the message names.",
    ),
    Reason.PRINCIPAL_NOT_FOUND: Meaning(
        text="A trust policy names a role that IAM does not know, or does not know yet.",
        remedy="Create the agents' own role that the message names. It is tried again by itself.",
    ),
    Reason.LIMIT_EXCEEDED: Meaning(
        text="A quota of IAM is used up.", remedy="Have AWS raise it, or remove what is not needed any more."
    ),
    Reason.IAM_REFUSED: Meaning(
        text="IAM refused a call; the message has its words.", remedy="Mend what it says. It is tried again by itself."
    ),
    Reason.IAM_ROLE_CREATED: Meaning(text="The operator made the role."),
    Reason.IAM_ROLE_UPDATED: Meaning(
        text="The operator made the role what its object says; the message has each step."
    ),
    Reason.IAM_ROLE_RELEASED: Meaning(text="The role stays, without the operator's tags: it is nobody's now."),
    Reason.IAM_ROLE_DELETED: Meaning(text="The operator deleted the role, with what it had attached to it."),
}
"""By name."""
