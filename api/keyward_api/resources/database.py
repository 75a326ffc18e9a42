"""KeyspacesDatabase: one regional Keyspaces endpoint of one AWS account, and its agents."""

from typing import Annotated, Literal

from pydantic import Field

from keyward_api.endpoints import FIPS_REGIONS, VPC_ENDPOINT_PATTERN
from keyward_api.names import DATABASE_NAME_LIMIT
from keyward_api.resources.iam_role import Management
from keyward_api.resources.models import (
    LIST_SET,
    AccountID,
    ConditionList,
    DNSSubdomain,
    Model,
    ObjectMeta,
    Region,
    RoleARN,
    validations,
)
from keyward_api.resources.scheduling import (
    LABEL_KEY,
    NodeSelector,
    Resources,
    Tolerations,
    TopologySpreadConstraints,
)

LogLevel = Literal["debug", "info", "warning", "error"]
EndpointType = Literal["Public", "DualStack", "FIPS", "VPC", "Custom"]

_FIPS = ", ".join(f"'{region}'" for region in sorted(FIPS_REGIONS))


class AWS(Model):
    """Where the database is."""

    account_id: AccountID = Field(
        description="The AWS account of the keyspaces: 12 digits. Immutable.",
        json_schema_extra=validations(("self == oldSelf", "`accountID` is immutable: create another database")),
    )
    region: Region = Field(
        description="The region of the keyspaces, such as `eu-central-1`. The partition follows from it. Immutable.",
        json_schema_extra=validations(("self == oldSelf", "`region` is immutable: create another database")),
    )


class Endpoint(Model):
    """How agents reach Keyspaces."""

    type: EndpointType = Field(
        default="Public",
        description="`Public`, `DualStack` and `FIPS` derive the name from the region; `VPC` takes the name of an "
        "interface endpoint; `Custom` takes any name and CA, and needs the platform's consent.",
    )
    address: str | None = Field(
        default=None,
        min_length=1,
        max_length=253,
        pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
        description="DNS name, for `VPC` (`vpce-….cassandra.<region>.vpce.amazonaws.com`) and `Custom` only. "
        "The port is always 9142.",
    )
    server_name: str | None = Field(
        default=None,
        min_length=1,
        max_length=253,
        pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
        description="The name that the server's certificate must carry, for `Custom` only. Default: `address`.",
    )
    ca_bundle: str | None = Field(
        default=None,
        min_length=1,
        max_length=65536,
        description="PEM certificates that sign the server's, for `Custom` only; elsewhere Amazon's roots.",
    )


class AgentIdentity(Model):
    """The AWS identity of the agents, with which they assume the roles that grants name."""

    type: Literal["IRSA"] = Field(
        default="IRSA", description="`IRSA`: an IAM role for the agents' ServiceAccount, by EKS' webhook."
    )
    role_arn: RoleARN | None = Field(
        default=None,
        alias="roleARN",
        description="ARN of the IAM role that the agents' pods get by their web identity, for `Adopt`.",
    )
    management: Management = Field(
        default="Adopt",
        description="`Adopt`: somebody else made that role. `Manage`: the operator makes one for this database, "
        "trusted to its agents' ServiceAccount alone and allowed to assume the IAM roles that grants name; it is in "
        "`status.identity.roleARN`. The platform must permit it.",
    )


class Autoscaling(Model):
    """How many agents run beside those that always do."""

    max_replicas: int = Field(ge=1, le=100, description="How many agent pods run at most.")
    target_cpu_utilization_percent: int = Field(
        alias="targetCPUUtilizationPercent",
        default=70,
        ge=1,
        le=100,
        description="Processor use of all agents, in per cent of what they request, at which another one is added.",
    )


ServiceType = Literal["ClusterIP", "LoadBalancer"]


class AgentService(Model):
    """How clients outside the cluster reach the agents."""

    type: ServiceType = Field(
        default="ClusterIP",
        description="`ClusterIP`: not at all. `LoadBalancer`: by a Service of that type on port 9143, whose address is "
        "in `status.externalAddress`; the platform must permit it.",
    )
    annotations: dict[str, Annotated[str, Field(max_length=1024)]] = Field(
        default_factory=dict,
        max_length=32,
        description="Annotations of the load balancer's Service, such as "
        "`service.beta.kubernetes.io/aws-load-balancer-scheme`; the platform must permit each key.",
        json_schema_extra=validations(
            (
                f"!self.exists(key, !key.matches('^{LABEL_KEY}$'))",
                "keys of `annotations` must be annotation keys, such as 'example.com/name'",
            )
        ),
    )
    hostnames: tuple[DNSSubdomain, ...] = Field(
        default=(),
        max_length=16,
        json_schema_extra=LIST_SET,
        description="Names of your own that lead to the agents: their certificates carry them.",
    )


