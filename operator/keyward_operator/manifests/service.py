"""The Service in front of the agents of one database, in the agents' namespace: one address for all of them.

Drivers in the cluster begin at the headless Service (`replicas_service`) and see this one as a node that is always
there; what they send to it arrives at a port of its own, where agents tell that they are that node. Where clients come
through it to port 9143, it is the only node that they see.
"""

from keyward_api import names
from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.manifests.context import ManifestContext, selector_labels


def service(context: ManifestContext) -> Json:
    """A ClusterIP Service on both ports."""
    return context.base(Child.SERVICE) | {
        "spec": {
            "type": "ClusterIP",
            "selector": selector_labels(context.owner),
            "ports": [
                {"name": name, "port": port, "protocol": "TCP", "targetPort": target}
                for name, port, target in (
                    ("cql", names.CQL_PORT, "cql-service"),
                    ("cql-external", names.EXTERNAL_CQL_PORT, "cql-external"),
                )
            ],
        }
    }
