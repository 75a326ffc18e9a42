"""The headless Service of the agents of one database, in the agents' namespace.

Its name stands for the addresses of all agents that are ready. Drivers must begin there: to one that begins at the
address of a load balancer, the node that it reached first and the same node among the peers are two, and it closes
its connections to the first, with what is under way on them, once it sees that.
"""

from keyward_api import names
from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.manifests.context import ManifestContext, selector_labels


def replicas_service(context: ManifestContext) -> Json:
    """A Service without an address of its own."""
    return context.base(Child.REPLICAS_SERVICE) | {
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "None",
            "selector": selector_labels(context.owner),
            "ports": [{"name": "cql", "port": names.CQL_PORT, "protocol": "TCP", "targetPort": "cql"}],
        }
    }
