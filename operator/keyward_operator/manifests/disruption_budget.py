"""The PodDisruptionBudget of a database's agents: drains of nodes take one agent at a time."""

from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.manifests.context import ManifestContext, selector_labels


def disruption_budget(context: ManifestContext) -> Json:
    """One agent may go, and any that is not ready: it serves nobody, and must not keep a node from being drained."""
    return context.base(Child.DISRUPTION_BUDGET) | {
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": selector_labels(context.owner)},
        }
    }
