"""Children whose database is gone without its finalizer: found by their labels, and removed."""

from keyward_api import names
from keyward_operator import kinds
from keyward_operator.children import KINDS
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.json_types import Json
from keyward_operator.keys import DatabaseKey
from keyward_operator.kinds import Kind, Reference
from keyward_operator.reconcile.observe import owner_selector

_SELECTOR = f"{names.LABEL_MANAGED_BY}={names.MANAGED_BY}"
_EVERYWHERE = (kinds.SERVICE, kinds.CONFIG_MAP)
"""Kinds of which children live in the databases' namespaces too."""


class Orphans:
    """Finds and removes them."""

    def __init__(self, api: KubernetesApi, *, agents_namespace: str) -> None:
        self._api = api
        self._agents_namespace = agents_namespace

    async def owners(self) -> set[DatabaseKey]:
        """The databases that any child names as its owner, whether they exist or not."""
        found: set[DatabaseKey] = set()
        for kind in dict.fromkeys(KINDS.values()):
            for child in await self._children(kind, _SELECTOR):
                labels = child["metadata"]["labels"]
                if names.LABEL_OWNER_NAMESPACE in labels and names.LABEL_OWNER_NAME in labels:
                    found.add(DatabaseKey(labels[names.LABEL_OWNER_NAMESPACE], labels[names.LABEL_OWNER_NAME]))
        return found

    async def remove(self, key: DatabaseKey) -> list[Reference]:
        """Delete all children of a database that does not exist; returns what was deleted."""
        removed = []
        for kind in dict.fromkeys(KINDS.values()):
            for child in await self._children(kind, owner_selector(key)):
                metadata = child["metadata"]
                if metadata["namespace"] not in (self._agents_namespace, key.namespace):
                    continue  # labels of ours in a third namespace were written by somebody else
                reference = Reference(kind=kind, namespace=metadata["namespace"], name=metadata["name"])
                await self._api.delete(reference, uid=metadata["uid"])
                removed.append(reference)
        return removed

    async def _children(self, kind: Kind, selector: str) -> list[Json]:
        namespace = None if kind in _EVERYWHERE else self._agents_namespace
        return await self._api.list_metadata(kind, namespace=namespace, label_selector=selector)
