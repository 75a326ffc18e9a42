"""An IAM role as IAM tells of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from keyward_api.iam_roles.documents import Document


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """The AWS account of the operator's own identity, in whose IAM it works."""

    partition: str
    account_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RoleState:
    """One role."""

    name: str
    arn: str
    path: str
    description: str
    max_session_seconds: int
    tags: Mapping[str, str]
    boundary: str | None
    """ARN of its permissions boundary."""

    trust: Document
    inline: Mapping[str, Document]
    """Inline policies by name."""

    attached: frozenset[str]
    """ARNs of the managed policies that are attached."""

    managed: Mapping[str, Document] = field(default_factory=dict)
    """Documents of attached policies and boundary by ARN; empty unless they were asked for."""
