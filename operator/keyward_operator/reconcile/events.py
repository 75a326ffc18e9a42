"""Events about our objects, for `kubectl describe` and `kubectl events` (API events.k8s.io/v1)."""

import logging
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from keyward_operator import kinds, metrics
from keyward_operator.clients.errors import ApiError
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.json_types import Json
from keyward_operator.kinds import Kind
from keyward_operator.plan.result import Happening

CONTROLLER = "keyward.dev/operator"
_NOTE_LIMIT = 1024
"""Bytes of a note that the API server takes."""

_NAME_LIMIT = 236
"""Characters of an object's name in an event's: names have 253, of which a dot and 16 digits make events unique."""

logger = logging.getLogger(__name__)


class EventRecorder:
    """Writes events. One that cannot be written is lost and counted: nothing waits for it."""

    def __init__(self, api: KubernetesApi, *, instance: str) -> None:
        self._api = api
        self._instance = instance

    async def record(self, kind: Kind, document: Json, happenings: Sequence[Happening]) -> None:
        """Write one event about `document` for each."""
        for happening in happenings:
            try:
                await self._api.create(self._event(kind, document, happening), kind=kinds.EVENT)
            except ApiError as error:
                metrics.EVENTS_LOST.inc()
                logger.warning("an event was lost: %s", error)

    def _event(self, kind: Kind, document: Json, happening: Happening) -> Json:
        metadata = document["metadata"]
        note = happening.message.encode()[:_NOTE_LIMIT].decode(errors="ignore")
        return {
            "apiVersion": kinds.EVENT.api_version,
            "kind": kinds.EVENT.kind,
            "metadata": {
                "name": f"{metadata['name'][:_NAME_LIMIT].rstrip('-.')}.{secrets.token_hex(8)}",
                "namespace": metadata["namespace"],
            },
            "eventTime": datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "reportingController": CONTROLLER,
            "reportingInstance": self._instance,
            "action": happening.action,
            "reason": happening.reason,
            "type": "Warning" if happening.warning else "Normal",
            "note": note,
            "regarding": {
                "apiVersion": kind.api_version,
                "kind": kind.kind,
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
                "resourceVersion": metadata["resourceVersion"],
            },
        }
