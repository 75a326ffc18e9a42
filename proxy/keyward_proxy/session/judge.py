"""Decides one request: a chain of checks, each with its own words for the client.

Reading is remembered for everybody in the cache of readings; what the grant says to it is remembered here, for this
session and this policy revision only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from keyward_api.consistency import ConsistencyLevel, effective
from keyward_api.decision import PARTITIONER, SCHEMA_KEYSPACES, Access, decide, is_system
from keyward_api.permissions import FORMS
from keyward_api.resources.role import RoleOptions
from keyward_proxy.cql.statement import Refusal, Statement
from keyward_proxy.session.context import Caller, SessionContext
from keyward_proxy.session.records import Decision
from keyward_proxy.session.request import Request
from keyward_proxy.session.system_columns import COLUMNS
from keyward_proxy.session.system_tables import is_answered_here
from keyward_proxy.wire.header import Flag, Opcode
from keyward_proxy.wire.responses import ErrorCode
from keyward_proxy.wire.scanner import Frame

SYSTEM_TABLES_RULE = "implied/system_tables"
"""Named in the audit trail where a login reads what the agent itself answers."""

_READABLE = ", ".join(sorted({*(".".join(table) for table in COLUMNS), *SCHEMA_KEYSPACES}))
_REMEMBERED = 256
_REMEMBERED_ACCESSES = 4
"""Decisions on more are made anew: what a session remembers stays below a megabyte, whatever names it makes up."""
_LEVELS = {
    (level.value, writes): (level, effective(level, write=writes))
    for level in ConsistencyLevel
    for writes in (False, True)
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """What the client is told instead of an answer."""

    code: int
    message: str
    extra: bytes = b""


_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_NO_STRINGS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})
"""What YAML takes for something else."""


class Judge:
    """Judges the requests of one session."""

    def __init__(self, context: SessionContext, caller: Caller) -> None:
        self._context = context
        self._caller = caller
        self._decisions: dict[tuple[Access, ...], Decision] = {}
        self._revision = context.policy.revision

    def use(self, caller: Caller) -> None:
        """Decide by another grant from now on."""
        self._caller = caller
        self._decisions.clear()

    def judge(self, request: Request, frame: Frame) -> Refused | None:
        """Why `request` is refused, or None. Sets its decision."""
        for check in _CHECKS:
            refused = check(request, frame, self._caller.grant.options)
            if refused is not None:
                return self.refuse(request, refused)
        statement = request.reading
        if not isinstance(statement, Statement):
            raise TypeError(f"the checks let a request pass of which they know {statement!r}")
        if is_answered_here(statement):
            request.decision = Decision(
                allowed=True, rule=SYSTEM_TABLES_RULE, policy_revision=self._context.policy.revision
            )
            return None
        request.decision = self._decide(statement.accesses)
        if request.decision.allowed:
            return None
        return Refused(code=ErrorCode.UNAUTHORIZED, message=request.decision.reason or "")

    def refuse(self, request: Request, refused: Refused) -> Refused:
        """Note on `request` that it is refused, whatever the grant says."""
        request.decision = Decision(
            allowed=False, policy_revision=self._context.policy.revision, reason=refused.message
        )
        return refused

    def level(self, request: Request) -> bytes | None:
        """Set the request's consistency; returns the two bytes to write where another level must be sent."""
        statement, parameters = request.reading, request.parameters
        if parameters is None or not isinstance(statement, Statement):
            return None
        asked, sent = _LEVELS[parameters.consistency, statement.writes]
        if self._context.policy.database.consistency.passes(write=statement.writes):
            sent = asked
        request.consistency = sent.name
        if asked is sent:
            return None
        request.requested_consistency = asked.name
        return sent.value.to_bytes(2)

    def _decide(self, accesses: tuple[Access, ...]) -> Decision:
        if self._revision != self._context.policy.revision or len(self._decisions) >= _REMEMBERED:
            self._decisions.clear()
            self._revision = self._context.policy.revision
        decision = self._decisions.get(accesses)
        if decision is None:
            decision = self._ask(accesses)
            if decision.allowed and len(accesses) <= _REMEMBERED_ACCESSES:
                self._decisions[accesses] = decision
        return decision

    def _ask(self, accesses: tuple[Access, ...]) -> Decision:
        verdict = decide(self._caller.grant, accesses)
        return Decision(
            allowed=verdict.allowed,
            rule=verdict.rule or None,
            policy_revision=self._revision,
            reason=self._explain(verdict.denied, verdict.rule) if verdict.denied else None,
        )

    def _explain(self, access: Access, rule: str) -> str:
        context, caller = self._context, self._caller
        who = (
            f"{caller.identity.username} may not {access.permission.value} {access.resource} on "
            f"{context.where} as IAM role '{caller.grant.db_user}'"
        )
        namespace = context.policy.database.namespace
        if is_system(access.keyspace) and access != PARTITIONER:
            return f"{who}: of the system keyspaces only {_READABLE} can be read, and none can be written"
        if rule:
            return f"{who}: rule {rule} denies it; ask the owner of namespace {namespace} to change that KeyspacesRole"
        db_user, keyspace, table = map(_yaml, (caller.grant.db_user, access.keyspace, access.table or "*"))
        return (
            f"{who}: ask the owner of namespace {namespace} for a KeyspacesRole rule with dbUsers [{db_user}], "
            f"keyspaces [{keyspace}], tables [{table}], permissions [{access.permission.value}]"
        )


