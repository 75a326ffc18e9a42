"""IAM policy documents: their grammar, read strictly.

Source: "Grammar of the IAM JSON policy language", IAM User Guide. What the grammar does not know is refused
with MalformedPolicyDocument: an unknown element, a duplicate key, a principal in an identity policy, a
resource in a trust policy. NotPrincipal is refused in both kinds, as IAM does in role trust policies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn, TypeAlias

from local.aws.errors import AwsError

_Object: TypeAlias = dict[str, object]

_CHARACTERS = re.compile(r"[\t\n\r\u0020-\u00FF]+")
_ACTION = re.compile(r"\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+", re.ASCII)
_SID = re.compile(r"[A-Za-z0-9]*", re.ASCII)
_VERSIONS = ("2008-10-17", "2012-10-17")
_PRINCIPAL_KINDS = ("AWS", "Federated", "Service", "CanonicalUser")
_TRUST_ACTIONS = ("sts:*", "sts:assumerole", "sts:tagsession", "sts:setsourceidentity", "sts:setcontext")


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """The values of Action or Resource; of NotAction or NotResource where `negated`."""

    values: tuple[str, ...]
    negated: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """One operator on one key: true if some value fits (negated operators: if none does)."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """One statement of a policy."""

    sid: str
    allow: bool
    actions: Choice
    resources: Choice | None
    """None in a trust policy: there the resource is the role itself."""
    principals: tuple[tuple[str, str], ...]
    """Kind (AWS, Federated, Service) and value; `("*", "*")` for everyone. Empty in identity policies."""
    conditions: tuple[Condition, ...]


Document: TypeAlias = tuple[Statement, ...]


@lru_cache(maxsize=2048)
def identity_policy(text: str) -> Document:
    """A policy of a user or role, a managed, session or boundary policy. Raises AwsError MalformedPolicyDocument."""
    return _document(text, trust=False)


@lru_cache(maxsize=512)
def trust_policy(text: str) -> Document:
    """The policy of a role that says who may assume it. Raises AwsError MalformedPolicyDocument."""
    return _document(text, trust=True)


def _document(text: str, *, trust: bool) -> Document:
    if not _CHARACTERS.fullmatch(text):
        _malformed("The policy is empty or has characters outside tab, line feed, carriage return, U+0020 to U+00FF.")
    try:
        parsed = json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        _malformed(f"The policy is not in the valid JSON format: {error}.")
    body = _object(parsed, "The policy")
    _only(body, {"Version", "Id", "Statement"}, "the policy")
    if body.get("Version", _VERSIONS[0]) not in _VERSIONS:
        _malformed(f"Policy document must be version 2012-10-17 or greater, not {body['Version']!r}.")
    listed = body.get("Statement")
    statements = listed if isinstance(listed, list) else [listed]
    if listed is None or not statements:
        _malformed("Syntax errors in policy: Statement is required and must not be empty.")
    document = tuple(_statement(_object(item, "A statement"), trust=trust) for item in statements)
    sids = [statement.sid for statement in document if statement.sid]
    if len(set(sids)) != len(sids):
        _malformed("Statement IDs (SID) in a single policy must be unique.")
    return document


def _statement(body: _Object, *, trust: bool) -> Statement:
    own = {"Principal"} if trust else {"Resource", "NotResource"}
    _only(body, {"Sid", "Effect", "Action", "NotAction", "Condition"} | own, "a statement")
    sid, effect = body.get("Sid", ""), body.get("Effect")
    if not isinstance(sid, str) or not _SID.fullmatch(sid):
        _malformed(f"Statement IDs (SID) must be alpha-numeric, not {sid!r}.")
    if effect not in ("Allow", "Deny"):
        _malformed(f"Syntax errors in policy: Effect must be Allow or Deny, not {effect!r}.")
    actions = _choice(body, "Action")
    _check_actions(actions, trust=trust)
    resources = None if trust else _choice(body, "Resource")
    if resources:
        _check_resources(resources)
    return Statement(
        sid=sid,
        allow=effect == "Allow",
        actions=actions,
        resources=resources,
        principals=_principals(body.get("Principal")) if trust else (),
        conditions=_conditions(body.get("Condition", {})),
    )


def _check_actions(actions: Choice, *, trust: bool) -> None:
    for action in actions.values:
        if not _ACTION.fullmatch(action):
            _malformed(f"Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.; got {action!r}.")
        if trust and not action.lower().startswith(_TRUST_ACTIONS):
            _malformed(f"AssumeRole policy may only specify STS AssumeRole actions, not {action!r}.")


def _check_resources(resources: Choice) -> None:
    for resource in resources.values:
        if resource != "*" and (not resource.startswith("arn:") or resource.count(":") < 5):
            _malformed(f'Resource {resource!r} must be in ARN format or "*".')


def _choice(body: _Object, name: str) -> Choice:
    present = [key for key in (name, f"Not{name}") if key in body]
    if len(present) != 1:
        _malformed(f"Syntax errors in policy: a statement must contain exactly one of {name} and Not{name}.")
    return Choice(values=_strings(body[present[0]], present[0]), negated=present[0] != name)


def _principals(element: object) -> tuple[tuple[str, str], ...]:
    if element == "*":
        return (("*", "*"),)
    body = _object(element, "Principal")
    _only(body, set(_PRINCIPAL_KINDS), "Principal")
    found = tuple((kind, value) for kind in body for value in _strings(body[kind], f"Principal {kind}"))
    for kind, value in found:
        if value != "*" and ("*" in value or "?" in value):
            _malformed(f'Invalid principal in policy: "{kind}":"{value}" (only "*" alone may be a wildcard).')
    return found


def _conditions(element: object) -> tuple[Condition, ...]:
    found = []
    for operator, keys in _object(element, "Condition").items():
        for key, values in _object(keys, f"Condition {operator}").items():
            found.append(Condition(operator=operator, key=key, values=_values(values, key)))
    return tuple(found)


def _values(element: object, key: str) -> tuple[str, ...]:
    listed = element if isinstance(element, list) else [element]
    if not all(isinstance(value, str | bool | int | float) for value in listed):
        _malformed(f"Syntax errors in policy: the values of {key} must be strings, numbers or booleans.")
    return tuple(str(value).lower() if isinstance(value, bool) else str(value) for value in listed)


def _strings(element: object, name: str) -> tuple[str, ...]:
    listed: Sequence[object] = element if isinstance(element, list) else [element]
    if not listed or not all(isinstance(value, str) and value for value in listed):
        _malformed(f"Syntax errors in policy: {name} must be a string or a list of strings.")
    return tuple(str(value) for value in listed)


def _object(element: object, name: str) -> _Object:
    if not isinstance(element, dict):
        _malformed(f"Syntax errors in policy: {name} must be an object.")
    return element


def _only(body: _Object, allowed: set[str], where: str) -> None:
    unknown = sorted(set(body) - allowed)
    if unknown:
        _malformed(f"Syntax errors in policy: {where} has prohibited field {', '.join(unknown)}.")


def _unique(pairs: list[tuple[str, object]]) -> _Object:
    body = dict(pairs)
    if len(body) != len(pairs):
        _malformed("Syntax errors in policy: a key occurs twice in one object.")
    return body


def _malformed(message: str) -> NoReturn:
    raise AwsError.malformed_policy(message)
