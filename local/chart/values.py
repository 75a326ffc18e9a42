"""The types of the chart's values: what `values.schema.json` is made from.

Each value is required, because `values.yaml` gives all of them: what is missing was taken away by a null. Meanings and
defaults are in `values.yaml`; what tenants may ask for is the operator's own model.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.config import JsonDict

from keyward_api.resources.models import DNSLabel, DNSSubdomain, LabelSelector, camel
from keyward_api.tenants import (
    CABundle,
    CertificateAuthoritySettings,
    ClusterName,
    EnvironmentVariable,
    ImagePullSecret,
    NetworkPolicySettings,
    Tenant,
)
from local.chart.kubernetes_types import marker

_OURS = {"not": {"pattern": r"^(app\.kubernetes\.io|helm\.sh)/"}}
Labels = Annotated[dict[str, str], Field(json_schema_extra={"propertyNames": _OURS})]
"""Labels beside the chart's own, by which its pods are found."""

Strings = dict[str, str]
Digest = Annotated[str, Field(pattern=r"^(sha256:[0-9a-f]{64})?$")]
Repository = Annotated[
    str,
    Field(
        max_length=255,
        pattern=r"^((\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:[0-9]+)?/)?[a-z0-9]+([._-]+[a-z0-9]+)*"
        r"(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$",
    ),
]
Tag = Annotated[str, Field(pattern=r"^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$")]
_LABEL_NAME = r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_LABEL_KEY = rf"^([a-z0-9]([a-z0-9.-]{{0,251}}[a-z0-9])?/)?{_LABEL_NAME}$"
_LABEL_VALUE = rf"^({_LABEL_NAME})?$"
_REQUIREMENT: JsonDict = {
    "properties": {"key": {"pattern": _LABEL_KEY}, "values": {"items": {"pattern": _LABEL_VALUE}}},
    "if": {"properties": {"operator": {"enum": ["In", "NotIn"]}}},
    "then": {"required": ["values"], "properties": {"values": {"minItems": 1}}},
    "else": {"properties": {"values": {"maxItems": 0}}},
}
_SELECTOR: JsonDict = {
    "properties": {
        "matchLabels": {
            "propertyNames": {"pattern": _LABEL_KEY},
            "additionalProperties": {"pattern": _LABEL_VALUE},
        },
        "matchExpressions": {"items": _REQUIREMENT},
    }
}
"""What the API server asks of a selector. `NotIn` without values, which it refuses, would select every namespace."""

_BOUND_WHERE_MANAGED: JsonDict = {
    "if": {"properties": {"mode": {"const": "Manage"}}, "required": ["mode"]},
    "then": {"required": ["permissionsBoundary"], "properties": {"permissionsBoundary": {"type": "string"}}},
}

Resources = Annotated[dict[str, Any], WithJsonSchema(marker("ResourceRequirements"))]
_POD_NAME = {"properties": {"name": {"const": "POD_NAME"}}}
Variable = Annotated[dict[str, Any], WithJsonSchema({"allOf": [marker("EnvVar"), {"not": _POD_NAME}]})]
"""Not the one that tells the operators of the cluster apart."""

Toleration = Annotated[dict[str, Any], WithJsonSchema(marker("Toleration"))]
Affinity = Annotated[dict[str, Any], WithJsonSchema(marker("Affinity"))]
TopologySpreadConstraint = Annotated[dict[str, Any], WithJsonSchema(marker("TopologySpreadConstraint"))]


def _and_properties(schemas: JsonDict) -> ConfigDict:
    """What properties must be, beside what the operator's model says of them."""
    return ConfigDict(json_schema_extra={"allOf": [{"properties": schemas}]})


class _Values(BaseModel):
    model_config = ConfigDict(alias_generator=camel, extra="forbid", frozen=True)


class TenantEntry(Tenant):
    """An entry of `tenants`. Its selector must be written down: a forgotten one would select every namespace."""

    model_config = _and_properties({"namespaceSelector": _SELECTOR, "iam": _BOUND_WHERE_MANAGED})

    namespace_selector: LabelSelector


class AgentNetworkPolicy(NetworkPolicySettings):
    """Who may talk to agents, and whom they may talk to."""

    model_config = _and_properties({"monitoringNamespaces": _SELECTOR})


class CertificateAuthorities(CertificateAuthoritySettings):
    """Of databases. `refusals.yaml` compares the times with each other, so each must be there."""

    model_config = ConfigDict(
        json_schema_extra={"required": ["lifetimeSeconds", "renewBeforeSeconds", "overlapSeconds"]}
    )


class Image(_Values):
    """Where an image comes from."""

    repository: Repository
    tag: Tag
    digest: Digest
    pull_policy: Literal["Always", "IfNotPresent", "Never"]


class Switch(_Values):
    """Something that is there, or not."""

    enabled: bool


class Agents(_Values):
    """How agents are made."""

    namespace: DNSLabel
    create_namespace: bool
    image: Image
    image_pull_secrets: tuple[ImagePullSecret, ...]
    env: tuple[EnvironmentVariable, ...]
    ca_bundle: CABundle
    network_policy: AgentNetworkPolicy


class ServiceAccount(_Values):
    """The operator's ServiceAccount."""

    create: bool
    name: Annotated[str, Field(pattern=r"^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)?$")]
    annotations: Strings


class NetworkPolicy(Switch):
    """What the operator may talk to."""

    egress_ports: tuple[Annotated[int, Field(ge=1, le=65535)], ...]


class Metrics(_Values):
    """How Prometheus finds the pods."""

    pod_monitor: Switch
    service_monitor: Switch
    interval: Annotated[str, Field(pattern=r"^([0-9]+(ms|s|m|h))?$")]
    labels: Labels


class CRDs(_Values):
    """The CustomResourceDefinitions."""

    enabled: bool
    keep: bool


class RBAC(_Values):
    """Roles for people."""

    aggregate_cluster_roles: bool


class Values(_Values):
    """Values of the chart keyward."""

    tenants: tuple[TenantEntry, ...]
    agents: Agents
    certificate_authorities: CertificateAuthorities
    cluster_domain: DNSSubdomain
    cluster_name: ClusterName
    replica_count: Annotated[int, Field(ge=0, le=5)]
    watch_namespaces: Annotated[tuple[DNSLabel, ...], Field(json_schema_extra={"uniqueItems": True})]
    pod_disruption_budget: Switch
    image: Image
    image_pull_secrets: tuple[ImagePullSecret, ...]
    log_level: Literal["debug", "info", "warning", "error"]
    extra_env: tuple[Variable, ...]
    resources: Resources
    pod_annotations: Strings
    pod_labels: Labels
    node_selector: Strings
    tolerations: tuple[Toleration, ...]
    affinity: Affinity
    topology_spread_constraints: tuple[TopologySpreadConstraint, ...]
    priority_class_name: str
    service_account: ServiceAccount
    network_policy: NetworkPolicy
    metrics: Metrics
    crds: CRDs
    rbac: RBAC
    admission_policies: Switch
    common_labels: Labels
    global_: dict[str, Any] = Field(
        default_factory=dict, alias="global", description="Helm adds it where the chart is a dependency of another."
    )
