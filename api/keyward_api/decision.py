"""May this identity do that, under this policy? Pure, and the only place that decides.

A deny wins over every allow of every role; what no allow names is refused. Every login may read the three
schema keyspaces, which each driver does at connect; nothing else of `system*` is ever allowed, whatever
a rule's pattern says, but UpdatePartitioner on system.local, where a rule names both without a pattern, and the
traces, where the role's options allow tracing.

What is about a keyspace as a whole (CREATE, ALTER, DROP KEYSPACE and TYPE) is allowed by rules for all of its tables
only, and denied by a deny for any of them: who may not drop one table may not drop the keyspace with it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from keyward_api.canonical import canonical_json, content_hash
from keyward_api.identities import CallerIdentity
from keyward_api.locking import Locks
from keyward_api.options import strictest
from keyward_api.permissions import Permission
from keyward_api.resources.policy import Grant, KeyspacesPolicySpec, PolicyDatabase, PolicyRule
from keyward_api.resources.role import RoleOptions

SCHEMA_KEYSPACES = frozenset({"system_schema", "system_schema_mcs", "system_multiregion_info"})
IMPLIED_RULE = "implied/system_schema"
TRACES_KEYSPACE = "system_traces"
TRACING_RULE = "option/allowTracing"


class GrantError(ValueError):
    """A login that the policy does not allow; the text is for the caller."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """One permission that a statement needs on one table, or on a keyspace as a whole."""

    permission: Permission
    keyspace: str
    table: str | None = None
    """None for the keyspace as a whole."""

    @property
    def resource(self) -> str:
        """As messages name it: `shop.orders`, or `keyspace shop`."""
        return f"keyspace {self.keyspace}" if self.table is None else f"{self.keyspace}.{self.table}"

    def __str__(self) -> str:
        return f"{self.permission} on {self.resource}"


@dataclass(frozen=True, kw_only=True, slots=True)
class EffectiveGrant:
    """Everything that one identity may do as one IAM role, over all its users, groups and roles."""

    db_user: str
    """Short name of the IAM role."""

    role_arn: str
    external_id: str
    allow: tuple[PolicyRule, ...]
    deny: tuple[PolicyRule, ...]
    users: tuple[str, ...]
    """The KeyspacesUsers that contribute."""

    hash: str
    """Changes exactly when the effect may change."""

    options: RoleOptions = field(default_factory=RoleOptions)
    """The strictest of all that contribute."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """Whether a statement may run, and by which rule."""

    allowed: bool
    rule: str
    """The rule that decided, such as `reader/allow/0`; empty where no rule names the access."""

    denied: Access | None = None
    """The access that was refused."""


ALLOWED_WITHOUT_ACCESS = Decision(allowed=True, rule="")
PARTITIONER = Access(permission=Permission.UPDATE_PARTITIONER, keyspace="system", table="local")
"""Facts of Keyspaces: the partitioner of an account is set by a statement that looks like a write to system.local."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyView:
    """A compiled policy with the indexes that logins need."""

    spec: KeyspacesPolicySpec
    _grants: dict[str, Grant] = field(repr=False)
    _identities: dict[tuple[str, str, str], tuple[str, ...]] = field(repr=False)
    locks: Locks = field(repr=False)

    @classmethod
    def of(cls, spec: KeyspacesPolicySpec) -> "PolicyView":
        """Index a policy."""
        return cls(
            spec=spec,
            _grants={grant.id: grant for grant in spec.grants},
            _identities={(i.kind, i.namespace, i.name): i.grants for i in spec.identities},
            locks=Locks.of(spec.locks),
        )

    @property
    def revision(self) -> str:
        """Hash of the policy."""
        return self.spec.revision

    @property
    def database(self) -> PolicyDatabase:
        """The database that the policy is for."""
        return self.spec.database

    def grants_of(self, identity: CallerIdentity) -> dict[str, EffectiveGrant]:
        """What the identity may do, by IAM role; a role with denies alone is not among them."""
        keys: list[tuple[str, str, str]] = [(identity.kind, identity.namespace, identity.name)]
        keys += [("Group", "", group) for group in sorted(identity.groups)]
        ids = {grant_id for key in keys for grant_id in self._identities.get(key, ())}
        by_role: dict[str, list[Grant]] = {}
        for grant_id in sorted(ids):
            grant = self._grants[grant_id]
            by_role.setdefault(grant.db_user, []).append(grant)
        merged = {name: merge(grants, self.database) for name, grants in sorted(by_role.items())}
        return {name: grant for name, grant in merged.items() if grant.allow}

    def grant_for(self, identity: CallerIdentity, db_user: str) -> EffectiveGrant:
        """The grant that a login asks for.

        `db_user` is an IAM role's name or ARN; empty picks the only one granted. Raises GrantError, whose text
        names the identity, the database, the IAM role and the next step, and nothing of other identities.
        """
        grants = self.grants_of(identity)
        where = f"database {self.database.namespace}/{self.database.name}"
        if not grants:
            raise GrantError(
                f"{identity.username} has no grant on {where}: ask its owner for a KeyspacesUser in namespace "
                f"{self.database.namespace} that names you as a subject, with a KeyspacesRole that allows something"
            )
        if not db_user and len(grants) == 1:
            return next(iter(grants.values()))
        choices = ", ".join(f"'{name}'" for name in grants)
        if not db_user:
            raise GrantError(f"{identity.username} may use several IAM roles on {where}: log in as one of {choices}")
        for grant in grants.values():
            if db_user in (grant.db_user, grant.role_arn):
                return grant
        raise GrantError(
            f"{identity.username} may not use IAM role '{db_user}' on {where}: log in as one of {choices}, or ask "
            f"its owner for a KeyspacesRole in namespace {self.database.namespace} with that name in `dbUsers`"
        )


