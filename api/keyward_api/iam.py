"""IAM documents made from grants and names: session policies and trust policies.

ARN forms and actions: service authorization reference of Amazon Keyspaces (`:/keyspace/<name>/table/<name>`).
The session policy is the second of three decisions: what the agent decides on CQL, IAM decides again.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keyward_api import names
from keyward_api.canonical import canonical_json
from keyward_api.decision import PARTITIONER, EffectiveGrant, covers_keyspaces, decide, matches
from keyward_api.permissions import IAM_ACTIONS, KEYSPACE_PERMISSIONS, Permission
from keyward_api.resources.policy import PolicyDatabase, PolicyRule

SESSION_POLICY_LIMIT = 2048
"""Characters, STS API reference, AssumeRole `Policy`."""

POLICY_VERSION = "2012-10-17"

ASSUME_ACTIONS = ("sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession")
"""What an agent does to a role: assumes it, in the name of a caller, with the tags of the session."""

SESSION_TAGS = ("keyward:namespace", "keyward:database", "keyward:user")

# What drivers read at connect. A deny that reaches one of these would close the database, so it must be seen.
_SYSTEM_TABLES: dict[str, tuple[str, ...]] = {
    "system": ("local", "peers", "size_estimates", "prepared_statements"),
    "system_schema": (
        *(
            "keyspaces",
            "tables",
            "columns",
            "types",
            "functions",
            "aggregates",
            "triggers",
            "indexes",
            "views",
        ),
        "dropped_columns",
    ),
    "system_schema_mcs": (
        "keyspaces",
        "tables",
        "columns",
        "types",
        "tags",
        "functions",
        "aggregates",
        "views",
    ),
    "system_multiregion_info": ("tables", "keyspaces"),
}

_ROLE_ARN = re.compile(r"arn:(?P<partition>aws[a-z-]*):iam::(?P<account>[0-9]{12}):role/(?:.*/)?(?P<name>[^/]+)")


class SessionPolicyError(ValueError):
    """A grant that IAM cannot be told: too large, or a deny that has no form there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RoleName:
    """An IAM role's ARN, taken apart."""

    partition: str
    account_id: str
    name: str
    """Without its path: IAM role names are unique in an account."""


def parse_role_arn(arn: str) -> RoleName:
    """Take a role ARN apart; raises ValueError for anything else."""
    match = _ROLE_ARN.fullmatch(arn)
    if match is None:
        raise ValueError(f"'{arn}' is not the ARN of an IAM role")
    return RoleName(partition=match["partition"], account_id=match["account"], name=match["name"])


def role_arn(*, partition: str, account_id: str, name: str) -> str:
    """The ARN of a role without a path."""
    return f"arn:{partition}:iam::{account_id}:role/{name}"


def agent_role_arn(*, partition: str, account_id: str, path: str, cluster: str, namespace: str, database: str) -> str:
    """The ARN of the role that the operator makes for a database's agents; `path` is the platform's."""
    below = names.iam_path(path=path, cluster=cluster, namespace=namespace).removeprefix("/")
    name = names.agent_role_name(cluster=cluster, namespace=namespace, database=database)
    return role_arn(partition=partition, account_id=account_id, name=f"{below}{name}")


def keyspaces_prefix(*, partition: str, region: str, account_id: str) -> str:
    """What the ARNs of all keyspaces of an account in a region begin with."""
    return f"arn:{partition}:cassandra:{region}:{account_id}:/keyspace/"


