"""The audit trail's records, one JSON object a line.

Names are camelCase in JSON. The writer adds `seq` and `prev` (the hash chain); the session fills in the
rest. No record ever holds a token or a secret key, nor a literal of a statement unless the database asks
for its full text.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

Outcome = Literal["ok", "error", "denied", "lost"]
StatementOpcode = Literal["QUERY", "PREPARE", "EXECUTE", "BATCH"]


class Resource(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One thing that a statement touches, and the permission that it needs there."""

    permission: str
    keyspace: str
    table: str | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Why a statement went ahead, or did not."""

    allowed: bool
    policy_revision: str
    """Revision of the KeyspacesPolicy that was in force."""

    rule: str | None = None
    """The rule that decided, as the policy names it; None where no rule allows it."""

    reason: str | None = None
    """Why it was refused, as the client was told."""


class Record(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, tag_field="event"):
    """What every record of a session says."""

    time: datetime
    """UTC."""

    cluster: str
    """The uid of the kube-system namespace."""

    namespace: str
    database: str
    agent: str
    """Name of the agent's pod."""

    session: str
    """One id for a client connection and everything that it did."""

    client_address: str
    client_proxied: bool = False
    """True where `client_address` was told by a load balancer."""

    driver: str | None = None
    """Name and version from STARTUP, as the client claims."""

    identity: str | None = None
    """Who the caller is, as Kubernetes authenticated it; None before that."""

    db_user: str | None = None
    """The IAM role that the session uses, or asked for."""


class SessionStart(Record, frozen=True, kw_only=True, tag="session.start"):
    """A login succeeded: the caller is known, AWS accepted the role, Keyspaces accepted the session."""

    grant: str
    """Hash of the effective grant."""

    policy_revision: str
    expires: datetime
    """When the session must end at the latest."""

    attribution: str
    aws_session_name: str
    access_key_id: str


class SessionDenied(Record, frozen=True, kw_only=True, tag="session.denied"):
    """A login failed, or a connection never got that far."""

    reason: str
    """One CamelCase word."""

    message: str
    """What the client was told."""


class SessionEnd(Record, frozen=True, kw_only=True, tag="session.end"):
    """A session that had started is over."""

    reason: str
    """One CamelCase word."""

    message: str
    statements: int
    duration_seconds: float
    bytes_from_client: int
    bytes_to_client: int


class StatementRecord(Record, frozen=True, kw_only=True, tag="statement"):
    """One request that asked for data, and how it ended. Written when it ended."""

    opcode: StatementOpcode
    stream: int
    outcome: Outcome
    """`lost`: it was sent to Keyspaces and no answer came before the connection ended."""

    decision: Decision
    attribution: str | None = None
    aws_session_name: str | None = None
    access_key_id: str | None = None
    form: str | None = None
    """SELECT, INSERT, UPDATE, DELETE or USE; None where the statement could not be read."""

    statement: str | None = None
    """The text as `spec.audit.statements` allows, at most 16 KiB; for EXECUTE that of its PREPARE."""

    statement_sha256: str | None = None
    """SHA-256 of the whole text as the client sent it."""

    resources: tuple[Resource, ...] = ()
    consistency: str | None = None
    """The level that went to Keyspaces."""

    requested_consistency: str | None = None
    """The level that the client asked for, where the agent changed it."""

    prepared_id: str | None = None
    """Hexadecimal."""

    error_code: str | None = None
    """As in `0x2200`; from Keyspaces for `error`, from the agent for `denied`."""

    answered_by: Literal["keyspaces", "agent"] = "keyspaces"
    rows: int | None = None
    latency_ms: float | None = None
    """From the read that brought the request to the one that brought its whole answer."""

    request_bytes: int = 0
    response_bytes: int = 0


AuditRecord: TypeAlias = SessionStart | SessionDenied | SessionEnd | StatementRecord
