"""The inline policy of a role that agents assume: what its KeyspacesIAMRole permits, and nothing else."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from keyward_api.canonical import canonical_json
from keyward_api.decision import sets_partitioner
from keyward_api.iam import POLICY_VERSION, allowing, keyspaces_prefix
from keyward_api.permissions import expand
from keyward_api.resources.iam_role import IAMPermission
from keyward_api.resources.policy import PolicyRule

INLINE_LIMIT = 10240
"""Characters of all inline policies of a role together: "IAM and AWS STS quotas", IAM User Guide."""

TRUST_LIMIT = 2048
"""Characters of a trust policy, without a raised quota."""


@dataclass(frozen=True, order=True, kw_only=True, slots=True)
class Place:
    """An account's keyspaces in one region."""

    partition: str
    region: str
    account_id: str

    @property
    def prefix(self) -> str:
        """What the ARNs of its keyspaces begin with."""
        return keyspaces_prefix(partition=self.partition, region=self.region, account_id=self.account_id)


def rules_of(permissions: Sequence[IAMPermission]) -> tuple[PolicyRule, ...]:
    """The permissions of a KeyspacesIAMRole as rules."""
    return tuple(
        PolicyRule(
            source=f"permissions/{index}",
            keyspaces=tuple(sorted(permission.keyspaces)),
            tables=tuple(sorted(permission.tables)),
            permissions=expand(permission.permissions),
        )
        for index, permission in enumerate(permissions)
    )


def permission_policy(rules: tuple[PolicyRule, ...], places: Iterable[Place]) -> str:
    """What the rules allow in these places, and Select on `system*`, as JSON without white space."""
    prefixes = [place.prefix for place in sorted(set(places))]
    partitioner = any(sets_partitioner(rule) for rule in rules)
    statements = allowing(rules, prefixes, sets_partitioner=partitioner)
    return canonical_json({"Version": POLICY_VERSION, "Statement": statements})
