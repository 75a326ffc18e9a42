"""Who calls: the account's root, an IAM user, or the session of an assumed role; and the keys they sign with."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from local.aws.errors import AwsError

_ALPHABET = string.ascii_uppercase + "234567"
_SECRET_ALPHABET = string.ascii_letters + string.digits + "+/"


class PrincipalKind(Enum):
    """The kinds of caller that local AWS knows."""

    ROOT = "root"
    USER = "user"
    ROLE_SESSION = "assumed-role"


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """A caller, as policies and messages name it."""

    kind: PrincipalKind
    arn: str
    """Of a role session: arn:aws:sts::<account>:assumed-role/<role name>/<session name>."""
    account: str
    user_id: str
    """AWS's unique id; of a role session `<role id>:<session name>`."""
    owner_arn: str
    """The ARN in IAM whose policies apply: of the user or of the role; the root's own."""
    owner_id: str = ""
    """The unique id of that user or role: one of the same name made later is another."""
    source_identity: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    """Session tags."""
    transitive_tag_keys: frozenset[str] = frozenset()
    """The tags, by lower-case key, that go on to the next session of a chain."""
    session_policies: tuple[str, ...] = ()
    """The session policy documents; empty where the session has the role's full rights."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """An access key and what belongs to it."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    principal: Principal
    session_token: str | None = field(default=None, repr=False)
    """None for the long-term keys of the root and of users."""
    expiration: float | None = None
    """Unix seconds; None for long-term keys."""

    def expired(self, now: float) -> bool:
        """Whether the session is over."""
        return self.expiration is not None and now >= self.expiration

    def accepts_token(self, token: str | None) -> bool:
        """Whether `token` is the one that was issued with the key; a long-term key has none."""
        if self.session_token is None or token is None:
            return self.session_token is token
        return secrets.compare_digest(self.session_token.encode(), token.encode())


def root_principal(account: str) -> Principal:
    """The account itself: allowed everything, may assume nothing."""
    arn = f"arn:aws:iam::{account}:root"
    return Principal(kind=PrincipalKind.ROOT, arn=arn, account=account, user_id=account, owner_arn=arn)


def new_access_key_id(prefix: str) -> str:
    """Twenty characters: AKIA for long-term keys, ASIA for sessions."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(16))


def new_secret() -> str:
    """A secret access key, of AWS's length."""
    return "".join(secrets.choice(_SECRET_ALPHABET) for _ in range(40))


def expired_token() -> AwsError:
    """What STS and IAM answer to the key of a session that is over."""
    return AwsError("ExpiredToken", "The security token included in the request is expired", status=403)