def session_policy(grant: EffectiveGrant, database: PolicyDatabase) -> str:
    """The inline policy of AssumeRole: what the grant allows and denies, and Select on `system*`.

    JSON without white space. Raises SessionPolicyError where it is over 2,048 characters or where a deny
    cannot be said: it is never widened or left out.
    """
    prefix = keyspaces_prefix(partition=database.partition, region=database.region, account_id=database.account_id)
    if (least := _least_characters(grant, prefix)) > SESSION_POLICY_LIMIT:
        raise _too_large(grant, f"more than {least}")
    sets_partitioner = decide(grant, [PARTITIONER]).allowed
    statements = allowing(grant.allow, [prefix], sets_partitioner=sets_partitioner)
    statements += _denies(grant.deny, prefix)
    text = canonical_json({"Version": POLICY_VERSION, "Statement": statements})
    if len(text) > SESSION_POLICY_LIMIT:
        raise _too_large(grant, str(len(text)))
    return text


def _least_characters(grant: EffectiveGrant, prefix: str) -> int:
    """What the resources of its widest rule take without their names, known before thousands of them are written."""
    rules = (*grant.allow, *(rule for rule in grant.deny if not _denies_everything(rule)))
    widths = (
        len(set(rule.keyspaces)) * (1 if covers_keyspaces(rule) else len(set(rule.tables)))
        for rule in rules
        if _in_keyspaces(rule.permissions)
    )
    return max(widths, default=0) * len(prefix)


def _too_large(grant: EffectiveGrant, characters: str) -> SessionPolicyError:
    return SessionPolicyError(
        f"the session policy of IAM role '{grant.db_user}' for {', '.join(grant.users)} has "
        f"{characters} characters, and STS takes {SESSION_POLICY_LIMIT}: name fewer keyspaces and tables, or use '*'"
    )


def allowing(rules: tuple[PolicyRule, ...], prefixes: Sequence[str], *, sets_partitioner: bool) -> list[dict[str, Any]]:
    """Statements that allow what the rules allow under each prefix, and the Select on `system*` of every driver."""
    reads = [f"{prefix}system*" for prefix in prefixes]
    statements = [_statement("Allow", [IAM_ACTIONS[Permission.SELECT][0]], reads)]
    if sets_partitioner:
        local = [f"{prefix}{PARTITIONER.keyspace}/table/{PARTITIONER.table}" for prefix in prefixes]
        statements.append(_statement("Allow", list(IAM_ACTIONS[PARTITIONER.permission]), local))
    return statements + _merged("Allow", rules, prefixes)


