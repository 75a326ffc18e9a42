from collections.abc import Callable
from typing import Any, cast

import kopf
import pytest

from keyward_api import names
from keyward_operator.adapters import watches
from keyward_operator.adapters.watches import Watches
from keyward_operator.clients.connection import Connection
from keyward_operator.keys import DatabaseKey, Key, NamespaceKey

OWNER = {names.LABEL_OWNER_NAMESPACE: "payments", names.LABEL_OWNER_NAME: "orders"}


class Sink:
    """What the watches sent."""

    def __init__(self) -> None:
        self.keys: list[Key] = []
        self.resyncs = 0
        self.watches = Watches(
            cast(Connection, None),
            agents_namespace="keyward-agents",
            add=self.keys.append,
            request_resync=self.request,
        )
        self.watches._to_loop = self._call

    def request(self) -> None:
        self.resyncs += 1

    def _call(self, function: Callable[..., object], *arguments: object) -> None:
        function(*arguments)


@pytest.mark.parametrize("kind", ["ADDED", "MODIFIED", "DELETED", None])
async def test_every_event_becomes_a_key(kind: str | None) -> None:
    sink = Sink()
    event: dict[str, Any] = {"type": kind, "namespace": "payments", "name": "orders", "labels": {}}
    await sink.watches._on_database(**event)
    await sink.watches._on_input(**event)
    await sink.watches._on_namespace(**{**event, "name": "payments"})
    await sink.watches._on_child(**{**event, "namespace": "keyward-agents", "labels": OWNER})
    database, namespace = DatabaseKey("payments", "orders"), NamespaceKey("payments")
    assert sink.keys == [database, namespace, namespace, database]


async def test_a_child_that_names_no_owner_is_nobodys() -> None:
    sink = Sink()
    await sink.watches._on_child(type="ADDED", namespace="n", name="x", labels={})
    assert sink.keys == []


async def test_a_new_list_asks_for_a_resync_for_it_does_not_tell_what_vanished() -> None:
    sink = Sink()
    await sink.watches._on_input(type=None, namespace="payments", name="reader")
    await sink.watches._on_database(type="MODIFIED", namespace="payments", name="orders")
    assert sink.resyncs == 1


def test_kopf_never_writes_and_sees_of_children_only_ours() -> None:
    settings = watches._settings(watches.CHILDREN_ANYWHERE)
    assert isinstance(settings, kopf.OperatorSettings)
    assert not settings.posting.enabled
    assert settings.scanning.disabled
    assert settings.watching.label_selectors["", "v1", "services"] == "app.kubernetes.io/managed-by=keyward-operator"
