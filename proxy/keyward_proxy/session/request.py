"""A statement on its way: from its frame to its audit record."""

from __future__ import annotations

from dataclasses import dataclass

from keyward_api.permissions import StatementForm
from keyward_proxy.cql.statement import Reading, Statement
from keyward_proxy.session.records import Decision, Outcome, Resource
from keyward_proxy.wire.header import Opcode
from keyward_proxy.wire.requests import Parameters
from keyward_proxy.wire.scanner import Frame

_OPCODES = {opcode.value: opcode for opcode in Opcode}

UNDECIDED = Decision(allowed=False, policy_revision="")


@dataclass(kw_only=True, slots=True)
class Request:
    """One QUERY, PREPARE, EXECUTE or BATCH."""

    opcode: Opcode
    stream: int
    received: float
    """Monotonic seconds."""

    request_bytes: int
    reading: Reading | None = None
    """What it says; None for a BATCH, an unknown prepared id, and what was refused unread."""

    parameters: Parameters | None = None
    """None for PREPARE and BATCH."""

    prepared_id: bytes | None = None
    """For EXECUTE the id sent, for PREPARE the id that came back."""

    consistency: str | None = None
    requested_consistency: str | None = None
    decision: Decision = UNDECIDED
    outcome: Outcome = "lost"
    """`lost` until it is known better."""

    error_code: int | None = None
    answered_here: bool = False
    rows: int | None = None
    response_bytes: int = 0

    @classmethod
    def of(cls, frame: Frame, *, now: float) -> Request:
        """A request of which nothing but its header is known."""
        return cls(
            opcode=_OPCODES[frame.opcode],
            stream=frame.stream,
            received=now,
            request_bytes=frame.end - frame.start,
        )

    @property
    def form(self) -> StatementForm | None:
        """The statement's form, where it could be read."""
        return self.reading.form if isinstance(self.reading, Statement) else None

    @property
    def resources(self) -> tuple[Resource, ...]:
        """What it touches, where it could be read."""
        if not isinstance(self.reading, Statement):
            return ()
        return tuple(
            Resource(permission=access.permission, keyspace=access.keyspace, table=access.table)
            for access in self.reading.accesses
        )
