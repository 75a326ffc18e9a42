"""What a principal may do by its own policies: those of its user or role, its permissions boundary, its
session policies.
"""

from __future__ import annotations

from collections.abc import Mapping

from local.aws.conditions import Context
from local.aws.documents import identity_policy
from local.aws.evaluation import Layer, Outcome, Request, Verdict, evaluate
from local.aws.principals import Principal, PrincipalKind
from local.aws.store import IamStore

PRINCIPAL_KEYS = frozenset({"aws:sourceidentity", "aws:username", "aws:principaltag/"})
"""Condition keys about the caller that may be absent from a request."""


def principal_context(store: IamStore, principal: Principal) -> Mapping[str, tuple[str, ...]]:
    """The condition keys that describe the caller, by lower-case name."""
    values = {
        "aws:principalarn": (principal.owner_arn,),
        "aws:principalaccount": (principal.account,),
        "aws:userid": (principal.user_id,),
        "aws:securetransport": ("true",),
    }
    if principal.source_identity:
        values["aws:sourceidentity"] = (principal.source_identity,)
    if principal.kind is PrincipalKind.USER:
        values["aws:username"] = (principal.owner_arn.rpartition("/")[2],)
    if principal.kind is PrincipalKind.ROLE_SESSION:
        role = store.role(principal.owner_arn)
        tags = {key.lower(): value for key, value in (role.tags if role else {}).items()}
        tags |= {key.lower(): value for key, value in principal.tags.items()}
        values |= {f"aws:principaltag/{key}": (value,) for key, value in tags.items()}
    return values


def caller_verdict(store: IamStore, principal: Principal, request: Request) -> Verdict:
    """IAM's verdict by the caller's own policies; the root is bound by none."""
    if principal.kind is PrincipalKind.ROOT:
        return Verdict(outcome=Outcome.ALLOWED)
    grants = store.grants(principal)
    layers = [_layer("identity-based policy", grants.policies)]
    if grants.boundary is not None:
        layers.append(_layer("permissions boundary", (grants.boundary,)))
    if principal.session_policies:
        layers.append(_layer("session policy", principal.session_policies))
    return evaluate(layers, request)


def denial(principal: Principal, request: Request, verdict: Verdict) -> str:
    """The sentence with which AWS refuses, reason included."""
    resource = "" if request.resource == "*" else f" on resource: {request.resource}"
    why = verdict.reason + verdict.notes
    return f"User: {principal.arn} is not authorized to perform: {request.action}{resource} {why}"


def caller_request(
    store: IamStore,
    principal: Principal,
    *,
    action: str,
    resource: str,
    values: Mapping[str, tuple[str, ...]] | None = None,
    known: frozenset[str] = frozenset(),
) -> Request:
    """A request by `principal`, with its own condition keys and the action's (`values`, `known`: see Context)."""
    context = Context(values={**principal_context(store, principal), **(values or {})}, known=PRINCIPAL_KEYS | known)
    return Request(action=action, resource=resource, context=context)


def _layer(name: str, texts: tuple[str, ...]) -> Layer:
    return Layer(name=name, documents=tuple(identity_policy(text) for text in texts))
