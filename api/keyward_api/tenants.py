"""The platform's own settings: what a tenant may ask for, and how agents are made.

Read from a file that only the platform can write. An entry applies to the namespaces that its selector matches;
a database is permitted if one entry that applies admits all of it. No entry, nothing permitted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from keyward_api.names import CQL_PORT
from keyward_api.resources.database import EndpointType, ServiceType
from keyward_api.resources.iam_role import ManagedPolicyName
from keyward_api.resources.models import DNSSubdomain, LabelSelector, camel
from keyward_api.resources.role import NamePattern

_DAY = 86400


class _Settings(BaseModel):
    """A misspelt setting is an error, unlike a field of a resource."""

    model_config = ConfigDict(alias_generator=camel, populate_by_name=True, extra="forbid", frozen=True)


AccountPattern = Annotated[str, Field(pattern=r"^[0-9*]{1,12}$")]
RegionPattern = Annotated[str, Field(pattern=r"^[a-z0-9*-]{1,32}$")]
Pattern = Annotated[str, Field(min_length=1)]
IAMMode = Literal["None", "Verify", "Manage"]
IAM_MODES: tuple[IAMMode, ...] = ("None", "Verify", "Manage")
"""From the least right to the most."""

PATH_LIMIT = 256
"""Characters of the platform's path: cluster and namespace follow it, and IAM takes 512 in all."""


class TenantIAM(_Settings):
    """What the operator may do in IAM for the namespaces of one selector."""

    mode: IAMMode = Field(
        default="None",
        description="`None`: nothing is read or written. `Verify`: the roles that KeyspacesIAMRoles name are read. "
        "`Manage`: roles are also made and kept where a KeyspacesIAMRole asks for it.",
    )
    path: str = Field(
        default="/keyward/",
        max_length=PATH_LIMIT,
        pattern=r"^/([A-Za-z0-9_+=,.@-]+/)*$",
        description="IAM path of the roles that are made; cluster and namespace follow it.",
    )
    permissions_boundary: str | None = Field(
        default=None,
        max_length=2048,
        pattern=r"^arn:aws(-cn|-us-gov)?:iam::([0-9]{12}|aws):policy/([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,128}$",
        description="ARN of the policy that bounds every role that is made. Needed by `Manage`.",
    )
    managed_policies: tuple[ManagedPolicyName, ...] = Field(
        default=(), description="AWS' managed policies for Keyspaces that may be attached. None by default."
    )

    @model_validator(mode="after")
    def _managed_roles_are_bound(self) -> Self:
        if self.mode == "Manage" and self.permissions_boundary is None:
            raise ValueError("mode 'Manage' needs `permissionsBoundary`: without it a role could be given any right")
        return self


class Tenant(_Settings):
    """What the namespaces of one selector may ask for."""

    namespace_selector: LabelSelector = Field(
        default_factory=LabelSelector,
        description="Labels of namespaces; empty selects all. `kubernetes.io/metadata.name` is a namespace's name.",
    )
    accounts: tuple[AccountPattern, ...] = Field(
        default=("*",), description="AWS account ids; `*` in a pattern is any run."
    )
    regions: tuple[RegionPattern, ...] = Field(default=("*",), description="AWS regions; patterns.")
    endpoint_types: tuple[EndpointType, ...] = Field(
        default=("Public", "DualStack", "FIPS", "VPC"), description="Endpoint types."
    )
    agent_role_arns: tuple[Pattern, ...] = Field(
        default=("*",), alias="agentRoleARNs", description="ARNs of agents' own roles; patterns."
    )
    service_types: tuple[ServiceType, ...] = Field(
        default=("ClusterIP",),
        description="How clients outside the cluster may reach agents: add `LoadBalancer` to permit it.",
    )
    service_annotations: tuple[Pattern, ...] = Field(
        default=(), description="Keys of annotations of load balancers' Services; patterns. None by default."
    )
    priority_classes: tuple[Pattern, ...] = Field(
        default=(), description="PriorityClasses of agents' pods; patterns. None by default."
    )
    keyspaces: tuple[NamePattern, ...] = Field(
        default=("*",), description="Keyspaces that the permissions of managed IAM roles may name; patterns."
    )
    iam: TenantIAM = Field(default_factory=TenantIAM, alias="iam", description="What the operator may do in IAM.")


class EnvironmentVariable(_Settings):
    """One environment variable of the agents."""

    name: str = Field(min_length=1, max_length=256, description="Name.")
    value: str = Field(max_length=4096, description="Value.")


class ImagePullSecret(_Settings):
    """A Secret in the agents' namespace with a registry's credentials."""

    name: str = Field(min_length=1, max_length=253, description="Name of the Secret.")


class NetworkPolicySettings(_Settings):
    """Who may talk to agents, and whom they may talk to."""

    enabled: bool = Field(default=True, description="Whether each database's agents get a NetworkPolicy.")
    monitoring_namespaces: LabelSelector = Field(
        default_factory=LabelSelector,
        description="Labels of the namespaces that may read agents' metrics; empty selects all.",
    )
    egress_ports: tuple[Annotated[int, Field(ge=1, le=65535)], ...] = Field(
        default=(443, 6443, CQL_PORT),
        max_length=32,
        description="TCP ports that agents may connect to: those of AWS' APIs, of the API server and of Keyspaces. "
        "DNS is always permitted.",
    )


