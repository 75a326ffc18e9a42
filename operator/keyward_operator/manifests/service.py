"""The Service in front of the agents of one database, in the agents' namespace."""

from keyward_api import names
from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.manifests.context import ManifestContext, selector_labels


def service(context: ManifestContext) -> Json:
    """A ClusterIP Service on Keyspaces' own port."""
    return context.base(Child.SERVICE) | {
        "spec": {
            "type": "ClusterIP",
            "selector": selector_labels(context.owner),
            "ports": [{"name": "cql", "port": names.CQL_PORT, "protocol": "TCP", "targetPort": "cql"}],
        }
    }
