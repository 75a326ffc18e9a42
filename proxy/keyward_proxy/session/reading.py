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
from keyward_proxy.cql.errors import INVALID, UnreadableStatement
from keyward_proxy.cql.lexer import MAXIMUM_TOKENS
from keyward_proxy.cql.reader import all_of
from keyward_proxy.cql.statement import Reading, Refusal, Statement
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

_TOO_LONG = Refusal(
    code=INVALID,
    message=f"the batch has more than {MAXIMUM_TOKENS} tokens up to here: send its values as bind variables",
    redacted="",
    sha256="",
)
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

    def read(self, request: Request, frame: Frame, keyspace: str | None, known: Reading | None = None) -> None:
        """Set what `request` says while `keyspace` is in use. Raises ProtocolViolation.

        `known` is what a QUERY's text says, where it was read before.
        """
        if request.opcode is Opcode.QUERY:
            query = read_query(frame)
            request.reading, request.parameters = known or self._readings.read(query.text, keyspace), query.parameters
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
        children: list[Reading] = []
        tokens = 0
        for child in batch.children:
            reading = self._child(child, keyspace)
            if reading is None:
                request.prepared_id = child.prepared_id
                return
            if isinstance(reading, Statement) and child.text is not None:
                tokens += reading.tokens
            children.append(reading if tokens <= MAXIMUM_TOKENS else _TOO_LONG)
            if isinstance(children[-1], Refusal):
                break
        request.reading = _together(batch, children)

    def _child(self, child: BatchChild, keyspace: str | None) -> Reading | None:
        if child.text is not None:
            return self._readings.read(child.text, keyspace)
        return self._prepared.get(child.prepared_id or b"")


def _together(batch: Batch, children: list[Reading]) -> Reading:
    """A batch as one statement; its SHA-256 is that of its children's, in hexadecimal, a line each, in order.

    Of a batch that is refused the children up to the one that refuses it are there.
    """
    redacted = f"BEGIN {batch.kind}BATCH {_texts(children, len(batch.children))}APPLY BATCH"
    digest = sha256("".join(f"{child.sha256}\n" for child in children).encode()).hexdigest()
    for position, child in enumerate(children, start=1):
        if isinstance(child, Refusal):
            return replace(
                child, message=f"statement {position} of the batch: {child.message}", redacted=redacted, sha256=digest
            )
        if child.form not in _IN_A_BATCH:
            message = f"statement {position} of the batch is {child.form}: batch INSERT, UPDATE and DELETE only"
            return Refusal(code=INVALID, message=message, redacted=redacted, sha256=digest)
    try:
        accesses = all_of([access for child in children if isinstance(child, Statement) for access in child.accesses])
    except UnreadableStatement as error:
        return Refusal(code=error.code, message=str(error), redacted=redacted, sha256=digest)
    return Statement(form=StatementForm.BATCH, accesses=accesses, redacted=redacted, sha256=digest)


def _texts(children: list[Reading], count: int) -> str:
    """The texts of those that were read, as many as the audit trail keeps; `count` is how many there are."""
    parts: list[str] = []
    room = STATEMENT_CHARACTERS
    for child in children:
        room -= len(child.redacted) + 2
        if room < 0:
            break
        parts.append(child.redacted.rstrip("; \t\r\n") + "; ")
    if len(parts) < count:
        parts.append(f"<{count} statements in all>; ")
    return "".join(parts)
