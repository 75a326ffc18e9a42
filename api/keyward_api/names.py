"""Every name that two programs, or a program and a person, must agree on.

Groups, kinds, labels, finalizers, conditions, reasons, ports, file names, and the names of children. A string
that appears in two places of the code belongs here.
"""

import hashlib

GROUP = "keyward.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
CATEGORY = "keyward"

SYSTEM_NAMESPACE = "keyward-system"
AGENTS_NAMESPACE = "keyward-agents"

FINALIZER = f"{GROUP}/agent"
"""Held by a KeyspacesDatabase until its children in the agents' namespace are gone."""

IAM_ROLE_FINALIZER = f"{GROUP}/iam-role"
"""Held by a KeyspacesIAMRole until its role in IAM is deleted, or is no longer the operator's."""

AGENT_ROLE_FINALIZER = f"{GROUP}/agent-role"
"""Held by a KeyspacesDatabase until the IAM role that the operator made for its agents is gone."""

LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"
LABEL_NAME = "app.kubernetes.io/name"
LABEL_INSTANCE = "app.kubernetes.io/instance"
LABEL_COMPONENT = "app.kubernetes.io/component"
MANAGED_BY = "keyward-operator"

# Owner references do not cross namespaces: these three stand in for one.
LABEL_OWNER_NAMESPACE = f"{GROUP}/owner-namespace"
LABEL_OWNER_NAME = f"{GROUP}/owner-name"
LABEL_OWNER_UID = f"{GROUP}/owner-uid"

# Tags of an IAM role that stand for an owner: the operator changes a role with exactly these, and no other.
TAG_CLUSTER = "keyward:cluster"
TAG_NAMESPACE = "keyward:namespace"
TAG_NAME = "keyward:name"
TAG_UID = "keyward:uid"

INLINE_POLICY = "keyward"
"""The inline policy of an IAM role that is the operator's; every other is somebody else's."""

ANNOTATION_IRSA_ROLE = "eks.amazonaws.com/role-arn"
ANNOTATION_IDENTITY_HASH = f"{GROUP}/identity-hash"
"""On the pod template: another role ARN, or another ServiceAccount of the same name, makes new pods.

IRSA is injected when a pod is made, and a pod's tokens end with the ServiceAccount that they were issued for.
"""

ANNOTATION_ROTATE_CA = f"{GROUP}/rotate-ca"
"""On a KeyspacesDatabase: another value than before asks for a new CA. On the CA's Secret: the last value followed."""

ANNOTATION_CA_PUBLISHED = f"{GROUP}/ca-published"
"""On the CA's Secret: since when clients have been told to trust the successor."""

ANNOTATION_CA_SWITCHED = f"{GROUP}/ca-switched"
"""On the CA's Secret: when the successor began to sign."""

ANNOTATION_CA_ISSUER = f"{GROUP}/ca-issuer"
"""On the CA's Secret: the issuer that signed the CA, where it did not sign itself."""

ANNOTATION_NEXT_CA_ISSUER = f"{GROUP}/next-ca-issuer"
"""On the CA's Secret: the same of the successor."""

ANNOTATION_AWS_ROOTS_HASH = f"{GROUP}/aws-roots-hash"
"""On the pod template: changed roots for AWS' APIs make new pods, since an agent reads them at start."""


class FieldManager:
    """Field managers of the operator's writes: one for each reconciler, so that each knows what is its own."""

    DATABASE = "keyward-database"
    """Of everything that is applied for a KeyspacesDatabase, and of its status but what others say there."""

    ACCESS = "keyward-access"
    """Of the status of KeyspacesRoles, KeyspacesUsers and KeyspacesLocks, and of what a KeyspacesDatabase says of its
    policy."""

    IAM_ROLE = "keyward-iam-role"
    """Of the status and the finalizer of KeyspacesIAMRoles."""

    AGENT_ROLE = "keyward-agent-role"
    """Of what a KeyspacesDatabase says of its agents' own IAM role: a condition and a finalizer."""

    LEASE = "keyward-lease"
    """Of the Lease that elects the leader."""