def _statement(effect: str, actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Effect": effect, "Action": _one_or_many(actions), "Resource": _one_or_many(resources)}


def _one_or_many(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values


def _actions(permissions: tuple[Permission, ...]) -> list[str]:
    """Without duplicates: several permissions may set tags."""
    return list(dict.fromkeys(action for permission in permissions for action in IAM_ACTIONS[permission]))


def _in_keyspaces(permissions: tuple[Permission, ...]) -> tuple[Permission, ...]:
    """Without the partitioner, whose statement stands apart: no pattern means system.local."""
    return tuple(permission for permission in permissions if permission is not PARTITIONER.permission)


def _merged(effect: str, rules: tuple[PolicyRule, ...], prefixes: Sequence[str]) -> list[dict[str, Any]]:
    """One statement for each set of permissions: resources of equal rules share it."""
    by_permissions: dict[tuple[Permission, ...], dict[str, None]] = {}
    for rule in rules:
        resources = by_permissions.setdefault(_in_keyspaces(rule.permissions), {})
        for prefix in prefixes:
            resources.update(dict.fromkeys(_resources(rule, prefix, denies=effect == "Deny")))
    return [
        _statement(effect, _actions(permissions), sorted(resources))
        for permissions, resources in sorted(by_permissions.items())
        if permissions
    ]


def _resources(rule: PolicyRule, prefix: str, *, denies: bool) -> list[str]:
    """Tables, and keyspaces as a whole where the rule reaches them as `keyward_api.decision` says."""
    keyspaces_too = not KEYSPACE_PERMISSIONS.isdisjoint(rule.permissions)
    if covers_keyspaces(rule):
        below = "*" if keyspaces_too else "table/*"
        return [f"{prefix}{keyspace}/{below}" for keyspace in rule.keyspaces]
    found = [f"{prefix}{keyspace}/table/{table}" for keyspace in rule.keyspaces for table in rule.tables]
    if denies and keyspaces_too:
        found += [f"{prefix}{keyspace}/" for keyspace in rule.keyspaces]
    return found


def _denies(rules: tuple[PolicyRule, ...], prefix: str) -> list[dict[str, Any]]:
    everywhere = [rule for rule in rules if _denies_everything(rule)]
    statements = []
    if everywhere:
        # `*` in a rule never means system*, in IAM it would.
        permissions = _in_keyspaces(tuple(p for p in Permission if any(p in rule.permissions for rule in everywhere)))
        if permissions:
            statements.append(
                {
                    "Effect": "Deny",
                    "Action": _one_or_many(_actions(permissions)),
                    "NotResource": f"{prefix}system*",
                }
            )
    rest = tuple(rule for rule in rules if not _denies_everything(rule))
    for rule in rest:
        _refuse_a_deny_of_the_schema(rule)
    return statements + _merged("Deny", rest, [prefix])


def _denies_everything(rule: PolicyRule) -> bool:
    return "*" in rule.keyspaces and "*" in rule.tables


def _refuse_a_deny_of_the_schema(rule: PolicyRule) -> None:
    if Permission.SELECT not in rule.permissions:
        return
    for keyspace, tables in _SYSTEM_TABLES.items():
        if not any(matches(pattern, keyspace) for pattern in rule.keyspaces):
            continue
        for table in tables:
            if any(matches(pattern, table) for pattern in rule.tables):
                raise SessionPolicyError(
                    f"rule {rule.source} denies Select with patterns that in IAM would cover {keyspace}.{table}, "
                    "which every driver reads: name the keyspaces or tables of the deny more exactly"
                )


def trust_policy(*, agent_role_arn: str, external_id: str) -> str:
    """Trust policy of a role that agents assume: only this agent role, only for this database, named callers."""
    return trust_policy_of({agent_role_arn: [external_id]})


def trust_policy_of(agents: Mapping[str, Iterable[str]]) -> str:
    """Trust policy of a role that agents of several databases assume: by agent role, the ExternalIds of its databases.

    Without agents nobody is trusted, which IAM can only be told by a deny.
    """
    if not agents:
        nobody = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": ASSUME_ACTIONS[0]}
        return canonical_json({"Version": POLICY_VERSION, "Statement": [nobody]})
    assumed = [
        {
            "Effect": "Allow",
            "Principal": {"AWS": agent},
            "Action": ASSUME_ACTIONS[0],
            "Condition": {"StringEquals": {"sts:ExternalId": _one_or_many(sorted(external_ids))}},
        }
        for agent, external_ids in sorted(agents.items())
    ]
    attributed = {
        "Effect": "Allow",
        "Principal": {"AWS": _one_or_many(sorted(agents))},
        "Action": list(ASSUME_ACTIONS[1:]),
    }
    return canonical_json({"Version": POLICY_VERSION, "Statement": [*assumed, attributed]})


def agent_policy(role_arns: Iterable[str]) -> str:
    """The agents' own role's policy: assume these roles, name the source of each session and tag it. Nothing else."""
    statement = _statement("Allow", list(ASSUME_ACTIONS), sorted(role_arns))
    return canonical_json({"Version": POLICY_VERSION, "Statement": [statement]})


def agent_trust_policy(*, issuer: str, agent_role_arn: str, namespace: str, service_account: str) -> str:
    """Trust policy of the agents' own role (IRSA): only this ServiceAccount of this cluster."""
    role = parse_role_arn(agent_role_arn)
    provider = issuer.removeprefix("https://")
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:{role.partition}:iam::{role.account_id}:oidc-provider/{provider}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {
                f"{provider}:aud": "sts.amazonaws.com",
                f"{provider}:sub": f"system:serviceaccount:{namespace}:{service_account}",
            }
        },
    }
    return canonical_json({"Version": POLICY_VERSION, "Statement": [statement]})
