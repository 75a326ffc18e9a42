"""The limits of AssumeRole's parameters that no service model states: durations, tags, session policies and
their packed size.

Source: AssumeRole, STS API Reference; "Pass session tags in AWS STS", IAM User Guide. AWS does not publish
how it packs policies and tags; here the packed size is that of their zlib compression, against a budget of
1,024 bytes.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.aws.documents import identity_policy
from local.aws.errors import AwsError
from local.aws.principals import Principal, PrincipalKind
from local.aws.store import IamStore, Role

MAXIMUM_CHAINED_SECONDS = 3600
MAXIMUM_POLICY_CHARACTERS = 2048
MAXIMUM_TAGS = 50
PACKED_BYTES = 1024

_DEFAULT_SECONDS = 3600
_UNSUPPORTED = ("SerialNumber", "TokenCode", "ProvidedContexts", "MinimumSessionTokenSize", "ProviderId")


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionTags:
    """The tags of a session to be."""

    requested: Mapping[str, str]
    inherited: Mapping[str, str]
    transitive: frozenset[str]
    """Lower-case keys."""

    @property
    def all(self) -> dict[str, str]:
        """What the session will carry."""
        return {**self.inherited, **self.requested}


def refuse_unsupported(parameters: Mapping[str, Any]) -> None:
    """Raises AwsError for parameters that AWS knows and local AWS does not."""
    for name in _UNSUPPORTED:
        if name in parameters:
            raise AwsError.not_implemented(f"The parameter {name}")


def duration(parameters: Mapping[str, Any], role: Role, *, chained: bool) -> int:
    """The session's length in seconds. Raises AwsError where it exceeds the role's or the chain's limit."""
    seconds = int(parameters.get("DurationSeconds", _DEFAULT_SECONDS))
    if chained and seconds > MAXIMUM_CHAINED_SECONDS:
        raise AwsError.validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        )
    if seconds > role.max_session_seconds:
        raise AwsError.validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    return seconds


def session_tags(parameters: Mapping[str, Any], caller: Principal) -> SessionTags:
    """Raises AwsError ValidationError for duplicate, reserved, inherited or too many tags."""
    listed = parameters.get("Tags", [])
    requested = {tag["Key"]: tag["Value"] for tag in listed}
    inherited = {key: value for key, value in caller.tags.items() if key.lower() in caller.transitive_tag_keys}
    lower = [tag["Key"].lower() for tag in listed]
    transitive = {key.lower() for key in parameters.get("TransitiveTagKeys", [])}
    if len(set(lower)) != len(lower):
        raise AwsError.validation("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if any(key.startswith("aws:") for key in lower):
        raise AwsError.validation("Tag keys must not begin with aws:, which is reserved.")
    if len(listed) + len(inherited) > MAXIMUM_TAGS:
        raise AwsError.validation(f"A session has at most {MAXIMUM_TAGS} tags, inherited ones included.")
    if not transitive <= set(lower):
        raise AwsError.validation("The specified transitive tag key must be included in the requested tags.")
    taken = sorted(set(lower) & caller.transitive_tag_keys)
    if taken:
        raise AwsError.validation(
            f"One of the specified transitive tag keys can't be set because it conflicts with a "
            f"transitive tag key from the calling session: {', '.join(taken)}"
        )
    return SessionTags(
        requested=requested, inherited=inherited, transitive=frozenset(transitive) | caller.transitive_tag_keys
    )


def session_policies(parameters: Mapping[str, Any], store: IamStore) -> tuple[str, ...]:
    """The documents of Policy and PolicyArns. Raises AwsError ValidationError or MalformedPolicyDocument."""
    inline = parameters.get("Policy")
    arns = [entry.get("arn", "") for entry in parameters.get("PolicyArns", [])]
    plaintext = len(inline or "") + sum(map(len, arns))
    if plaintext > MAXIMUM_POLICY_CHARACTERS:
        raise AwsError.validation(
            f"1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have "
            f"length less than or equal to {MAXIMUM_POLICY_CHARACTERS} (it has {plaintext}, PolicyArns included)"
        )
    managed = [(arn, store.managed_policy(arn)) for arn in arns]
    for arn, text in managed:
        if text is None:
            raise AwsError.malformed_policy(f"The managed policy {arn} does not exist.")
    if inline is not None:
        identity_policy(inline)
    return tuple(text for text in (inline, *(text for _, text in managed)) if text is not None)


def packed_percent(parameters: Mapping[str, Any], tags: SessionTags) -> int | None:
    """The share of the packed size in percent, None where nothing is packed. Raises AwsError PackedPolicyTooLarge."""
    policy = parameters.get("Policy", "")
    parts = [policy, json.dumps(parameters.get("PolicyArns", [])), json.dumps(tags.all)]
    if not (policy or parameters.get("PolicyArns") or tags.all):
        return None
    size = len(zlib.compress("\n".join(parts).encode(), level=9))
    percent = -(-100 * size // PACKED_BYTES)
    if percent > 100:
        raise AwsError(
            "PackedPolicyTooLarge", f"Packed policy consumes {percent}% of allotted space, please use smaller policy."
        )
    return percent


def chained(caller: Principal) -> bool:
    """Whether a role assumed by `caller` is the next link of a chain."""
    return caller.kind is PrincipalKind.ROLE_SESSION
