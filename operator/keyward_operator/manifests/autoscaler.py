"""The HorizontalPodAutoscaler of the agents of one database, where its owner asks for one.

It stands beside the Deployment, for an autoscaler in the database's own namespace would look for pods there.
"""

from keyward_api.resources.database import Agent, Autoscaling
from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.manifests.context import ManifestContext


def autoscaler(context: ManifestContext, *, agent: Agent, wanted: Autoscaling) -> Json:
    """Between `agent.replicas` and `maxReplicas`, by processor."""
    deployment = context.reference(Child.DEPLOYMENT)
    utilization = {"type": "Utilization", "averageUtilization": wanted.target_cpu_utilization_percent}
    return context.base(Child.AUTOSCALER) | {
        "spec": {
            "scaleTargetRef": {
                "apiVersion": deployment.kind.api_version,
                "kind": deployment.kind.kind,
                "name": deployment.name,
            },
            "minReplicas": agent.replicas,
            "maxReplicas": wanted.max_replicas,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": utilization}}],
        }
    }


def replicas(agent: Agent, live: Json | None) -> int:
    """How many agents the Deployment shall have: with an autoscaler what it chose, as far as that is allowed."""
    if agent.autoscaling is None or live is None:
        return agent.replicas
    chosen = int(live["spec"].get("replicas", agent.replicas))
    return min(max(chosen, agent.replicas), agent.autoscaling.max_replicas)
