"""What is asked of STS, and what it gives."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass

from keyward_api.canonical import content_hash
from keyward_api.decision import EffectiveGrant
from keyward_api.iam import SESSION_TAGS, session_policy
from keyward_api.identities import CallerIdentity
from keyward_api.resources.policy import PolicyDatabase
from keyward_proxy.session.secret import Secret

DURATION_SECONDS = 3600
"""STS caps a role assumed with another role's credentials at one hour, and refuses to give more."""

TAG_VALUE_LIMIT = 256
"""Characters, STS API reference, `Tag`."""

_TAG_VALUE = re.compile(r"[\w .:/=+@-]*")
"""Its characters: letters and digits of any script, blanks and these. A person's name may have others."""

ATTRIBUTION = "SourceIdentity,SessionTags"
"""How AWS knows the caller of each session."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """Temporary credentials; printing them shows the key id alone."""

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret | None
    expires: float
    """Unix seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AssumeRoleRequest:
    """All parameters of one AssumeRole call; two requests that differ in any of them never share credentials."""

    region: str
    """Of the STS endpoint that is asked."""

    role_arn: str
    session_name: str
    """RoleSessionName and SourceIdentity."""

    tags: tuple[tuple[str, str], ...]
    external_id: str
    policy: str
    """Inline session policy, JSON."""

    duration_seconds: int = DURATION_SECONDS

    @property
    def key(self) -> str:
        """Hash of all parameters."""
        return content_hash(asdict(self), length=64)


def request_for(grant: EffectiveGrant, identity: CallerIdentity, database: PolicyDatabase) -> AssumeRoleRequest:
    """What STS is asked for when this identity uses this grant.

    Raises keyward_api.iam.SessionPolicyError where IAM cannot be told of the grant.
    """
    return AssumeRoleRequest(
        region=database.region,
        role_arn=grant.role_arn,
        session_name=identity.session_name,
        tags=session_tags(database, identity),
        external_id=grant.external_id,
        policy=session_policy(grant, database),
    )


def session_tags(database: PolicyDatabase, identity: CallerIdentity) -> tuple[tuple[str, str], ...]:
    """The tags by which IAM policies and CloudTrail know database and caller."""
    user = identity.username
    if len(user) > TAG_VALUE_LIMIT or not _TAG_VALUE.fullmatch(user):
        user = identity.session_name.replace(",", "=2C")
    return tuple(zip(SESSION_TAGS, (database.namespace, database.name, user), strict=True))
