"""What the documents of a role lack so that agents can assume it and do as it what grants allow.

A reading of texts, not IAM's verdict: a statement with a condition that is not understood here is neither taken for an
allow nor for none. What is missing is told as the very statements to add.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any

from keyward_api.canonical import canonical_json
from keyward_api.iam import ASSUME_ACTIONS, POLICY_VERSION, parse_role_arn, trust_policy_of
from keyward_api.iam_roles.documents import Document, Statement, parse, statements
from keyward_api.permissions import IAM_ACTIONS

_EXTERNAL_ID = "sts:externalid"
_BINDS = frozenset({"StringEquals", "StringLike"})
_EQUALS = _BINDS | {"StringEqualsIfExists", "StringLikeIfExists"}
_PLAIN = frozenset(actions[0] for actions in IAM_ACTIONS.values())
"""The actions without their twins for multi-Region keyspaces, and without those for tags."""


class Reach(Enum):
    """What documents say about one action."""

    ALLOWED = "allowed"
    CONDITIONAL = "conditional"
    """On conditions that are not understood here."""

    DENIED = "denied"
    SILENT = "silent"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustGap:
    """What a trust policy lacks."""

    missing: str
    """Statements to add, as a JSON document; empty where none is missing."""

    denied: tuple[str, ...]
    """Agent roles that a statement denies."""

    conditional: tuple[str, ...]
    """Agent roles that are trusted on conditions that are not understood here."""

    unbound: tuple[str, ...]
    """Agent roles that are trusted without an ExternalId: another tenant's database could use the role through them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PermissionGap:
    """What the policies of a role lack."""

    missing: str
    """Statements to add, as a JSON document; empty where none is missing."""

    denied: tuple[str, ...]
    """`action on ARN` that a statement denies."""

    conditional: tuple[str, ...]
    """`action on ARN` that is allowed on conditions only."""


def trust_gap(document: Document, agents: Mapping[str, Iterable[str]]) -> TrustGap:
    """What a trust policy lacks for agent roles, each with the ExternalIds of its databases."""
    found = statements(document)
    lacking: dict[str, list[str]] = {}
    reached: dict[Reach, list[str]] = {reach: [] for reach in Reach}
    for agent, external_ids in sorted(agents.items()):
        reaches = {
            external_id: [_trusts(found, agent, action, external_id) for action in ASSUME_ACTIONS]
            for external_id in external_ids
        }
        missed = [external_id for external_id, each in reaches.items() if Reach.SILENT in each]
        if missed:
            lacking[agent] = missed
        for reach in (Reach.DENIED, Reach.CONDITIONAL):
            if any(reach in each for each in reaches.values()):
                reached[reach].append(agent)
    return TrustGap(
        missing=trust_policy_of(lacking) if lacking else "",
        denied=tuple(reached[Reach.DENIED]),
        conditional=tuple(reached[Reach.CONDITIONAL]),
        unbound=tuple(agent for agent in sorted(agents) if _is_unbound(found, agent)),
    )


def permission_gap(documents: Sequence[Document], wanted: str) -> PermissionGap:
    """What policies lack of what the document `wanted` allows.

    Of its actions those for multi-Region keyspaces and for tags do not count: a role may well do without them.
    """
    found = [statement for document in documents for statement in statements(document)]
    missing: dict[tuple[str, ...], list[str]] = {}
    reached: dict[Reach, list[str]] = {reach: [] for reach in Reach}
    for actions, resource in _wanted(wanted):
        lacking = []
        for action in actions:
            reach = _permits(found, action, resource)
            reached[reach].append(f"{action} on {resource}")
            lacking += [action] if reach is Reach.SILENT else []
        if lacking:
            missing.setdefault(tuple(lacking), []).append(resource)
    return PermissionGap(
        missing=_allowing(missing) if missing else "",
        denied=tuple(reached[Reach.DENIED]),
        conditional=tuple(reached[Reach.CONDITIONAL]),
    )


