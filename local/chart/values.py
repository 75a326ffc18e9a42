"""The types of the chart's values: what `values.schema.json` is made from.

Each value is required, because `values.yaml` gives all of them: what is missing was taken away by a null. Meanings and
defaults are in `values.yaml`; what tenants may ask for is the operator's own model.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from keyward_api.resources.models import DNSLabel, LabelSelector, camel
from keyward_api.tenants import (
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
NonEmpty = Annotated[str, Field(min_length=1)]

Resources = Annotated[dict[str, Any], WithJsonSchema(marker("ResourceRequirements"))]
_POD_NAME = {"properties": {"name": {"const": "POD_NAME"}}}
Variable = Annotated[dict[str, Any], WithJsonSchema({"allOf": [marker("EnvVar"), {"not": _POD_NAME}]})]
"""Not the one that tells the operators of the cluster apart."""

Toleration = Annotated[dict[str, Any], WithJsonSchema(marker("Toleration"))]
Affinity = Annotated[dict[str, Any], WithJsonSchema(marker("Affinity"))]
TopologySpreadConstraint = Annotated[dict[str, Any], WithJsonSchema(marker("TopologySpreadConstraint"))]


class _Values(BaseModel):
    model_config = ConfigDict(alias_generator=camel, extra="forbid", frozen=True)


class TenantEntry(Tenant):
    """An entry of `tenants`. Its selector must be written down: a forgotten one would select every namespace."""

    namespace_selector: LabelSelector


class Image(_Values):
    """Where an image comes from."""

    repository: NonEmpty
    tag: str
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
    ca_bundle: Annotated[str, Field(max_length=262144)]
    network_policy: NetworkPolicySettings


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
    certificate_authorities: CertificateAuthoritySettings
    cluster_domain: Annotated[str, Field(min_length=1, max_length=253)]
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
