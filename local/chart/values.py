"""The types of the chart's values: what `values.schema.json` is made from.

Each value is required, because `values.yaml` gives all of them: what is missing was taken away by a null. Meanings and
defaults are in `values.yaml`; what tenants may ask for is the operator's own model.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from keyward_api.resources.models import DNSLabel, LabelSelector, camel
from keyward_api.tenants import EnvironmentVariable, ImagePullSecret, Tenant
from local.chart.kubernetes_types import marker

Labels = dict[str, str]
Strings = dict[str, str]
Digest = Annotated[str, Field(pattern=r"^(sha256:[0-9a-f]{64})?$")]
NonEmpty = Annotated[str, Field(min_length=1)]

Resources = Annotated[dict[str, Any], WithJsonSchema(marker("ResourceRequirements"))]
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


class Agents(_Values):
    """How agents are made."""

    namespace: DNSLabel
    create_namespace: bool
    image: Image
    image_pull_secrets: tuple[ImagePullSecret, ...]
    env: tuple[EnvironmentVariable, ...]
    ca_bundle: Annotated[str, Field(max_length=262144)]


class ServiceAccount(_Values):
    """The operator's ServiceAccount."""

    annotations: Strings


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
    cluster_domain: Annotated[str, Field(min_length=1, max_length=253)]
    replica_count: Annotated[int, Field(ge=0, le=5)]
    image: Image
    image_pull_secrets: tuple[ImagePullSecret, ...]
    log_level: Literal["debug", "info", "warning", "error"]
    resources: Resources
    pod_annotations: Strings
    pod_labels: Labels
    node_selector: Labels
    tolerations: tuple[Toleration, ...]
    affinity: Affinity
    topology_spread_constraints: tuple[TopologySpreadConstraint, ...]
    priority_class_name: str
    service_account: ServiceAccount
    crds: CRDs
    rbac: RBAC
    common_labels: Labels
    global_: dict[str, Any] = Field(
        default_factory=dict, alias="global", description="Helm adds it where the chart is a dependency of another."
    )
