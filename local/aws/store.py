"""IAM's entities, kept and served by moto.

Reads return values of our own; the IAM calls themselves are handed to moto as query-protocol requests and its
answers passed on. moto is used from one thread only: the server's event loop.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from moto.core.config import default_user_config
from moto.core.request import Request
from moto.iam.models import iam_backends
from moto.iam.responses import IamResponse

from local.aws.errors import AwsError
from local.aws.principals import Credential, Principal, PrincipalKind

Entity: TypeAlias = Any
"""A user, role, policy or backend of moto's, which is not typed for users of it."""

DEFAULT_MAX_SESSION_SECONDS = 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class Grants:
    """The policies of a user or role, as documents."""

    policies: tuple[str, ...]
    """Inline and attached; of a user also its groups'."""
    boundary: str | None
    """The permissions boundary's document; one that denies all where the boundary's policy is gone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Role:
    """A role, as far as STS looks at it."""

    arn: str
    name: str
    role_id: str
    trust_policy: str
    max_session_seconds: int
    tags: Mapping[str, str]
    grants: Grants


@dataclass(frozen=True, kw_only=True, slots=True)
class OidcProvider:
    """An IAM OIDC identity provider."""

    arn: str
    url: str
    """Without `https://`, as condition keys name it."""
    client_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class IamAnswer:
    """What moto answered to an IAM call."""

    status: int
    body: str


class IamStore:
    """The IAM of one account in partition `aws`."""

    def __init__(self, account: str, *, clock: Callable[[], float] = time.time) -> None:
        self.account = account
        self._clock = clock
        self._hidden_until: dict[str, float] = {}
        # moto reads its AWS managed policies (AmazonKeyspacesReadOnlyAccess and 1,500 others) only when told so.
        default_user_config["iam"]["load_aws_managed_policies"] = True

    @property
    def _backend(self) -> Entity:
        return iam_backends[self.account]["aws"]

    def role(self, arn: str) -> Role | None:
        """The role of that ARN."""
        return next((_role(self, role) for role in self.visible_roles() if role.arn == arn), None)

    def visible_roles(self) -> Iterator[Entity]:
        """moto's roles, without those that are too new to be seen."""
        now = self._clock()
        return (role for role in self._backend.roles.values() if self._hidden_until.get(role.id, now) <= now)

    def hide_role(self, name: str, seconds: float) -> None:
        """Let a role be unseen for so long: IAM is eventually consistent."""
        role = self.entity(name)
        self._hidden_until[role.id] = self._clock() + seconds

    def entity(self, name: str) -> Entity:
        """moto's role of that name. Raises AwsError NoSuchEntity."""
        found = next((role for role in self.visible_roles() if role.name == name), None)
        if found is None:
            raise AwsError("NoSuchEntity", f"The role with name {name} cannot be found.", status=404)
        return found

    def role_arn(self, name: str) -> str | None:
        """The ARN, with its path, of a role by its name."""
        return next((str(role.arn) for role in self.visible_roles() if role.name == name), None)

    def role_boundary(self, name: str) -> str | None:
        """The ARN of a role's permissions boundary."""
        boundary = next((role.permissions_boundary_arn for role in self.visible_roles() if role.name == name), None)
        return str(boundary) if boundary else None

    def user_arn(self, name: str) -> str | None:
        """The ARN, with its path, of a user by its name."""
        user = self._backend.users.get(name)
        return str(user.arn) if user else None

    def role_tags(self, name: str) -> Mapping[str, str]:
        """The tags of a role; none for a role that does not exist."""
        arn = self.role_arn(name)
        role = self.role(arn) if arn else None
        return role.tags if role else {}

    def has_principal(self, arn: str) -> bool:
        """Whether a trust policy may name this user, role or role session."""
        if ":assumed-role/" in arn:
            return self.role_arn(arn.split("/")[1]) is not None
        return arn in self._arns()

    def unique_id(self, kind: str, name: str) -> tuple[str, str] | None:
        """ARN and unique id (AROA..., AIDA...) of a `Role` or `User`."""
        entities = self._backend.roles if kind == "Role" else self._backend.users
        return next((((str(e.arn), str(e.id)) for e in entities.values() if e.name == name)), None)

    def forget_principal(self, arn: str, unique_id: str) -> None:
        """Trust policies that name a deleted user or role show its unique id, and trust its successor no more.

        Source: "AWS JSON policy elements: Principal", IAM User Guide.
        """
        for role in self._backend.roles.values():
            role.assume_role_policy_document = _renamed(role.assume_role_policy_document, arn, unique_id)

    def grants(self, principal: Principal) -> Grants:
        """The policies of a principal's user or role; none where that no longer exists."""
        if principal.kind is PrincipalKind.USER:
            user = next((user for user in self._backend.users.values() if user.arn == principal.owner_arn), None)
            return _user_grants(self._backend, user) if user and user.id == principal.owner_id else _NOTHING
        role = self.role(principal.owner_arn)
        return role.grants if role and role.role_id == principal.owner_id else _NOTHING

    def managed_policy(self, arn: str) -> str | None:
        """The default version of a managed policy."""
        policy = self._backend.managed_policies.get(arn)
        return _document(policy) if policy else None

    def oidc_provider(self, url: str) -> OidcProvider | None:
        """The provider of an issuer, given without `https://`."""
        for provider in self._backend.open_id_providers.values():
            if provider.url.rstrip("/") == url.rstrip("/"):
                return OidcProvider(arn=provider.arn, url=provider.url, client_ids=tuple(provider.client_id_list))
        return None

    def credential(self, access_key_id: str) -> Credential | None:
        """The active access key of a user."""
        for user in self._backend.users.values():
            for key in user.access_keys:
                if key.access_key_id == access_key_id and key.status == "Active":
                    return Credential(
                        access_key_id=access_key_id,
                        secret_access_key=key.secret_access_key,
                        principal=_user_principal(self.account, user),
                    )
        return None

    def dispatch(self, action: str, body: bytes, authorization: str) -> IamAnswer:
        """Hands an IAM call, already authorized, to moto."""
        request = Request.from_primitives(
            "POST",
            "https://iam.amazonaws.com/",
            {
                "Content-Type": "application/x-www-form-urlencoded",
                "Content-Length": str(len(body)),
                # moto finds the user of GetUser or CreateAccessKey without UserName by the key id in here.
                "Authorization": authorization,
                "x-moto-account-id": self.account,
            },
            body,
        )
        try:
            status, _, text = IamResponse.dispatch(request)
        except NotImplementedError as error:
            raise AwsError.not_implemented(f"iam:{action}") from error
        return IamAnswer(status=status, body=text.decode() if isinstance(text, bytes) else text)

    def _arns(self) -> Iterator[str]:
        yield from (role.arn for role in self.visible_roles())
        yield from (user.arn for user in self._backend.users.values())


