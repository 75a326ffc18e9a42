"""Makes one session's audit records."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from keyward_api.decision import PolicyView
from keyward_proxy.session.commands import RecordAudit
from keyward_proxy.session.events import Event, UpstreamOpened
from keyward_proxy.session.records import (
    SessionDenied,
    SessionEnd,
    SessionStart,
    StatementOpcode,
    StatementRecord,
)
from keyward_proxy.session.request import Request
from keyward_proxy.session.settings import SessionSettings
from keyward_proxy.wire.header import Opcode

_OPCODES: dict[Opcode, StatementOpcode] = {
    Opcode.QUERY: "QUERY",
    Opcode.PREPARE: "PREPARE",
    Opcode.EXECUTE: "EXECUTE",
    Opcode.BATCH: "BATCH",
}


class AuditTrail:
    """Knows what every record of the session says, and adds the rest."""

    def __init__(self, settings: SessionSettings, policy: PolicyView) -> None:
        database = policy.database
        self._base: dict[str, Any] = {
            "cluster": database.cluster_uid,
            "namespace": database.namespace,
            "database": database.name,
            "agent": settings.agent,
            "session": settings.session_id,
            "client_address": settings.client_address,
            "client_proxied": settings.client_proxied,
        }
        self._aws: dict[str, Any] = {}
        self.statements = 0
        """Statement records made so far."""

    def know(self, **facts: str | None) -> None:
        """Say this in every record from now on: `driver`, `identity`, `db_user`."""
        self._base.update(facts)

    def know_aws(self, opened: UpstreamOpened) -> None:
        """Say how AWS knows the session."""
        self._aws = {
            "attribution": opened.attribution,
            "aws_session_name": opened.aws_session_name,
            "access_key_id": opened.access_key_id,
        }

    def denied(self, event: Event, *, reason: str, message: str) -> RecordAudit:
        """A login failed."""
        record = SessionDenied(time=_utc(event.wall), reason=reason, message=message, **self._base)
        return RecordAudit(record=record)

    def started(self, event: Event, *, grant: str, revision: str, expires: float) -> RecordAudit:
        """A login succeeded."""
        record = SessionStart(
            time=_utc(event.wall),
            grant=grant,
            policy_revision=revision,
            expires=_utc(expires),
            **self._aws,
            **self._base,
        )
        return RecordAudit(record=record)

    def ended(
        self, event: Event, *, reason: str, message: str, seconds: float, from_client: int, to_client: int
    ) -> RecordAudit:
        """A session is over."""
        record = SessionEnd(
            time=_utc(event.wall),
            reason=reason,
            message=message,
            statements=self.statements,
            duration_seconds=round(seconds, 3),
            bytes_from_client=from_client,
            bytes_to_client=to_client,
            **self._base,
        )
        return RecordAudit(record=record)

    def statement(self, event: Event, request: Request) -> RecordAudit:
        """A statement is answered, refused or lost."""
        self.statements += 1
        reading = request.reading
        record = StatementRecord(
            time=_utc(event.wall),
            opcode=_OPCODES[request.opcode],
            stream=request.stream,
            outcome=request.outcome,
            decision=request.decision,
            form=request.form,
            statement=reading.redacted if reading else None,
            statement_sha256=reading.sha256 if reading else None,
            resources=request.resources,
            consistency=request.consistency,
            requested_consistency=request.requested_consistency,
            prepared_id=request.prepared_id.hex() if request.prepared_id else None,
            error_code=f"0x{request.error_code:04x}" if request.error_code is not None else None,
            answered_by="agent" if request.answered_here else "keyspaces",
            rows=request.rows,
            latency_ms=round((event.now - request.received) * 1000, 3),
            request_bytes=request.request_bytes,
            response_bytes=request.response_bytes,
            **self._aws,
            **self._base,
        )
        return RecordAudit(record=record)


def _utc(wall: float) -> datetime:
    return datetime.fromtimestamp(wall, UTC)
