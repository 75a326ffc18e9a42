"""Trust policies: may this caller assume this role, tag the session, name its source.

Source: "AWS JSON policy elements: Principal" and "IAM roles: Trust policies", IAM User Guide. A federated
caller is matched by the ARN of its OIDC provider only; everyone else by ARN, by account (its id or its root's
ARN), or by `*`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from local.aws.conditions import Context
from local.aws.documents import Document, trust_policy
from local.aws.errors import AwsError
from local.aws.evaluation import Layer, Request, Verdict, evaluate
from local.aws.principals import Principal
from local.aws.store import IamStore, OidcProvider, Role

Caller: TypeAlias = Principal | OidcProvider

STS_KEYS = frozenset(
    {
        "sts:externalid",
        "sts:sourceidentity",
        "sts:rolesessionname",
        "sts:transitivetagkeys",
        "aws:tagkeys",
        "aws:requesttag/",
        "aws:federatedprovider",
    }
)
"""Condition keys that an AssumeRole or AssumeRoleWithWebIdentity may carry."""


def trust_verdict(role: Role, caller: Caller, *, action: str, context: Context) -> Verdict:
    """The trust policy's verdict on one STS action by `caller`."""
    statements: Document = tuple(
        statement
        for statement in trust_policy(role.trust_policy)
        if any(_is(kind, value, caller) for kind, value in statement.principals)
    )
    request = Request(action=action, resource=role.arn, context=context)
    return evaluate([Layer(name="resource-based policy", documents=(statements,))], request)


def check_principals(store: IamStore, text: str) -> None:
    """IAM stores a trust policy only if the users and roles it names exist. Raises AwsError MalformedPolicyDocument."""
    for statement in trust_policy(text):
        for kind, value in statement.principals:
            if kind == "AWS" and not _exists(store, value):
                raise AwsError.malformed_policy(f'Invalid principal in policy: "AWS":"{value}"')


def request_values(parameters: Mapping[str, object], tags: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The condition keys of an AssumeRole call's own parameters."""
    named = {
        "sts:externalid": "ExternalId",
        "sts:sourceidentity": "SourceIdentity",
        "sts:rolesessionname": "RoleSessionName",
    }
    values: dict[str, tuple[str, ...]] = {
        key: (str(parameters[name]),) for key, name in named.items() if name in parameters
    }
    values |= {f"aws:requesttag/{key.lower()}": (value,) for key, value in tags.items()}
    if tags:
        values["aws:tagkeys"] = tuple(tags)
    transitive = parameters.get("TransitiveTagKeys")
    if isinstance(transitive, list) and transitive:
        values["sts:transitivetagkeys"] = tuple(transitive)
    return values


def _is(kind: str, value: str, caller: Caller) -> bool:
    if isinstance(caller, OidcProvider):
        return kind == "Federated" and value == caller.arn
    if kind not in ("AWS", "*"):
        return False
    return value in ("*", caller.account, f"arn:aws:iam::{caller.account}:root", caller.owner_arn, caller.arn)


def _exists(store: IamStore, value: str) -> bool:
    account = value.removeprefix("arn:aws:iam::").removesuffix(":root")
    return value == "*" or (len(account) == 12 and account.isdecimal()) or store.has_principal(value)
