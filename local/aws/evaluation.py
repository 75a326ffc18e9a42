"""The verdict of IAM on one action: explicit denies first, then every layer must allow.

Source: "Policy evaluation logic", IAM User Guide. A layer is a set of policies of one kind, of which one must
allow: the identity-based policies, the permissions boundary, the session policies. Reasons are worded as IAM
words its denials.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from local.aws.conditions import Context, NotImplementedCondition, holds
from local.aws.documents import Choice, Document, Statement
from local.aws.patterns import matches, matches_arn


class Outcome(Enum):
    """What a set of statements says about an action."""

    ALLOWED = "allowed"
    DENIED = "explicitly denied"
    SILENT = "not allowed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """An outcome and, unless allowed, why."""

    outcome: Outcome
    reason: str = ""
    """In IAM's words; empty if allowed."""
    notes: str = ""
    """What local AWS could not evaluate and therefore held against the caller; empty or a text in parentheses."""

    @property
    def allowed(self) -> bool:
        """Whether the action may go on."""
        return self.outcome is Outcome.ALLOWED


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One action on one resource."""

    action: str
    """`service:Action`; compared without regard to case."""
    resource: str
    """An ARN; `*` for an action without a resource."""
    context: Context


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """Policies of one kind."""

    name: str
    """As IAM's messages name it: identity-based policy, session policy, permissions boundary, resource-based policy."""
    documents: tuple[Document, ...]


def evaluate(layers: Sequence[Layer], request: Request) -> Verdict:
    """Allowed if no layer denies and every layer allows."""
    verdicts = [_judge(layer, request) for layer in layers]
    for outcome in (Outcome.DENIED, Outcome.SILENT):
        for verdict in verdicts:
            if verdict.outcome is outcome:
                return verdict
    return Verdict(outcome=Outcome.ALLOWED)


def _judge(layer: Layer, request: Request) -> Verdict:
    allowed, notes = False, []
    for statement in _applicable(layer.documents, request):
        try:
            met = _conditions_hold(statement, request.context)
        except NotImplementedCondition as unknown:
            met = not statement.allow
            notes.append(str(unknown))
        if met and not statement.allow:
            return Verdict(
                outcome=Outcome.DENIED, reason=f"with an explicit deny in {_a(layer.name)}", notes=_noted(notes)
            )
        allowed = allowed or met
    if allowed:
        return Verdict(outcome=Outcome.ALLOWED)
    return Verdict(
        outcome=Outcome.SILENT,
        reason=f"because no {layer.name} allows the {request.action} action",
        notes=_noted(notes),
    )


def _applicable(documents: Iterable[Document], request: Request) -> Iterable[Statement]:
    for document in documents:
        for statement in document:
            if _acts(statement.actions, request.action) and _covers(statement.resources, request.resource):
                yield statement


def _acts(choice: Choice, action: str) -> bool:
    return any(matches(pattern, action, ignore_case=True) for pattern in choice.values) != choice.negated


def _covers(choice: Choice | None, resource: str) -> bool:
    """A resource with a policy variable applies always: its conditions then fail closed."""
    if choice is None or _has_variable(choice):
        return True
    return any(matches_arn(pattern, resource) for pattern in choice.values) != choice.negated


def _has_variable(choice: Choice) -> bool:
    return any("${" in value for value in choice.values)


def _conditions_hold(statement: Statement, context: Context) -> bool:
    if statement.resources and _has_variable(statement.resources):
        raise NotImplementedCondition(f"the policy variable in {statement.resources.values} is not implemented")
    # Every condition is evaluated, so that one that is not implemented shows even where another already failed.
    return all([holds(condition, context) for condition in statement.conditions])


def _a(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _noted(notes: Sequence[str]) -> str:
    return f" (local AWS: {'; '.join(notes)})" if notes else ""
