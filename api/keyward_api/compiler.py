"""From a database, its roles, its users and its locks to its policy: deterministic, and closed on doubt.

Inputs are complete lists: what is not in them does not exist. What cannot be compiled is left out and named in a
problem; denies are never left out, for a role that lost its denies would allow more than its author wrote:
where a deny cannot be read, the holders of that role get nothing.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from keyward_api import iam, names
from keyward_api.affordability import affordable, cost
from keyward_api.canonical import content_hash
from keyward_api.decision import merge
from keyward_api.endpoints import partition_of, resolve
from keyward_api.iam_roles.references import References
from keyward_api.locks import compile_locks
from keyward_api.names import Reason
from keyward_api.options import strictest
from keyward_api.permissions import expand
from keyward_api.problems import Problem, first_line
from keyward_api.reading import read
from keyward_api.resources.database import KeyspacesDatabase
from keyward_api.resources.policy import (
    Grant,
    KeyspacesPolicySpec,
    PolicyDatabase,
    PolicyEndpoint,
    PolicyRule,
    role_of,
)
from keyward_api.resources.role import RoleOptions, Rule
from keyward_api.resources.user import KeyspacesUser, Subject
from keyward_api.sealing import POLICY_SIZE_LIMIT, seal


@dataclass(frozen=True, kw_only=True, slots=True)
class Compilation:
    """A policy, and what could not become part of it."""

    spec: KeyspacesPolicySpec
    problems: tuple[Problem, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _CompiledRule:
    """A rule as policies have it, and the IAM roles that it is about."""

    rule: PolicyRule
    role_arns: Sequence[str]


@dataclass(slots=True)
class _Role:
    """A KeyspacesRole as far as it could be read; `withheld` says why its holders get nothing."""

    name: str
    allow: list[tuple[str, Rule]] = field(default_factory=list)
    deny: list[tuple[str, Rule]] = field(default_factory=list)
    options: RoleOptions = field(default_factory=RoleOptions)
    withheld: bool = False
    allowed: list[_CompiledRule] = field(default_factory=list)
    """The allows about this database; made once, whoever holds the role."""

    denied: list[_CompiledRule] = field(default_factory=list)


def compile_policy(
    *,
    database: KeyspacesDatabase,
    roles: Sequence[Mapping[str, Any]],
    users: Sequence[Mapping[str, Any]],
    locks: Sequence[Mapping[str, Any]],
    iam_roles: Sequence[Mapping[str, Any]],
    iam_paths: Mapping[str, str],
    agent_role_arn: str,
    cluster_uid: str,
    service_address: str,
    now: datetime,
) -> Compilation:
    """Compile the policy of one database.

    `roles`, `users`, `locks` and `iam_roles` are all KeyspacesRoles, KeyspacesUsers, KeyspacesLocks and
    KeyspacesIAMRoles of the database's namespace as the API server returns them (JSON objects); `iam_paths` are the
    paths of the IAM roles that the operator makes, by the names of their objects; `agent_role_arn` is the agents' own
    role; `service_address` is the IP address of the agents' Service, empty if none yet. Users whose access has ended
    `now` have no grant, and locks that have ended are left out.
    """
    target = _policy_database(database, agent_role_arn, cluster_uid, service_address)
    references = References.of(iam_roles, paths=iam_paths, partition=target.partition, account_id=target.account_id)
    return _Compiler(database, target, references, now).compile(roles, users, locks)


class _Compiler:
    def __init__(
        self, database: KeyspacesDatabase, target: PolicyDatabase, references: References, now: datetime
    ) -> None:
        self._database = database
        self._target = target
        self._references = references
        self._now = now
        self._problems: set[Problem] = set()

    def compile(
        self,
        roles: Sequence[Mapping[str, Any]],
        users: Sequence[Mapping[str, Any]],
        locks: Sequence[Mapping[str, Any]],
    ) -> Compilation:
        by_name = {role.name: role for role in map(self._read_role, _by_name(roles))}
        self._compile_rules(by_name.values())
        grants: dict[str, Grant] = {}
        subjects: dict[tuple[str, str, str], set[str]] = {}
        holders: dict[str, list[str]] = {}
        active = [
            user for user in filter(None, map(self._read_user, _by_name(users))) if not user.spec.ended(self._now)
        ]
        fitting = self._affordable(active, by_name)
        for user in active:
            own = self._grants_of(user, by_name, fitting)
            for name in user.spec.roles if own else ():
                holders.setdefault(name, []).append(user.metadata.name)
            grants.update({grant.id: grant for grant in own})
            for subject in user.spec.subjects:
                subjects.setdefault(_subject_key(subject), set()).update(grant.id for grant in own)
        grants = self._without_ambiguous_roles(grants)
        grants = self._within_the_session_policy(grants)
        self._report_large_sums(grants, subjects)
        locked = compile_locks(locks, database=self._target, holders=holders, now=self._now)
        self._problems.update(locked.problems)
        sealed = seal(self._target, grants, subjects, locked.locks)
        for grant in sealed.withheld:
            self._too_large(grant.user, f" as '{grant.db_user}'")
        return Compilation(
            spec=sealed.spec,
            problems=tuple(sorted(self._problems, key=lambda problem: (problem.reason, problem.message))),
        )

    def _problem(self, reason: str, message: str, *, users: tuple[str, ...] = (), roles: tuple[str, ...] = ()) -> None:
        self._problems.add(Problem(reason=reason, message=message, users=users, roles=roles))

    def _too_large(self, user: str, what: str = "") -> None:
        self._problem(
            Reason.POLICY_TOO_LARGE,
            f"KeyspacesUser {user} has no grant{what}: the policy would be too large; name "
            "groups instead of single subjects, fewer users, or move some of them to another database",
            users=(user,),
        )

    def _read_role(self, document: Mapping[str, Any]) -> _Role:
        role = _Role(name=document["metadata"]["name"])
        spec = document.get("spec") or {}
        try:
            role.options = RoleOptions.model_validate(spec.get("options") or {})
            role.deny = [_read_rule(role.name, "deny", i, rule) for i, rule in enumerate(spec.get("deny") or ())]
        except (ValidationError, TypeError) as error:
            role.withheld = True
            self._problem(
                Reason.ROLE_INVALID,
                f"KeyspacesRole {role.name}: its denies or options cannot be read, so its holders get no grant: "
                f"{first_line(error)}",
                roles=(role.name,),
            )
            return role
        try:
            role.allow = [_read_rule(role.name, "allow", i, rule) for i, rule in enumerate(spec.get("allow") or ())]
        except (ValidationError, TypeError) as error:
            self._problem(
                Reason.ROLE_INVALID,
                f"KeyspacesRole {role.name}: an allow cannot be read, so only its denies count: {first_line(error)}",
                roles=(role.name,),
            )
        return role

    def _read_user(self, document: Mapping[str, Any]) -> KeyspacesUser | None:
        user, why = read(KeyspacesUser, document)
        if user is None:
            name = document["metadata"]["name"]
            self._problem(
                Reason.USER_INVALID,
                f"KeyspacesUser {name} cannot be read, so it has no grant: {why}",
                users=(name,),
            )
        return user

    def _affordable(self, users: Sequence[KeyspacesUser], roles: Mapping[str, _Role]) -> frozenset[str] | None:
        """Users whose allows may fit into a policy; None where not even all denies do."""
        costs = {}
        for user in users:
            held = [roles[name] for name in user.spec.roles if name in roles]
            costs[user.metadata.name] = cost(
                allows=[len(compiled.role_arns) for role in held for compiled in role.allowed],
                denies=[len(compiled.role_arns) for role in held for compiled in role.denied],
                subjects=len(user.spec.subjects),
            )
        return affordable(costs, limit=POLICY_SIZE_LIMIT)

    def _grants_of(
        self, user: KeyspacesUser, roles: Mapping[str, _Role], fitting: frozenset[str] | None
    ) -> list[Grant]:
        held = []
        for name in sorted(user.spec.roles):
            if name in roles:
                held.append(roles[name])
            else:
                self._problem(
                    Reason.ROLE_NOT_FOUND,
                    f"KeyspacesUser {user.metadata.name} names KeyspacesRole {name}, which does not exist: create it",
                    users=(user.metadata.name,),
                )
        if any(role.withheld for role in held):
            return []
        if fitting is None or user.metadata.name not in fitting:
            self._too_large(user.metadata.name)
        if fitting is None:
            return []
        allow = _by_iam_role(held, lambda role: role.allowed) if user.metadata.name in fitting else {}
        deny = _by_iam_role(held, lambda role: role.denied)
        options = strictest(role.options for role in held if self._concerns(role))
        return [
            Grant(
                id=content_hash([user.metadata.name, arn], length=16),
                user=user.metadata.name,
                db_user=iam.parse_role_arn(arn).name,
                role_arn=arn,
                allow=tuple(allow.get(arn, ())),
                deny=tuple(deny.get(arn, ())),
                options=options,
                not_after=user.spec.expire_time and user.spec.expire_time.astimezone(UTC),
            )
            for arn in sorted(allow.keys() | deny.keys())
        ]

    def _concerns(self, role: _Role) -> bool:
        """Whether some rule of a role is about this database; its options then hold for every session there."""
        return any(self._is_about_us(rule) for _, rule in (*role.allow, *role.deny))

    def _compile_rules(self, roles: Collection[_Role]) -> None:
        """Of all roles, so that problems are told even if nobody holds them."""
        every = self._references.every()
        # What `*` stands for in a deny: no role that anybody could log in as escapes it.
        anywhere = {reference.arn for reference in self._references.roles}
        for role in roles:
            role.allowed = self._compiled(role.allow, every=every)
            for source, rule in role.allow:
                if "*" in rule.db_users and self._is_about_us(rule):
                    self._report_every(source, every)
            for compiled in (*role.allowed, *self._compiled(role.deny, every=())):
                anywhere.update(compiled.role_arns)
        everywhere = tuple(sorted(anywhere))
        for role in roles:
            role.denied = self._compiled(role.deny, every=everywhere)

    def _report_every(self, source: str, every: Sequence[str]) -> None:
        """An allow of `*` may mean less than its author thinks."""
        for name, why in sorted(self._references.unreadable.items()):
            self._problem(
                Reason.ROLE_INVALID,
                f"rule {source} names '*' in `dbUsers`, without KeyspacesIAMRole {name}, which cannot be read: {why}",
                roles=(role_of(source),),
            )
        if not every:
            self._problem(
                Reason.IAM_ROLE_NOT_FOUND,
                f"rule {source} names '*' in `dbUsers`, and this namespace has no KeyspacesIAMRole of account "
                f"{self._target.account_id}, as KeyspacesDatabase {self._target.name} is: create one",
                roles=(role_of(source),),
            )

    def _compiled(self, rules: Iterable[tuple[str, Rule]], *, every: Sequence[str]) -> list[_CompiledRule]:
        """Rules about this database; `every`: the ARNs that `*` stands for."""
        return [
            _CompiledRule(rule=_policy_rule(source, rule), role_arns=self._arns_named(source, rule, every))
            for source, rule in rules
            if self._is_about_us(rule)
        ]

    def _arns_named(self, source: str, rule: Rule, every: Sequence[str]) -> Sequence[str]:
        if rule.db_users == ("*",):
            return every  # the one list for all rules: they may be many, and it may be long
        named = (every if name == "*" else self._role_arns(name, source) for name in rule.db_users)
        return tuple(dict.fromkeys(arn for arns in named for arn in arns))

    def _is_about_us(self, rule: Rule) -> bool:
        metadata = self._database.metadata
        return rule.databases.matches(name=metadata.name, labels=metadata.labels)

    def _role_arns(self, db_user: str, source: str) -> Sequence[str]:
        target = self._target
        if not db_user.startswith("arn:"):
            return self._references.arns(db_user)
        role = iam.parse_role_arn(db_user)
        if (role.partition, role.account_id) == (target.partition, target.account_id):
            return (db_user,)
        self._problem(
            Reason.ROLE_INVALID,
            f"rule {source} names {db_user}, which is not of account {target.account_id} ({target.partition}) "
            f"as KeyspacesDatabase {target.name} is: name a role of that account",
            roles=(role_of(source),),
        )
        return ()

    def _without_ambiguous_roles(self, grants: dict[str, Grant]) -> dict[str, Grant]:
        """IAM role names are unique in an account, so one name with two paths is somebody's mistake."""
        named: dict[str, list[Grant]] = {}
        for grant in grants.values():
            named.setdefault(grant.db_user, []).append(grant)
        arns = {name: self._arns_of(name, found) for name, found in named.items()}
        ambiguous = {name for name, found in arns.items() if len(found) > 1}
        for name in sorted(ambiguous):
            made = self._references.managed(name)
            advice = f"name it '{name}', as KeyspacesIAMRole {made.object_name} does" if made else "use one ARN"
            self._problem(
                Reason.ROLE_INVALID,
                f"IAM role '{name}' is named with different paths ({', '.join(sorted(arns[name]))}): {advice}",
                users=tuple(sorted({grant.user for grant in named[name]})),
                roles=tuple(sorted({role for grant in named[name] for role in grant.roles})),
            )
        return {k: _without_allows(g) if g.db_user in ambiguous else g for k, g in grants.items()}

    def _arns_of(self, name: str, grants: Iterable[Grant]) -> set[str]:
        """The ARNs by which a role is named; where the operator makes it, by its KeyspacesIAMRole too."""
        made = self._references.managed(name)
        return {grant.role_arn for grant in grants} | ({made.arn} if made else set())

    def _within_the_session_policy(self, grants: dict[str, Grant]) -> dict[str, Grant]:
        kept = dict(grants)
        for key, grant in grants.items():
            try:
                iam.session_policy(merge([grant], self._target), self._target)
            except iam.SessionPolicyError as error:
                kept[key] = _without_allows(grant)
                self._problem(
                    Reason.GRANT_TOO_LARGE, f"KeyspacesUser {grant.user} has no grant: {error}", users=(grant.user,)
                )
        return kept

    def _report_large_sums(
        self, grants: Mapping[str, Grant], subjects: Mapping[tuple[str, str, str], set[str]]
    ) -> None:
        """Grants that fit one by one may not fit together; the agent refuses such a login, this tells why."""
        for (kind, namespace, name), ids in sorted(subjects.items()):
            by_role: dict[str, list[Grant]] = {}
            for grant_id in sorted(ids):
                by_role.setdefault(grants[grant_id].db_user, []).append(grants[grant_id])
            for held in by_role.values():
                if len(held) == 1:
                    continue  # it was told of by itself
                try:
                    iam.session_policy(merge(held, self._target), self._target)
                except iam.SessionPolicyError as error:
                    who = f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"
                    users = tuple(sorted({grant.user for grant in held}))
                    self._problem(Reason.GRANT_TOO_LARGE, f"{who} cannot log in: {error}", users=users)


