"""Finalizers: what keeps an object until everything that was made for it elsewhere is gone."""

from collections.abc import Sequence

from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.json_types import Json
from keyward_operator.kinds import Reference


async def set_finalizers(api: KubernetesApi, reference: Reference, document: Json, finalizers: Sequence[str]) -> None:
    """Give the object these finalizers, if it is still as `document` says. Raises ApiError."""
    version = document["metadata"]["resourceVersion"]
    patch = {"metadata": {"finalizers": list(finalizers), "resourceVersion": version}}
    await api.merge_patch(reference, patch)
