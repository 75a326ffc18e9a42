"""STS: AssumeRole, AssumeRoleWithWebIdentity and GetCallerIdentity.

Source: STS API Reference; "Monitor and control actions taken with assumed roles" (source identity), IAM User
Guide. AssumeRole needs the consent of both sides, the role's trust policy and the caller's own policies, for
sts:AssumeRole, for sts:TagSession where the session has tags, and for sts:SetSourceIdentity where it has a
source identity, inherited ones included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.aws import web_identity
from local.aws.conditions import Context
from local.aws.errors import AwsError
from local.aws.permissions import caller_request, caller_verdict
from local.aws.principals import Credential, Principal, PrincipalKind
from local.aws.session_parameters import (
    SessionTags,
    chained,
    duration,
    packed_percent,
    refuse_unsupported,
    session_policies,
    session_tags,
)
from local.aws.sessions import SessionRegistry
from local.aws.store import IamStore, Role
from local.aws.trust import STS_KEYS, request_values, trust_verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Sts:
    """The service; `store` and `sessions` are shared with IAM and the admin API."""

    account: str
    store: IamStore
    sessions: SessionRegistry
    keys: web_identity.IssuerKeys

    def assume_role(self, parameters: Mapping[str, Any], caller: Principal, now: float) -> dict[str, Any]:
        """Raises AwsError."""
        refuse_unsupported(parameters)
        if caller.kind is PrincipalKind.ROOT:
            raise AwsError.access_denied("Roles may not be assumed by root accounts.")
        tags = session_tags(parameters, caller)
        source = _source_identity(parameters, caller)
        role = self._permitted_role(parameters, caller, tags, source)
        seconds = duration(parameters, role, chained=chained(caller))
        return self._issue(parameters, role, tags=tags, source_identity=source, seconds=seconds, now=now)

    def assume_role_with_web_identity(self, parameters: Mapping[str, Any], now: float) -> dict[str, Any]:
        """Raises AwsError. The call itself is not signed."""
        refuse_unsupported(parameters)
        identity = web_identity.verify(parameters["WebIdentityToken"], store=self.store, keys=self.keys, now=now)
        provider = identity.provider
        values = request_values(parameters, {})
        values |= {
            f"{provider.url}:aud".lower(): (identity.audience,),
            f"{provider.url}:sub".lower(): (identity.subject,),
            "aws:federatedprovider": (provider.arn,),
        }
        action = "sts:AssumeRoleWithWebIdentity"
        role = self.store.role(parameters["RoleArn"])
        if role is None:
            raise AwsError.access_denied(f"Not authorized to perform {action}", reason="the role does not exist")
        verdict = trust_verdict(role, provider, action=action, context=Context(values=values, known=STS_KEYS))
        if not verdict.allowed:
            raise AwsError.access_denied(f"Not authorized to perform {action}{verdict.notes}", reason=verdict.reason)
        tags = SessionTags(requested={}, inherited={}, transitive=frozenset())
        seconds = duration(parameters, role, chained=False)
        result = self._issue(parameters, role, tags=tags, source_identity=None, seconds=seconds, now=now)
        return result | {
            "SubjectFromWebIdentityToken": identity.subject,
            "Audience": identity.audience,
            "Provider": provider.arn,
        }

    def caller_identity(self, caller: Principal) -> dict[str, Any]:
        """Needs no permission."""
        return {"Account": caller.account, "Arn": caller.arn, "UserId": caller.user_id}

    def _permitted_role(
        self, parameters: Mapping[str, Any], caller: Principal, tags: SessionTags, source: str | None
    ) -> Role:
        """As AWS, does not tell a role that does not exist from one that may not be assumed."""
        arn, values = parameters["RoleArn"], request_values(parameters, tags.requested)
        role = self.store.role(arn)
        if role is None:
            raise AwsError.access_denied(_refusal(caller, "sts:AssumeRole", arn), reason="the role does not exist")
        for action in _actions(tags, source):
            request = caller_request(self.store, caller, action=action, resource=arn, values=values, known=STS_KEYS)
            trust = trust_verdict(role, caller, action=action, context=request.context)
            own = caller_verdict(self.store, caller, request)
            if not (trust.allowed and own.allowed):
                raise AwsError.access_denied(
                    _refusal(caller, action, arn) + trust.notes + own.notes,
                    reason="; ".join(verdict.reason for verdict in (trust, own) if verdict.reason),
                )
        return role

    def _issue(
        self,
        parameters: Mapping[str, Any],
        role: Role,
        *,
        tags: SessionTags,
        source_identity: str | None,
        seconds: int,
        now: float,
    ) -> dict[str, Any]:
        policies = session_policies(parameters, self.store)
        packed = packed_percent(parameters, tags)
        name = parameters["RoleSessionName"]
        principal = Principal(
            kind=PrincipalKind.ROLE_SESSION,
            arn=f"arn:aws:sts::{self.account}:assumed-role/{role.name}/{name}",
            account=self.account,
            user_id=f"{role.role_id}:{name}",
            owner_arn=role.arn,
            owner_id=role.role_id,
            source_identity=source_identity,
            tags=tags.all,
            transitive_tag_keys=tags.transitive,
            session_policies=policies,
        )
        credential = self.sessions.issue(principal, expiration=int(now) + seconds, now=now)
        return _described(credential) | _present(PackedPolicySize=packed, SourceIdentity=source_identity)


def _actions(tags: SessionTags, source: str | None) -> Sequence[str]:
    actions = ["sts:AssumeRole"]
    if tags.all:
        actions.append("sts:TagSession")
    if source:
        actions.append("sts:SetSourceIdentity")
    return actions


def _refusal(caller: Principal, action: str, arn: str) -> str:
    return f"User: {caller.arn} is not authorized to perform: {action} on resource: {arn}"


def _source_identity(parameters: Mapping[str, Any], caller: Principal) -> str | None:
    """A source identity, once set, stays for the whole chain."""
    requested: str | None = parameters.get("SourceIdentity")
    if requested and caller.source_identity and requested != caller.source_identity:
        raise AwsError.access_denied(
            _refusal(caller, "sts:SetSourceIdentity", parameters["RoleArn"]),
            reason=f"the calling session's source identity is already {caller.source_identity} and cannot be changed",
        )
    return requested or caller.source_identity


def _described(credential: Credential) -> dict[str, Any]:
    return {
        "Credentials": {
            "AccessKeyId": credential.access_key_id,
            "SecretAccessKey": credential.secret_access_key,
            "SessionToken": credential.session_token,
            "Expiration": datetime.fromtimestamp(credential.expiration or 0, UTC),
        },
        "AssumedRoleUser": {"AssumedRoleId": credential.principal.user_id, "Arn": credential.principal.arn},
    }


def _present(**members: object) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