_NOTHING = Grants(policies=(), boundary=None)


def _role(store: IamStore, role: Entity) -> Role:
    boundary = role.permissions_boundary_arn
    return Role(
        arn=role.arn,
        name=role.name,
        role_id=role.id,
        trust_policy=role.assume_role_policy_document,
        max_session_seconds=int(role.max_session_duration or DEFAULT_MAX_SESSION_SECONDS),
        tags={tag["Key"]: tag["Value"] for tag in role.tags},
        grants=Grants(
            policies=_documents(role),
            boundary=(store.managed_policy(boundary) or _DENY_ALL) if boundary else None,
        ),
    )


_DENY_ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}'


def _user_grants(backend: Entity, user: Entity) -> Grants:
    owners = [user, *backend.get_groups_for_user(user.name)]
    return Grants(policies=tuple(text for owner in owners for text in _documents(owner)), boundary=None)


def _user_principal(account: str, user: Entity) -> Principal:
    return Principal(
        kind=PrincipalKind.USER,
        arn=user.arn,
        account=account,
        user_id=user.id,
        owner_arn=user.arn,
        owner_id=user.id,
    )


def _renamed(document: str, arn: str, unique_id: str) -> str:
    if f'"{arn}"' not in document:
        return document
    body = json.loads(document)
    statements = body["Statement"] if isinstance(body["Statement"], list) else [body["Statement"]]
    for statement in statements:
        principal = statement.get("Principal")
        if isinstance(principal, dict) and "AWS" in principal:
            listed = principal["AWS"] if isinstance(principal["AWS"], list) else [principal["AWS"]]
            renamed = [unique_id if value == arn else value for value in listed]
            principal["AWS"] = renamed if isinstance(principal["AWS"], list) else renamed[0]
    return json.dumps(body)


def _documents(owner: Entity) -> tuple[str, ...]:
    return (*owner.policies.values(), *(_document(policy) for policy in owner.managed_policies.values()))


def _document(policy: Entity) -> str:
    return next(str(version.document) for version in policy.versions if version.is_default)