class Agent(Model):
    """The agents in front of this database."""

    replicas: int = Field(
        default=2, ge=0, le=100, description="How many agent pods run, with `autoscaling` at least. 0: none."
    )
    autoscaling: Autoscaling | None = Field(
        default=None,
        description="Adds agents under load, by a HorizontalPodAutoscaler; the cluster must serve resource metrics. "
        "Default: `replicas` agents, always.",
    )
    identity: AgentIdentity = Field(
        description="The agents' own AWS identity.",
        json_schema_extra=validations(
            (
                "has(self.roleARN) == (self.management == 'Adopt')",
                "`roleARN` must be set for `management` 'Adopt', and for no other: the operator names what it makes",
            )
        ),
    )
    resources: Resources = Field(default_factory=Resources, description="What each agent asks of its node.")
    node_selector: NodeSelector = Field(default_factory=dict)
    tolerations: Tolerations = ()
    topology_spread_constraints: TopologySpreadConstraints = ()
    priority_class_name: DNSSubdomain | None = Field(
        default=None, description="PriorityClass of the agents' pods; the platform must permit it."
    )
    service: AgentService = Field(
        default_factory=AgentService,
        description="How clients outside the cluster reach the agents.",
        json_schema_extra=validations(
            (
                "!has(self.annotations) || size(self.annotations) == 0 || self.type == 'LoadBalancer'",
                "`annotations` may be set for type 'LoadBalancer' only",
            )
        ),
    )
    log_level: LogLevel = Field(default="info", description="What agents log beside the audit trail.")


class Limits(Model):
    """What clients may take. Each agent counts its own connections; requests are counted over all agents."""

    max_connections: int = Field(
        default=9000, ge=1, le=15000, description="Connections that are logged in, at one agent at a time."
    )
    max_connections_per_identity: int = Field(
        default=1024,
        ge=1,
        le=15000,
        description="Connections that one identity may have open at one agent at a time.",
    )
    requests_per_second: int | None = Field(
        default=None,
        ge=1,
        le=10000000,
        description="Statements a second over all clients, shared evenly between the ready agents. Beyond it clients "
        "are slowed down, and refused with OVERLOADED where that does not help. Default: no limit.",
    )
    max_frame_bytes: int = Field(
        default=16777216,
        ge=65536,
        le=268435456,
        description="Bytes of the longest request body after the login.",
    )


class Consistency(Model):
    """What becomes of consistency levels that Amazon Keyspaces refuses."""

    writes: Literal["UpgradeToLocalQuorum", "PassThrough"] = Field(
        default="UpgradeToLocalQuorum",
        description="`UpgradeToLocalQuorum`: writes are sent with LOCAL_QUORUM, the only level that Amazon Keyspaces "
        "takes for them (cqlsh asks for ONE); `PassThrough`: with what the client asks for.",
    )
    reads: Literal["UpgradeUnsupported", "PassThrough"] = Field(
        default="UpgradeUnsupported",
        description="`UpgradeUnsupported`: reads at levels other than ONE, LOCAL_ONE and LOCAL_QUORUM are sent with "
        "LOCAL_QUORUM (gocql asks for QUORUM); `PassThrough`: with what the client asks for.",
    )

    def passes(self, *, write: bool) -> bool:
        """Whether a statement is sent with the level that the client asks for, whatever Keyspaces says to it."""
        return (self.writes if write else self.reads) == "PassThrough"


class Staleness(Model):
    """What agents do while they cannot know whether access was taken away meanwhile.

    Proof that a policy is current is that the API server says so, and that the operator renews its Lease; the older of
    the two counts.
    """

    max_staleness_seconds: int = Field(
        default=3600,
        ge=30,
        le=604800,
        description="How old the newest proof may be that an agent's policy is current.",
    )
    on_stale: Literal["RefuseNew", "CloseAll"] = Field(
        default="RefuseNew",
        description="What happens when it is older: `RefuseNew`: new logins are refused, and live sessions go on; "
        "`CloseAll`: live sessions are closed too. It ends with the next proof.",
    )