DATABASE_NAME_LIMIT = 40
"""Characters of a KeyspacesDatabase's name: names of its Services are made from it."""

CQL_PORT = 9142
"""Keyspaces' own port, and ours. Clients see each agent as a node of its own."""

EXTERNAL_CQL_PORT = 9143
"""For clients that cannot reach the agents' own addresses: they see all agents as one node."""

SERVICE_CQL_PORT = 9144
"""Where connections to `CQL_PORT` of the agents' Service arrive. Clients see the Service as a node of its own."""

LEASE_NAME = "keyward-operator"

CA_KEY = "ca.crt"
"""The key of the ConfigMap that gives clients the database's server CA."""


class Condition:
    """Condition types; `Ready` sums up, the others say why."""

    READY = "Ready"
    PERMITTED = "Permitted"
    POLICY_COMPILED = "PolicyCompiled"
    CERTIFICATE_AUTHORITY_READY = "CertificateAuthorityReady"
    AGENT_AVAILABLE = "AgentAvailable"
    ENDPOINT_REACHABLE = "EndpointReachable"
    IDENTITY_VERIFIED = "IdentityVerified"
    ROLES_ASSUMABLE = "RolesAssumable"
    AGENT_ROLE_READY = "AgentRoleReady"
    ACTIVE = "Active"
    REFERENCES_RESOLVED = "ReferencesResolved"
    EXISTS = "Exists"
    TRUST_READY = "TrustReady"
    PERMISSIONS_READY = "PermissionsReady"


class Reason:
    """Reasons of conditions, events and refusals: stable, one word each."""

    READY = "Ready"
    PERMITTED = "Permitted"
    NOT_PERMITTED = "NotPermitted"
    NAME_TAKEN = "NameTaken"
    REFUSED = "Refused"
    INVALID_SPEC = "InvalidSpec"
    COMPILED = "Compiled"
    ROLE_NOT_FOUND = "RoleNotFound"
    USER_NOT_FOUND = "UserNotFound"
    DATABASE_NOT_FOUND = "DatabaseNotFound"
    NO_DATABASE = "NoDatabase"
    RESOLVED = "Resolved"
    ACTIVE = "Active"
    EXPIRED = "Expired"
    SUSPENDED = "Suspended"
    ROLE_INVALID = "RoleInvalid"
    USER_INVALID = "UserInvalid"
    GRANT_TOO_LARGE = "GrantTooLarge"
    POLICY_TOO_LARGE = "PolicyTooLarge"
    LOCK_INVALID = "LockInvalid"
    TOO_MANY_LOCKS = "TooManyLocks"
    ISSUED = "Issued"
    ROTATING = "Rotating"
    ISSUER_PENDING = "IssuerPending"
    ISSUER_REFUSED = "IssuerRefused"
    ISSUER_UNAVAILABLE = "IssuerUnavailable"
    PENDING = "Pending"
    AVAILABLE = "Available"
    UNAVAILABLE = "Unavailable"
    SCALED_TO_ZERO = "ScaledToZero"
    IDENTITY_NOT_INJECTED = "IdentityNotInjected"
    REACHABLE = "Reachable"
    UNREACHABLE = "Unreachable"
    VERIFIED = "Verified"
    IDENTITY_MISMATCH = "IdentityMismatch"
    ASSUMABLE = "Assumable"
    ACCESS_DENIED = "AccessDenied"
    NOT_TRIED = "NotTried"
    NO_GRANTS = "NoGrants"
    STS_UNAVAILABLE = "STSUnavailable"
    STS_THROTTLED = "STSThrottled"

    # Of IAM roles.
    NOT_VERIFIED = "NotVerified"
    OTHER_ACCOUNT = "OtherAccount"
    FOUND = "Found"
    IAM_ROLE_NOT_FOUND = "IAMRoleNotFound"
    OWNERSHIP_LOST = "OwnershipLost"
    PATH_DIFFERS = "PathDiffers"
    NO_DATABASES = "NoDatabases"
    TRUSTED = "Trusted"
    TRUST_INCOMPLETE = "TrustIncomplete"
    EXPLICIT_DENY = "ExplicitDeny"
    CONDITIONS_NOT_JUDGED = "ConditionsNotJudged"
    ROLE_NOT_BOUND = "RoleNotBound"
    AGENT_ROLE_NOT_FOUND = "AgentRoleNotFound"
    SUFFICIENT = "Sufficient"
    PERMISSIONS_INCOMPLETE = "PermissionsIncomplete"
    FOREIGN_POLICIES = "ForeignPolicies"
    DELETION_BLOCKED = "DeletionBlocked"
    NO_AWS_IDENTITY = "NoAWSIdentity"
    PRINCIPAL_NOT_FOUND = "PrincipalNotFound"
    LIMIT_EXCEEDED = "LimitExceeded"
    IAM_REFUSED = "IAMRefused"
    IAM_ROLE_CREATED = "IAMRoleCreated"
    IAM_ROLE_UPDATED = "IAMRoleUpdated"
    IAM_ROLE_RELEASED = "IAMRoleReleased"
    IAM_ROLE_DELETED = "IAMRoleDeleted"


