"""Writes audit records to a stream, from a thread of its own so that a slow reader never stops the event loop.

Best effort: records wait in a bounded queue; one that finds it full is lost and counted. A lost record has used up its
`seq`, so that the gap shows in the trail itself. `prev` is the SHA-256 of the line before (without its newline), or
64 zeros for the first: a line that was changed or taken out breaks the chain.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import deque
from collections.abc import Callable
from sys import getsizeof
from typing import BinaryIO, Protocol

import msgspec

from keyward_proxy.audit.records import AgentRecord
from keyward_proxy.session.records import AuditRecord, StatementRecord

MAXIMUM_QUEUED_BYTES = 64 * 1024 * 1024
"""Memory that waiting records take, about; some 60,000 of them as they mostly are."""

_RECORD_BYTES = 800
_RESOURCE_BYTES = 300

MAXIMUM_BATCH = 1024
FIRST_PREVIOUS = "0" * 64


class AuditSink(Protocol):
    """Where records go."""

    def write(self, record: AuditRecord | AgentRecord) -> None:
        """Take a record; never blocks, never raises."""


class AuditWriter:
    """Numbers, chains and writes records as JSON lines."""

    def __init__(self, stream: BinaryIO, *, on_lost: Callable[[], None]) -> None:
        """`on_lost` is called for each record that was lost, from any thread."""
        self._stream = stream
        self._on_lost = on_lost
        self._queue: deque[tuple[int, AuditRecord | AgentRecord, int]] = deque()
        """Each with its number and its size."""

        self._queued_bytes = 0
        self._wake = threading.Condition()
        self._closing = False
        self._seq = 0
        self._previous = FIRST_PREVIOUS
        self._encoder = msgspec.json.Encoder()
        self.lost = 0
        """Records lost since the start."""
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._thread.start()

    def write(self, record: AuditRecord | AgentRecord) -> None:
        """See `AuditSink.write`."""
        with self._wake:
            seq, self._seq = self._seq, self._seq + 1
            size = _size(record)
            if self._closing or self._queued_bytes + size > MAXIMUM_QUEUED_BYTES:
                self._lose(1)
                return
            self._queue.append((seq, record, size))
            self._queued_bytes += size
            self._wake.notify()

    def close(self, seconds: float) -> bool:
        """Write what is queued, for at most so long; returns whether all of it was written."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join(seconds)
        return not self._thread.is_alive() and not self._queue

    def _lose(self, count: int) -> None:
        self.lost += count
        for _ in range(count):
            self._on_lost()

    def _run(self) -> None:
        while batch := self._take():
            try:
                self._stream.write(b"".join(self._line(seq, record) for seq, record, _ in batch))
                self._stream.flush()
            except (OSError, ValueError):
                # The stream is broken or closed: these are lost, and later ones will be counted as well.
                self._lose(len(batch))

    def _take(self) -> list[tuple[int, AuditRecord | AgentRecord, int]]:
        """The next records; none once closed and empty."""
        with self._wake:
            while not self._queue and not self._closing:
                self._wake.wait()
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), MAXIMUM_BATCH))]
            self._queued_bytes -= sum(size for _, _, size in batch)
            return batch

    def _line(self, seq: int, record: AuditRecord | AgentRecord) -> bytes:
        encoded = self._encoder.encode(record)
        if not encoded.isascii():
            # Terminals obey more than C0: C1 controls and text that runs backwards are escaped as well.
            encoded = json.dumps(msgspec.json.decode(encoded), separators=(",", ":")).encode()
        line = b'{"seq":%d,"prev":"%s",%s' % (seq, self._previous.encode(), encoded[1:])
        self._previous = hashlib.sha256(line).hexdigest()
        return line + b"\n"


def _size(record: AuditRecord | AgentRecord) -> int:
    """What a record takes in memory, about."""
    if not isinstance(record, StatementRecord):
        return _RECORD_BYTES
    return _RECORD_BYTES + getsizeof(record.statement or "") + _RESOURCE_BYTES * len(record.resources)
