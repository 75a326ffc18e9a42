"""From a request's frame to what it asks for: texts through the cache of readings, ids through what was prepared here.

A BATCH is read child by child and then counts as one statement that needs all that its children need. It is held to
be no less than the sum of them: a child that cannot be read, that is not known, or that is no data statement,
refuses the whole.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from keyward_api.permissions import StatementForm
from keyward_proxy.cql.cache import ReadingCache
from keyward_proxy.cql.errors import INVALID
from keyward_proxy.cql.statement import Refusal, Statement
from keyward_proxy.session.prepared import PreparedStatements
from keyward_proxy.session.request import Request
from keyward_proxy.session.settings import MAXIMUM_BATCH_CHILDREN, MAXIMUM_BATCH_VALUES, STATEMENT_CHARACTERS
from keyward_proxy.wire.header import Opcode
from keyward_proxy.wire.requests import (
    Batch,
    BatchChild,
    BatchTooLarge,
    read_batch,
    read_execute,
    read_prepare,
    read_query,
)
from keyward_proxy.wire.scanner import Frame

_IN_A_BATCH = frozenset(
    {
        StatementForm.INSERT,
        StatementForm.UPDATE,
        StatementForm.DELETE,
        StatementForm.CONDITIONAL_INSERT,
        StatementForm.CONDITIONAL_UPDATE,
        StatementForm.CONDITIONAL_DELETE,
    }
)


class RequestReader:
    """Reads the requests of one connection."""

    def __init__(self, *, readings: ReadingCache, prepared: PreparedStatements) -> None:
        self._readings = readings
        self._prepared = prepared

    def read(self, request: Request, frame: Frame, keyspace: str | None) -> None:
        """Set what `request` says while `keyspace` is in use. Raises ProtocolViolation."""
        if request.opcode is Opcode.QUERY:
            query = read_query(frame)
            request.reading, request.parameters = self._readings.read(query.text, keyspace), query.parameters
        elif request.opcode is Opcode.PREPARE:
            request.reading = self._readings.read(read_prepare(frame), keyspace)
        elif request.opcode is Opcode.EXECUTE:
            execute = read_execute(frame)
            request.prepared_id, request.parameters = execute.prepared_id, execute.parameters
            request.reading = self._prepared.get(execute.prepared_id)
        else:
            self._read_batch(request, frame, keyspace)

    def _read_batch(self, request: Request, frame: Frame, keyspace: str | None) -> None:
        try:
            batch = read_batch(frame, maximum_children=MAXIMUM_BATCH_CHILDREN, maximum_values=MAXIMUM_BATCH_VALUES)
        except BatchTooLarge as error:
            request.reading = Refusal(code=INVALID, message=str(error), redacted="", sha256="")
            return
        request.parameters = batch.parameters
        children: list[Statement | Refusal] = []
        for child in batch.children:
            reading = self._child(child, keyspace)
            if reading is None:
                request.prepared_id = child.prepared_id
                return
            children.append(reading)
        request.reading = _together(batch, children)

    def _child(self, child: BatchChild, keyspace: str | None) -> Statement | Refusal | None:
        if child.text is not None:
            return self._readings.read(child.text, keyspace)
        return self._prepared.get(child.prepared_id or b"")


def _together(batch: Batch, children: list[Statement | Refusal]) -> Statement | Refusal:
    """A batch as one statement; its SHA-256 is that of its children's, in hexadecimal, a line each, in order."""
    redacted = f"BEGIN {batch.kind}BATCH {_texts(children)}APPLY BATCH"
    digest = sha256("".join(f"{child.sha256}\n" for child in children).encode()).hexdigest()
    for position, child in enumerate(children, start=1):
        if isinstance(child, Refusal):
            return replace(
                child, message=f"statement {position} of the batch: {child.message}", redacted=redacted, sha256=digest
            )
        if child.form not in _IN_A_BATCH:
            message = f"statement {position} of the batch is {child.form}: batch INSERT, UPDATE and DELETE only"
            return Refusal(code=INVALID, message=message, redacted=redacted, sha256=digest)
    accesses = tuple(
        dict.fromkeys(access for child in children if isinstance(child, Statement) for access in child.accesses)
    )
    return Statement(form=StatementForm.BATCH, accesses=accesses, redacted=redacted, sha256=digest)


def _texts(children: list[Statement | Refusal]) -> str:
    """The children's texts, as many as the audit trail keeps."""
    parts: list[str] = []
    room = STATEMENT_CHARACTERS
    for child in children:
        room -= len(child.redacted) + 2
        if room < 0:
            parts.append(f"<{len(children)} statements in all>; ")
            break
        parts.append(child.redacted.rstrip("; \t\r\n") + "; ")
    return "".join(parts)