def merge(grants: list[Grant], database: PolicyDatabase) -> EffectiveGrant:
    """Several grants of one identity on one IAM role as one: allows and denies add up."""
    allow = tuple(dict.fromkeys(rule for grant in grants for rule in grant.allow))
    deny = tuple(dict.fromkeys(rule for grant in grants for rule in grant.deny))
    options = strictest(grant.options for grant in grants)
    first = grants[0]
    effect = {
        "roleARN": first.role_arn,
        "allow": _effects(allow),
        "deny": _effects(deny),
        "options": options.to_json_dict(),
    }
    return EffectiveGrant(
        db_user=first.db_user,
        role_arn=first.role_arn,
        external_id=database.external_id,
        allow=allow,
        deny=deny,
        users=tuple(sorted({grant.user for grant in grants})),
        hash=content_hash(effect),
        options=options,
    )


def narrows(old: EffectiveGrant, new: EffectiveGrant) -> bool:
    """Whether `new` may forbid something that `old` allows; on doubt it does.

    Where it does not, a session may go on for a moment under what it logged in with.
    """
    return (
        new.role_arn != old.role_arn
        or not set(_effects(old.allow)) <= set(_effects(new.allow))
        or not set(_effects(new.deny)) <= set(_effects(old.deny))
        or strictest([old.options, new.options]) != old.options
    )


def _effects(rules: Iterable[PolicyRule]) -> list[str]:
    """What rules do, whoever they are of and in whatever order they stand."""
    return sorted({canonical_json(rule.to_json_dict() | {"source": ""}) for rule in rules})


def decide(grant: EffectiveGrant, accesses: Iterable[Access]) -> Decision:
    """Whether a statement that needs all of `accesses` may run."""
    decision = ALLOWED_WITHOUT_ACCESS
    for access in accesses:
        decision = _decide_one(grant, access)
        if not decision.allowed:
            return decision
    return decision


def _decide_one(grant: EffectiveGrant, access: Access) -> Decision:
    if is_system(access.keyspace):
        return _decide_system(grant, access)
    for rule in grant.deny:
        if _denies(rule, access):
            return Decision(allowed=False, rule=rule.source, denied=access)
    for rule in grant.allow:
        if _covers(rule, access):
            return Decision(allowed=True, rule=rule.source)
    return Decision(allowed=False, rule="", denied=access)


def _decide_system(grant: EffectiveGrant, access: Access) -> Decision:
    if access == PARTITIONER:
        denying = next((rule for rule in grant.deny if _denies(rule, access)), None)
        allowing = next((rule for rule in grant.allow if sets_partitioner(rule)), None)
        decider = denying or allowing
        allowed = denying is None and allowing is not None
        return Decision(allowed=allowed, rule=decider.source if decider else "", denied=None if allowed else access)
    if access.keyspace == TRACES_KEYSPACE and grant.options.allow_tracing:
        reads = access.permission is Permission.SELECT
        return Decision(allowed=reads, rule=TRACING_RULE, denied=None if reads else access)
    implied = access.keyspace in SCHEMA_KEYSPACES and access.permission is Permission.SELECT
    return Decision(allowed=implied, rule=IMPLIED_RULE, denied=None if implied else access)


def is_system(keyspace: str) -> bool:
    """Whether a keyspace is one of Keyspaces' own: by the prefix that IAM policies for Keyspaces go by, `system*`."""
    return keyspace.startswith("system")


def sets_partitioner(rule: PolicyRule) -> bool:
    """Whether an allow is about the account's partitioner: it must name system.local itself, no pattern does."""
    return (
        Permission.UPDATE_PARTITIONER in rule.permissions
        and PARTITIONER.keyspace in rule.keyspaces
        and PARTITIONER.table in rule.tables
    )


def covers_keyspaces(rule: PolicyRule) -> bool:
    """Whether a rule is about its keyspaces as a whole: all tables of them, those to come too."""
    return "*" in rule.tables


def _covers(rule: PolicyRule, access: Access) -> bool:
    if access.permission not in rule.permissions or not _names_keyspace(rule, access.keyspace):
        return False
    if access.table is None:
        return covers_keyspaces(rule)
    return _names_table(rule, access.table)


def _denies(rule: PolicyRule, access: Access) -> bool:
    if access.permission not in rule.permissions or not _names_keyspace(rule, access.keyspace):
        return False
    return access.table is None or _names_table(rule, access.table)


def _names_keyspace(rule: PolicyRule, keyspace: str) -> bool:
    return any(matches(pattern, keyspace) for pattern in rule.keyspaces)


def _names_table(rule: PolicyRule, table: str) -> bool:
    return any(matches(pattern, table) for pattern in rule.tables)


def matches(pattern: str, name: str) -> bool:
    """Whether `name` is of the form `pattern`; `*` stands for any run of characters, the empty one too.

    Takes time linear in both: each literal part is found at its first place, and none is ever tried again, which is
    enough since a later place leaves less of the name to the parts behind it.
    """
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == name
    *middle, last = rest
    if len(name) < len(first) + len(last) or not (name.startswith(first) and name.endswith(last)):
        return False
    at, end = len(first), len(name) - len(last)
    for part in middle:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
