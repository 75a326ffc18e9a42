"""Rights as a table: what a role lets do, one line for each resource, each with its reason."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from .objects import Manifest

Rule = tuple[str, str, str, frozenset[str]]
"""Group, resource, name (empty for all objects), verbs."""

READ = frozenset({"get", "list", "watch"})
APPLY = READ | {"create", "patch", "delete"}
WRITE = READ | {"create", "update", "patch", "delete", "deletecollection"}


@dataclass(frozen=True, slots=True)
class Right:
    """What may be done to objects of one resource, and why."""

    group: str
    resource: str
    verbs: frozenset[str] | set[str]
    why: str
    name: str = ""
    """The one object; empty for all."""

    @property
    def rule(self) -> Rule:
        """As a role says it."""
        return self.group, self.resource, self.name, frozenset(self.verbs)


def allowed(rights: Iterable[Right]) -> Counter[Rule]:
    """What a role with exactly these rights says."""
    return Counter(right.rule for right in rights)


def said(role: Manifest) -> Counter[Rule]:
    """What a role says."""
    return Counter(
        (group, resource, name, frozenset(rule["verbs"]))
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", ("",))
    )