def _wanted(document: str) -> Iterator[tuple[list[str], str]]:
    """Pairs of actions and a resource, in the document's order."""
    for statement in parse(document)["Statement"]:
        actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        needed = [action for action in actions if action in _PLAIN]
        resources = [statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"]
        yield from ((needed, resource) for resource in resources)


def _allowing(missing: Mapping[tuple[str, ...], list[str]]) -> str:
    listed: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": list(actions), "Resource": resources} for actions, resources in missing.items()
    ]
    return canonical_json({"Version": POLICY_VERSION, "Statement": listed})


def _permits(found: Sequence[Statement], action: str, resource: str) -> Reach:
    concerned = [s for s in found if _acts(s, action) and _covers(s, resource)]
    return _verdict([(s.allow, Reach.CONDITIONAL if s.conditions else Reach.ALLOWED) for s in concerned])


def _trusts(found: Sequence[Statement], agent: str, action: str, external_id: str) -> Reach:
    concerned = [s for s in found if _acts(s, action) and _names(s, agent)]
    verdicts = [(s.allow, _external_id(s, external_id)) for s in concerned]
    return _verdict([(allow, reach) for allow, reach in verdicts if reach is not Reach.SILENT])


def _verdict(concerned: Sequence[tuple[bool, Reach]]) -> Reach:
    """From statements that concern an action: whether each allows, and whether on conditions."""
    if (False, Reach.ALLOWED) in concerned:
        return Reach.DENIED
    if (True, Reach.ALLOWED) in concerned and (False, Reach.CONDITIONAL) not in concerned:
        return Reach.ALLOWED
    return Reach.CONDITIONAL if any(allow for allow, _ in concerned) else Reach.SILENT


def _external_id(statement: Statement, external_id: str) -> Reach:
    """Whether the statement's conditions hold: ALLOWED if so, SILENT if not, CONDITIONAL if that cannot be told."""
    verdict = Reach.ALLOWED
    for (operator, key), values in statement.conditions.items():
        if key != _EXTERNAL_ID or operator not in _EQUALS:
            verdict = Reach.CONDITIONAL
        elif not any(_has_form(value, external_id, wild="Like" in operator) for value in values):
            return Reach.SILENT
    return verdict


def _is_unbound(found: Sequence[Statement], agent: str) -> bool:
    """Whether some allow lets the agent role in whatever ExternalId it gives, or gives none."""
    trusting = [s for s in found if s.allow and _acts(s, ASSUME_ACTIONS[0]) and _names(s, agent)]
    return not all(any(_binds(*condition) for condition in s.conditions.items()) for s in trusting)


def _binds(condition: tuple[str, str], values: frozenset[str]) -> bool:
    operator, key = condition
    return key == _EXTERNAL_ID and operator in _BINDS and "*" not in values


def _names(statement: Statement, agent: str) -> bool:
    role = parse_role_arn(agent)
    account = {role.account_id, f"arn:{role.partition}:iam::{role.account_id}:root"}
    return bool({"*", agent, *account} & statement.principals.get("AWS", frozenset()))


def _acts(statement: Statement, action: str) -> bool:
    name = action.lower()
    if statement.not_actions:
        return not any(_has_form(pattern, name) for pattern in statement.not_actions)
    return any(_has_form(pattern, name) for pattern in statement.actions)


def _covers(statement: Statement, resource: str) -> bool:
    """Whether all that `resource`, itself a pattern, stands for is meant: its stars are met by stars only.

    An allow of all but some resources covers none: what it leaves out might be needed.
    """
    if statement.not_resources:
        return not statement.allow and not any(_covers_arn(pattern, resource) for pattern in statement.not_resources)
    return any(_covers_arn(pattern, resource) for pattern in statement.resources)


def _covers_arn(pattern: str, arn: str) -> bool:
    if pattern == "*":
        return True
    wanted, given = pattern.split(":", 5), arn.split(":", 5)
    return len(wanted) == len(given) and all(map(_has_form, wanted, given))


def _has_form(pattern: str, value: str, *, wild: bool = True) -> bool:
    """IAM's wildcards: `*` and `?`."""
    return fnmatchcase(value, pattern.replace("[", "[[]")) if wild else pattern == value
