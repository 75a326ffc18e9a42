"""Where and how agents' pods run. Only what schedules: never an image, a command, a variable or a volume."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from keyward_api.resources.models import LIST_ATOMIC, Model, list_map, validations

LABEL_KEY = r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
LabelKey = Annotated[str, Field(min_length=1, max_length=317, pattern=f"^{LABEL_KEY}$")]
_BINARY_UNITS = ("Ki", "Mi", "Gi", "Ti")


def canonical_processors(text: str) -> str:
    """As the API server writes it: `0.25` is `250m`, and `1000m` is `1`.

    Source: Kubernetes' resource.Quantity, "canonical form".
    """
    milli = int(text[:-1]) if text.endswith("m") else int(Decimal(text) * 1000)
    return f"{milli}m" if milli % 1000 else str(milli // 1000)


def canonical_memory(text: str) -> str:
    """As the API server writes it: in the largest unit that has no fraction, so `2048Mi` is `2Gi`."""
    amount, unit = int(text[:-2]), _BINARY_UNITS.index(text[-2:])
    while amount and amount % 1024 == 0 and unit < len(_BINARY_UNITS) - 1:
        amount, unit = amount // 1024, unit + 1
    return f"{amount}{_BINARY_UNITS[unit]}"


Processors = Annotated[
    str,
    Field(min_length=1, max_length=8, pattern=r"^([1-9][0-9]*m|(0|[1-9][0-9]*)(\.[0-9]{1,3})?)$"),
    AfterValidator(canonical_processors),
]
Memory = Annotated[
    str,
    Field(min_length=3, max_length=10, pattern=r"^[1-9][0-9]*(Ki|Mi|Gi)$"),
    AfterValidator(canonical_memory),
]

TOLERATION_RULES = validations(
    ("self.operator == 'Exists' || has(self.key)", "`key` must be set where `operator` is 'Equal'"),
    ("self.operator == 'Equal' || !has(self.value)", "`value` may be set for operator 'Equal' only"),
    (
        "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
        "`tolerationSeconds` may be set for effect 'NoExecute' only",
    ),
)


class Amounts(Model):
    """Amounts of what a node has."""

    cpu: Processors | None = Field(default=None, description="Processors, such as `250m` or `1.5`.")
    memory: Memory | None = Field(default=None, description="Memory, such as `256Mi`.")


class Resources(Model):
    """What each agent asks of its node, and may use at most."""

    requests: Amounts = Field(
        default_factory=Amounts,
        description="What is set aside for it. Default: as much as its limit, without one `50m` and `128Mi`.",
    )
    limits: Amounts = Field(
        default_factory=Amounts,
        description="What it may use. Default: as much processor as there is, and `512Mi` or what is set aside.",
    )


class Toleration(Model):
    """A taint that agents put up with."""

    key: LabelKey | None = Field(default=None, description="The taint's key; unset: every taint.")
    operator: Literal["Equal", "Exists"] = Field(default="Equal", description="How `value` is compared.")
    value: str | None = Field(default=None, max_length=63, description="The taint's value, for `Equal`.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        default=None, description="The taint's effect; unset: every effect."
    )
    toleration_seconds: int | None = Field(
        default=None, ge=0, le=604800, description="Seconds for which a `NoExecute` taint is put up with."
    )


class TopologySpreadConstraint(Model):
    """How evenly the agents of the database are spread; its selector is always theirs."""

    max_skew: int = Field(default=1, ge=1, le=100, description="By how many agents two domains may differ.")
    topology_key: LabelKey = Field(description="The node label whose values are domains.")
    when_unsatisfiable: Literal["DoNotSchedule", "ScheduleAnyway"] = Field(
        default="ScheduleAnyway", description="What becomes of an agent for which there is no such place."
    )


NODE_SELECTOR_RULES = validations(
    (
        f"!self.exists(key, !key.matches('^{LABEL_KEY}$'))",
        "keys of `nodeSelector` must be label keys, such as 'topology.kubernetes.io/zone'",
    ),
)
LabelValue = Annotated[str, Field(max_length=63, pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$")]
NodeSelector = Annotated[
    dict[str, LabelValue],
    Field(
        max_length=32,
        description="Labels of the nodes that agents may run on.",
        json_schema_extra=NODE_SELECTOR_RULES,
    ),
]
Tolerations = Annotated[
    tuple[Annotated[Toleration, Field(json_schema_extra=TOLERATION_RULES)], ...],
    Field(max_length=16, json_schema_extra=LIST_ATOMIC, description="Taints that agents put up with."),
]
TopologySpreadConstraints = Annotated[
    tuple[TopologySpreadConstraint, ...],
    Field(
        max_length=8,
        json_schema_extra=list_map("topologyKey", "whenUnsatisfiable"),
        description="How agents are spread. Default: over nodes and zones, as far as that goes.",
    ),
]
