"""What all resource models share: camelCase names, metadata, conditions, list markers.

Reading tolerates unknown fields (a newer CRD must not crash an older operator); the API server has pruned
what its schema does not know.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

_INITIALISMS = {"id": "ID", "arn": "ARN", "ip": "IP", "uid": "UID", "arns": "ARNs"}


def camel(name: str) -> str:
    """`role_arn` -> `roleARN`, `account_id` -> `accountID`, `ca_bundle` -> `caBundle`."""
    first, *rest = name.split("_")
    return first + "".join(_INITIALISMS.get(word, word.capitalize()) for word in rest)


class Model(BaseModel):
    """A value of the API: immutable, camelCase outside, snake_case inside."""

    model_config = ConfigDict(alias_generator=camel, populate_by_name=True, extra="ignore", frozen=True)

    def to_json_dict(self) -> dict[str, Any]:
        """As the API server wants it: camelCase, without what is unset."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def list_map(*keys: str) -> dict[str, Any]:
    """Schema extras of a list whose items are identified by `keys`: server-side apply merges by them."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


LIST_SET: dict[str, Any] = {"x-kubernetes-list-type": "set"}
LIST_ATOMIC: dict[str, Any] = {"x-kubernetes-list-type": "atomic"}


def validations(*rules: tuple[str, str]) -> dict[str, Any]:
    """CEL rules (rule, message) as schema extras."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in rules]}


class ObjectMeta(Model):
    """The part of metadata that Keyward reads."""

    name: str
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    finalizers: tuple[str, ...] = ()
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None


Timestamp = Annotated[str, Field(max_length=40, json_schema_extra={"format": "date-time"})]


Time = Annotated[AwareDatetime, Field(json_schema_extra={"maxLength": 40})]
"""A moment, as RFC 3339 writes it."""


class ConditionStatus(Model):
    """One condition, as Kubernetes' API conventions define it."""

    type: str = Field(max_length=64, description="What this condition says, for example `Ready`.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it holds.")
    observed_generation: int = Field(
        default=0, ge=0, le=2**53, description="The `metadata.generation` that this was judged by."
    )
    last_transition_time: Timestamp = Field(description="When `status` last changed.")
    reason: str = Field(max_length=128, description="One word for programs: why `status` is what it is.")
    message: str = Field(default="", max_length=4096, description="One sentence for people, with the next step.")


ConditionList = Annotated[
    tuple[ConditionStatus, ...],
    Field(max_length=16, json_schema_extra=list_map("type"), description="What holds now, and why."),
]

NAMES_SHOWN = 256
"""Names that a status lists, the first in order: a status must stay small."""


def shown(names: Iterable[str]) -> list[str]:
    """The names that a status lists."""
    return sorted(names)[:NAMES_SHOWN]


def name_list(description: str) -> Any:  # noqa: ANN401 - what pydantic's Field is
    """A field of a status that lists names of objects."""
    return Field(
        default=(),
        max_length=NAMES_SHOWN,
        json_schema_extra=LIST_ATOMIC,
        description=f"{description} The first {NAMES_SHOWN} in order.",
    )


Name = Annotated[str, Field(max_length=253)]
DNSLabel = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
DNSSubdomain = Annotated[
    str,
    Field(
        min_length=1,
        max_length=253,
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
    ),
]
AccountID = Annotated[str, Field(min_length=12, max_length=12, pattern=r"^[0-9]{12}$")]
Region = Annotated[str, Field(min_length=6, max_length=32, pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]
RoleARN = Annotated[
    str,
    Field(
        min_length=20,
        max_length=2048,
        pattern=r"^arn:aws(-cn|-us-gov)?:iam::[0-9]{12}:role/([!-~]+/)?[A-Za-z0-9_+=,.@-]{1,64}$",
    ),
]
LabelMap = Annotated[dict[str, Annotated[str, Field(max_length=63)]], Field(max_length=32)]


_WITH_VALUES = ("In", "NotIn")
_VALUES_RULE = "`In` and `NotIn` need `values`, the others take none"
REQUIREMENT_RULES = validations(
    (
        f"(self.operator in {list(_WITH_VALUES)}) == (has(self.values) && size(self.values) >= 1)",
        _VALUES_RULE,
    )
)


class LabelSelectorRequirement(Model):
    """One requirement of a label selector."""

    key: str = Field(max_length=317, description="The label key that the requirement is about.")
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"] = Field(description="How `values` are compared.")
    values: tuple[Annotated[str, Field(max_length=63)], ...] = Field(
        default=(), max_length=32, json_schema_extra=LIST_ATOMIC, description="Values for `In` and `NotIn`."
    )

    @model_validator(mode="after")
    def _has_values_to_compare(self) -> Self:
        if (self.operator in _WITH_VALUES) != bool(self.values):
            raise ValueError(_VALUES_RULE)
        return self

    def matches(self, labels: dict[str, str]) -> bool:
        """Whether `labels` meet this requirement (NotIn also holds where the key is absent, as in Kubernetes)."""
        match self.operator:
            case "In":
                return self.key in labels and labels[self.key] in self.values
            case "NotIn":
                return labels.get(self.key) not in self.values
            case "Exists":
                return self.key in labels
            case "DoesNotExist":
                return self.key not in labels


_Requirement = Annotated[LabelSelectorRequirement, Field(json_schema_extra=REQUIREMENT_RULES)]


class LabelSelector(Model):
    """Kubernetes' label selector; the empty one selects everything."""

    match_labels: LabelMap = Field(default_factory=dict, description="Labels that must be there with these values.")
    match_expressions: tuple[_Requirement, ...] = Field(
        default=(),
        max_length=16,
        json_schema_extra=LIST_ATOMIC,
        description="Requirements that all must hold.",
    )

    def matches(self, labels: dict[str, str]) -> bool:
        """Whether `labels` are selected."""
        return all(labels.get(key) == value for key, value in self.match_labels.items()) and all(
            requirement.matches(labels) for requirement in self.match_expressions
        )
