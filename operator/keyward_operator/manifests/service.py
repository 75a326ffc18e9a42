"""The Service in front of the agents of one database, in the agents' namespace: one address for all of them.

Where clients come through it to port 9143, they see one node at this address. Clients in the cluster that want to see
every agent go by the headless Service (`replicas_service`).
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
                {"name": name, "port": port, "protocol": "TCP", "targetPort": name}
                for name, port in (("cql", names.CQL_PORT), ("cql-external", names.EXTERNAL_CQL_PORT))
            ],
        }
    }
