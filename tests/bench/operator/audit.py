"""What the operators asked of the API server, as the server wrote it down (audit.k8s.io/v1)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

_WRITES = {"create", "update", "patch", "delete", "deletecollection"}


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request that was answered; of a watch, that it was begun."""

    verb: str
    resource: str
    received: float
    """Unix time."""

    answered: float

    @property
    def is_write(self) -> bool:
        """Whether it is to change something. Elections do so all the time: the Lease is nobody's work."""
        return self.verb in _WRITES and self.resource != "leases"

    @property
    def is_work(self) -> bool:
        """Whether it is part of looking at the fleet or of changing it."""
        return self.verb != "watch" and self.resource != "leases"


class AuditLog:
    """The log, read on from where it was left."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def take(self) -> list[Request]:
        """What was asked since the last time."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._offset += len(whole)
        return [request for line in whole.splitlines() if (request := _request(json.loads(line))) is not None]


def _request(event: dict[str, Any]) -> Request | None:
    # Of a watch, which is answered as long as it lasts, the beginning counts.
    if event["stage"] != ("ResponseStarted" if event["verb"] == "watch" else "ResponseComplete"):
        return None
    return Request(
        verb=event["verb"],
        resource=event.get("objectRef", {}).get("resource", event["requestURI"]),
        received=_time(event["requestReceivedTimestamp"]),
        answered=_time(event["stageTimestamp"]),
    )


def _time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