class KeyspacesDatabaseSpec(Model):
    """What is wanted."""

    aws: AWS = Field(description="Account and region.")
    endpoint: Endpoint = Field(
        default_factory=Endpoint,
        description="How agents reach Keyspaces.",
        json_schema_extra=validations(
            (
                "self.type == 'Custom' || (!has(self.serverName) && !has(self.caBundle))",
                "`serverName` and `caBundle` may be set for type 'Custom' only",
            ),
            (
                "self.type in ['VPC', 'Custom'] == has(self.address)",
                "`address` must be set for types 'VPC' and 'Custom', and for no other",
            ),
            (
                "(self.type != 'Custom' && oldSelf.type != 'Custom') || self == oldSelf",
                "a 'Custom' endpoint is immutable: create another database",
            ),
        )
        # Stored, so that the rules of the spec always find an endpoint.
        | {"default": {"type": "Public"}},
    )
    agent: Agent = Field(
        description="The agents.",
        json_schema_extra=validations(
            (
                "!has(self.autoscaling) || (self.replicas >= 1 && self.autoscaling.maxReplicas >= self.replicas)",
                "with `autoscaling`, `replicas` must be at least 1 and at most `autoscaling.maxReplicas`",
            )
        ),
    )
    limits: Limits = Field(default_factory=Limits, description="What clients may take.")
    consistency: Consistency = Field(
        default_factory=Consistency,
        description="What becomes of consistency levels that Amazon Keyspaces refuses. Serial levels always pass.",
    )
    policy: Staleness = Field(
        default_factory=Staleness,
        description="What agents do while they cannot know whether their policy is current.",
    )


SPEC_RULES = validations(
    (
        f"self.endpoint.type != 'FIPS' || self.aws.region in [{_FIPS}]",
        "Keyspaces has no FIPS endpoint in this region: choose another `endpoint.type`",
    ),
    (
        "self.endpoint.type != 'DualStack' || !self.aws.region.startsWith('cn-')",
        "Keyspaces has no dual-stack endpoint in China: choose another `endpoint.type`",
    ),
    (
        f"self.endpoint.type != 'VPC' || (has(self.endpoint.address) && "
        f"self.endpoint.address.matches('{VPC_ENDPOINT_PATTERN}') && "
        "self.endpoint.address.contains('.' + self.aws.region + '.'))",
        "`endpoint.address` must be of the form 'vpce-….cassandra.<region>.vpce.amazonaws.com', in `aws.region`",
    ),
)


OBJECT_RULES = validations(
    (
        f"self.metadata.name.matches('^[a-z0-9]([-a-z0-9]{{0,{DATABASE_NAME_LIMIT - 2}}}[a-z0-9])?$')",
        f"`metadata.name` must have at most {DATABASE_NAME_LIMIT} characters of a-z, 0-9 and '-': "
        "Services are named after it",
    ),
)


class IdentityStatus(Model):
    """What IAM's administrators need in order to trust the agents."""

    role_arn: RoleARN | None = Field(default=None, alias="roleARN", description="ARN of the agents' own IAM role.")
    service_account: str | None = Field(
        default=None, max_length=320, description="`<namespace>/<name>` of the agents' ServiceAccount."
    )
    external_id: str | None = Field(
        default=None, max_length=1224, description="ExternalId of each AssumeRole for this database."
    )
    agent_trust_policy: str | None = Field(
        default=None, max_length=4096, description="Trust policy (JSON) of the agents' own role."
    )
    trust_policy: str | None = Field(
        default=None, max_length=4096, description="Trust policy (JSON) of each role that the agents assume."
    )


class KeyspacesDatabaseStatus(Model):
    """What was seen."""

    conditions: ConditionList = ()
    identity: IdentityStatus | None = Field(default=None, description="For the administrators of IAM.")
    address: str | None = Field(default=None, max_length=320, description="What clients connect to: host:port.")
    external_address: str | None = Field(
        default=None, max_length=320, description="What clients outside the cluster connect to: host:port."
    )
    selector: str | None = Field(default=None, max_length=640, description="Label selector of the agents' pods.")
    ca_bundle: str | None = Field(default=None, max_length=65536, description="PEM: the CA that clients trust.")
    replicas: int = Field(default=0, ge=0, le=10000, description="Agent pods.")
    ready_replicas: int = Field(default=0, ge=0, le=10000, description="Agent pods that take connections.")
    policy_revision: str | None = Field(default=None, max_length=64, description="Revision of the compiled policy.")
    users: int = Field(default=0, ge=0, le=100000, description="KeyspacesUsers with a grant on this database.")
    grants: int = Field(default=0, ge=0, le=100000, description="Grants in the compiled policy.")


class KeyspacesDatabase(Model):
    """One regional Keyspaces endpoint of one AWS account, with the agents that guard it."""

    metadata: ObjectMeta
    spec: KeyspacesDatabaseSpec
    status: KeyspacesDatabaseStatus = Field(default_factory=KeyspacesDatabaseStatus)