def child_name(*, namespace: str, name: str, limit: int = 63) -> str:
    """Name of a database's child in the agents' namespace, where a dot is not legal in it or too long.

    Two databases never share a child: the hash covers namespace and name with a separator that neither holds.
    Readable as far as `limit` characters allow; ends with ten hex digits of SHA-256. Begins with a letter, as the
    name of a Service must (RFC 1035), while a namespace may begin with a digit.
    """
    digest = hashlib.sha256(f"{namespace}/{name}".encode()).hexdigest()[:10]
    return f"agent-{namespace}-{name}"[: limit - 11].rstrip("-") + f"-{digest}"


def replicas_service_name(*, namespace: str, name: str) -> str:
    """The headless Service in the agents' namespace: its name stands for the addresses of all ready agents."""
    suffix = "-replicas"
    return child_name(namespace=namespace, name=name, limit=63 - len(suffix)) + suffix


def external_service_name(*, namespace: str, name: str) -> str:
    """The load balancer's Service in the agents' namespace."""
    suffix = "-external"
    return child_name(namespace=namespace, name=name, limit=63 - len(suffix)) + suffix


def dotted_child_name(*, namespace: str, name: str) -> str:
    """Name of a database's child whose kind allows dots: `<namespace>.<name>`.

    A namespace holds no dot, so no two databases meet.
    """
    return f"{namespace}.{name}"


def iam_path(*, path: str, cluster: str, namespace: str) -> str:
    """The IAM path of the roles of a namespace, below the platform's own: `<path><cluster>/<namespace>/`."""
    return f"{path}{cluster}/{namespace}/"


def agent_role_name(*, cluster: str, namespace: str, database: str) -> str:
    """Name of the IAM role that the operator makes for a database's agents: unique in an account, as IAM asks for.

    The hash covers the cluster too, for several may share an account. At most 64 characters.
    """
    digest = hashlib.sha256(f"{cluster}/{namespace}/{database}".encode()).hexdigest()[:10]
    return f"keyward-agent-{namespace}-{database}"[:53].rstrip("-") + f"-{digest}"


def client_service_name(database: str) -> str:
    """The ExternalName Service in the database's own namespace."""
    return f"keyward-{database}"


def client_ca_name(database: str) -> str:
    """The ConfigMap with the database's server CA in the database's own namespace."""
    return f"keyward-{database}-ca"


def client_address(*, namespace: str, database: str) -> str:
    """What clients connect to: `keyward-<name>.<namespace>.svc:9142`."""
    return f"{client_service_name(database)}.{namespace}.svc:{CQL_PORT}"


def token_audience(*, namespace: str, database: str) -> str:
    """The audience that a ServiceAccount token must be minted for to open this database, and no other."""
    return f"{GROUP}/{namespace}/{database}"


def external_id(*, cluster_uid: str, namespace: str, database: str) -> str:
    """The ExternalId of AssumeRole: `<cluster uid>/<namespace>/<database>`.

    The uid of the kube-system namespace stands for the cluster. It keeps one tenant's database from using a
    role that trusts the same agent role for another's (the confused deputy).
    """
    return f"{cluster_uid}/{namespace}/{database}"
