import re
from typing import Any, cast

import pytest

from keyward_operator import kinds
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.plan.result import Happening
from keyward_operator.reconcile.events import EventRecorder

TOLD = Happening(action="PolicyCompiled", reason="Compiled", message="m" * 3000, warning=False)


class Created:
    """Objects that were made."""

    def __init__(self) -> None:
        self.manifests: list[dict[str, Any]] = []

    async def create(self, manifest: dict[str, Any], *, kind: object) -> None:
        assert kind is kinds.EVENT
        self.manifests.append(manifest)


@pytest.mark.parametrize("name", ["orders", "r" * 253, "r" * 235 + "." + "s" * 17, "r" * 200 + "-" * 40 + "s" * 13])
async def test_an_event_has_a_name_and_a_note_that_the_api_server_takes(name: str) -> None:
    created = Created()
    metadata = {"name": name, "namespace": "payments", "uid": "u", "resourceVersion": "1"}
    recorder = EventRecorder(cast(KubernetesApi, created), instance="operator-0")
    await recorder.record(kinds.KEYSPACES_ROLE, {"metadata": metadata}, [TOLD])
    (event,) = created.manifests
    made = event["metadata"]["name"]
    assert len(made) <= 253
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", made)
    assert event["regarding"]["name"] == name
    assert len(event["note"]) == 1024