def _yaml(name: str) -> str:
    """A name as it may be pasted into a list of a manifest."""
    plain = _PLAIN.fullmatch(name) and name.lower() not in _NO_STRINGS
    return name if plain else json.dumps(name)


def asks_for_tracing(request: Request, frame: Frame, options: RoleOptions) -> Refused | None:
    """Traces hold statements of others, and Keyspaces keeps none."""
    if frame.flags & Flag.TRACING and not options.allow_tracing:
        return Refused(
            code=ErrorCode.INVALID,
            message="tracing is not allowed by your roles (`options.allowTracing`), and Amazon Keyspaces has none: "
            "switch it off (cqlsh: TRACING OFF)",
        )
    return None


def is_not_prepared(request: Request, frame: Frame, options: RoleOptions) -> Refused | None:
    """Drivers prepare again when they are told so."""
    if request.reading is None:
        prepared_id = request.prepared_id or b""
        return Refused(
            code=ErrorCode.UNPREPARED,
            message=f"prepared id {prepared_id[:32].hex()} is not known on this connection: prepare it again",
            extra=len(prepared_id).to_bytes(2) + prepared_id,
        )
    return None


def is_unreadable(request: Request, frame: Frame, options: RoleOptions) -> Refused | None:
    """What cannot be read in full is refused."""
    if isinstance(request.reading, Refusal):
        return Refused(code=request.reading.code, message=request.reading.message)
    return None


def cannot_be_prepared(request: Request, frame: Frame, options: RoleOptions) -> Refused | None:
    """Keyspaces prepares data statements only; a prepared USE would besides change the keyspace unseen."""
    if request.opcode is Opcode.PREPARE and request.form is not None and not FORMS[request.form].preparable:
        return Refused(
            code=ErrorCode.INVALID, message=f"{request.form} cannot be prepared: send it as a simple statement"
        )
    return None


def asks_for_unknown_consistency(request: Request, frame: Frame, options: RoleOptions) -> Refused | None:
    """A level that no version of the protocol has."""
    parameters = request.parameters
    if parameters is not None and (parameters.consistency, False) not in _LEVELS:
        return Refused(
            code=ErrorCode.PROTOCOL_ERROR, message=f"consistency level 0x{parameters.consistency:04x} is not known"
        )
    return None


_CHECKS: tuple[Callable[[Request, Frame, RoleOptions], Refused | None], ...] = (
    asks_for_tracing,
    is_not_prepared,
    is_unreadable,
    cannot_be_prepared,
    asks_for_unknown_consistency,
)