def _policy_database(
    database: KeyspacesDatabase, agent_role_arn: str, cluster_uid: str, service_address: str
) -> PolicyDatabase:
    metadata, spec = database.metadata, database.spec
    endpoint = resolve(spec)
    return PolicyDatabase(
        namespace=metadata.namespace,
        name=metadata.name,
        uid=metadata.uid,
        cluster_uid=cluster_uid,
        account_id=spec.aws.account_id,
        region=spec.aws.region,
        partition=partition_of(spec.aws.region),
        endpoint=PolicyEndpoint(
            address=endpoint.address,
            port=endpoint.port,
            server_name=endpoint.server_name,
            ca_bundle=endpoint.ca_bundle,
        ),
        agent_role_arn=agent_role_arn,
        external_id=names.external_id(cluster_uid=cluster_uid, namespace=metadata.namespace, database=metadata.name),
        audience=names.token_audience(namespace=metadata.namespace, database=metadata.name),
        service_address=service_address,
        limits=spec.limits,
        consistency=spec.consistency,
        staleness=spec.policy,
    )


def _by_name(documents: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(documents, key=lambda document: str(document["metadata"]["name"]))


def _read_rule(role: str, effect: str, index: int, document: Mapping[str, Any]) -> tuple[str, Rule]:
    return f"{role}/{effect}/{index}", Rule.model_validate(document)


def _by_iam_role(
    roles: Iterable[_Role], rules: Callable[[_Role], Iterable[_CompiledRule]]
) -> dict[str, list[PolicyRule]]:
    """The rules of several roles by the ARNs of the IAM roles that they are about."""
    found: dict[str, list[PolicyRule]] = {}
    for role in roles:
        for compiled in rules(role):
            for arn in compiled.role_arns:
                found.setdefault(arn, []).append(compiled.rule)
    return found


def _policy_rule(source: str, rule: Rule) -> PolicyRule:
    return PolicyRule(
        source=source,
        keyspaces=tuple(sorted(rule.keyspaces)),
        tables=tuple(sorted(rule.tables)),
        permissions=expand(rule.permissions),
    )


def _subject_key(subject: Subject) -> tuple[str, str, str]:
    return (subject.kind, subject.namespace or "", subject.name)


def _without_allows(grant: Grant) -> Grant:
    return grant.model_copy(update={"allow": ()})
