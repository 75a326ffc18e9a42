"""IAM policy documents as values: equal where IAM makes no difference, and read statement by statement.

Source: "Grammar of the IAM JSON policy language", IAM User Guide. One value may stand for a list of one; lists are
sets; actions and condition keys are compared without regard to case; statement ids say nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keyward_api.canonical import canonical_json

Document = Mapping[str, Any]

_EVERYBODY = {"AWS": ["*"]}


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """One statement of a document that IAM has accepted."""

    allow: bool
    actions: frozenset[str]
    """Patterns of Action, in lower case; empty where the statement has NotAction."""

    not_actions: frozenset[str]
    resources: frozenset[str]
    """Patterns of Resource; empty in a trust policy, and where the statement has NotResource."""

    not_resources: frozenset[str]
    principals: Mapping[str, frozenset[str]]
    """By kind: AWS, Federated, Service. Everybody for NotPrincipal, which is then among the conditions."""

    conditions: Mapping[tuple[str, str], frozenset[str]]
    """Values by operator and lower-case key."""

    def canonical(self) -> str:
        """The same text for statements that mean the same."""
        return canonical_json(
            {
                "allow": self.allow,
                "actions": sorted(self.actions),
                "notActions": sorted(self.not_actions),
                "resources": sorted(self.resources),
                "notResources": sorted(self.not_resources),
                "principals": {kind: sorted(values) for kind, values in self.principals.items()},
                "conditions": {" ".join(key): sorted(values) for key, values in self.conditions.items()},
            }
        )


def parse(text: str) -> Document:
    """A document from its JSON; raises ValueError where it is none."""
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError("a policy document must be a JSON object")
    return document


def statements(document: Document) -> tuple[Statement, ...]:
    """The statements of a document."""
    listed = document.get("Statement", [])
    return tuple(_statement(item) for item in (listed if isinstance(listed, list) else [listed]))


def same_document(one: Document, other: Document) -> bool:
    """Whether two documents mean the same to IAM, as far as their texts tell."""
    return _canonical(one) == _canonical(other)


def _canonical(document: Document) -> tuple[str, list[str]]:
    version = str(document.get("Version", "2008-10-17"))
    return version, sorted({statement.canonical() for statement in statements(document)})


def _statement(body: Mapping[str, Any]) -> Statement:
    principal = body.get("Principal", "*" if "NotPrincipal" in body else {})
    return Statement(
        allow=body.get("Effect") == "Allow",
        actions=_lower(body.get("Action")),
        not_actions=_lower(body.get("NotAction")),
        resources=_strings(body.get("Resource")),
        not_resources=_strings(body.get("NotResource")),
        principals={kind: _strings(values) for kind, values in (_EVERYBODY if principal == "*" else principal).items()},
        conditions=_conditions(body),
    )


def _conditions(body: Mapping[str, Any]) -> dict[tuple[str, str], frozenset[str]]:
    conditions = dict(body.get("Condition", {}))
    excepted = body.get("NotPrincipal")
    if excepted is not None:
        conditions["NotPrincipal"] = _EVERYBODY if excepted == "*" else excepted
    return {
        (operator, key.lower()): _strings(values)
        for operator, keys in conditions.items()
        for key, values in keys.items()
    }


def _strings(element: object) -> frozenset[str]:
    if element is None:
        return frozenset()
    listed = element if isinstance(element, list) else [element]
    return frozenset(str(value).lower() if isinstance(value, bool) else str(value) for value in listed)


def _lower(element: object) -> frozenset[str]:
    return frozenset(value.lower() for value in _strings(element))
