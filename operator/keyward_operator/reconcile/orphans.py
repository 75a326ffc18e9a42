"""Children whose database is gone without its finalizer: found by their labels, and removed."""

from collections.abc import Iterator

from keyward_api import names
from keyward_operator.children import KINDS, named_owner
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.keys import DatabaseKey
from keyward_operator.kinds import Kind, Reference
from keyward_operator.reconcile.observe import owner_selector
from keyward_operator.scope import Scope

_SELECTOR = f"{names.LABEL_MANAGED_BY}={names.MANAGED_BY}"


class Orphans:
    """Finds and removes them."""

    def __init__(self, api: KubernetesApi, scope: Scope) -> None:
        self._api = api
        self._scope = scope

    async def owners(self) -> set[DatabaseKey]:
        """The databases in scope that any child names as its owner, whether they exist or not."""
        found: set[DatabaseKey] = set()
        for kind, namespace in self._places():
            async for metadata in self._api.pages_of_metadata(kind, namespace=namespace, label_selector=_SELECTOR):
                owner = named_owner(metadata, agents_namespace=self._scope.agents_namespace)
                if owner and self._scope.holds(owner.namespace):
                    found.add(owner)
        return found

    async def remove(self, key: DatabaseKey) -> list[Reference]:
        """Delete all children of a database that does not exist; returns what was deleted."""
        removed = []
        for kind, namespace in self._places():
            children = await self._api.list_metadata(kind, namespace=namespace, label_selector=owner_selector(key))
            for child in children:
                metadata = child["metadata"]
                if named_owner(metadata, agents_namespace=self._scope.agents_namespace) != key:
                    continue
                reference = Reference(kind=kind, namespace=metadata["namespace"], name=metadata["name"])
                await self._api.delete(reference, uid=metadata["uid"])
                removed.append(reference)
        return removed

    def _places(self) -> Iterator[tuple[Kind, str | None]]:
        for kind in dict.fromkeys(KINDS.values()):
            for namespace in self._scope.where(kind):
                yield kind, namespace