CABundle = Annotated[
    str,
    Field(max_length=262144, pattern=r"^$|-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----"),
]
"""PEM certificates, with whatever stands between them, or nothing."""


class AgentSettings(_Settings):
    """How every agent of the cluster is made."""

    image: str = Field(min_length=1, max_length=512, description="Image of the agents.")
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = Field(
        default="IfNotPresent", description="As in a pod."
    )
    image_pull_secrets: tuple[ImagePullSecret, ...] = Field(default=(), description="Secrets in the agents' namespace.")
    env: tuple[EnvironmentVariable, ...] = Field(
        default=(), description="Environment variables of every agent, such as AWS_ENDPOINT_URL_STS."
    )
    network_policy: NetworkPolicySettings = Field(
        default_factory=NetworkPolicySettings, description="The agents' NetworkPolicies."
    )
    ca_bundle: CABundle = Field(
        default="", description="PEM roots for AWS' APIs (AWS_CA_BUNDLE); empty: the image's own."
    )


class IssuerReference(_Settings):
    """An issuer of cert-manager's, or of one of its external issuers'."""

    name: str = Field(min_length=1, max_length=253, description="Name of the issuer.")
    kind: str = Field(
        default="ClusterIssuer",
        pattern=r"^[A-Z][A-Za-z0-9]{0,62}$",
        description="`ClusterIssuer`, `Issuer` (one in the agents' namespace), or an external issuer's kind.",
    )
    group: str = Field(
        default="cert-manager.io",
        max_length=253,
        pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$",
        description="API group of the kind.",
    )

    def __str__(self) -> str:
        return f"{self.kind}.{self.group}/{self.name}"


class CertificateAuthoritySettings(_Settings):
    """Who signs databases' certificate authorities, how long they live, and how they are replaced."""

    issuer_ref: IssuerReference | None = Field(
        default=None,
        description="The issuer that signs them, asked by a CertificateRequest in the agents' namespace. None: each "
        "signs itself.",
    )

    lifetime_seconds: int = Field(
        default=365 * _DAY,
        ge=600,
        le=3650 * _DAY,
        description="How long a new one lives. Of one that lives shorter, because its issuer gives no more, the two "
        "times below are shorter in proportion.",
    )
    renew_before_seconds: int = Field(
        default=120 * _DAY, ge=60, le=3650 * _DAY, description="How long before its end its successor is made."
    )
    overlap_seconds: int = Field(
        default=30 * _DAY,
        ge=0,
        le=3650 * _DAY,
        description="How long clients are told to trust both before the successor signs: within it clients must read "
        "the bundle again, or start anew.",
    )

    @property
    def issuer(self) -> str:
        """Who signs, as it is noted; empty where each signs itself."""
        return str(self.issuer_ref or "")

    @model_validator(mode="after")
    def _are_in_order(self) -> Self:
        if not self.overlap_seconds < self.renew_before_seconds < self.lifetime_seconds:
            raise ValueError("overlapSeconds must be below renewBeforeSeconds, and that below lifetimeSeconds")
        return self


ClusterName = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_.-]*$")]


class PlatformSettings(_Settings):
    """The settings file."""

    tenants: tuple[Tenant, ...] = Field(default=(Tenant(),), description="What tenants may ask for.")
    agents: AgentSettings = Field(description="How agents are made.")
    certificate_authorities: CertificateAuthoritySettings = Field(
        default_factory=CertificateAuthoritySettings, description="The certificate authorities of databases."
    )
    cluster_domain: DNSSubdomain = Field(default="cluster.local", description="The cluster's DNS domain.")
    cluster_name: ClusterName = Field(
        default="",
        description="What the cluster is called in the paths and tags of IAM roles; unique among the clusters that "
        "share an account. Empty: its uid.",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """Something that the platform does not permit."""

    setting: str
    """The setting of the tenant's entry that would have to change."""

    message: str


NO_ENTRY = Violation(
    setting="tenants", message="no entry of `tenants` selects this namespace: ask the platform team for one"
)


def applying(tenants: Sequence[Tenant], namespace_labels: Mapping[str, str]) -> tuple[Tenant, ...]:
    """The entries that select a namespace."""
    return tuple(tenant for tenant in tenants if tenant.namespace_selector.matches(dict(namespace_labels)))


def not_among(setting: str, value: str) -> Violation:
    """Something asked for that an entry does not list."""
    return Violation(
        setting=f"tenants[].{setting}",
        message=f"'{value}' is not among the platform's `tenants[].{setting}` for this namespace",
    )


def admits(pattern: str, value: str) -> bool:
    """Whether `value` has the form of `pattern`. Only `*` acts: fnmatch's other signs are taken literally.

    A `value` that is a pattern itself is admitted where all that it stands for is: its stars are met by stars only.
    """
    return fnmatchcase(value, pattern.replace("[", "[[]").replace("?", "[?]"))


def mode_violations(tenant: Tenant) -> Iterator[Violation]:
    """What an entry says to an IAM role that the operator is to make."""
    if tenant.iam.mode != "Manage":
        yield Violation(
            setting="tenants[].iam.mode",
            message=f"the platform's `tenants[].iam.mode` is '{tenant.iam.mode}' for this namespace: the operator "
            "makes no IAM role for it",
        )
