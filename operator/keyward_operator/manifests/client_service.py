"""The name that clients use: a Service in the database's own namespace that points to the agents' headless one.

An ExternalName is an alias in DNS. Clients reach the agents themselves, so no traffic passes elsewhere.
"""

from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.manifests.context import ManifestContext


def client_service(context: ManifestContext) -> Json:
    """`keyward-<name>`, an alias of the agents' headless Service."""
    agents = context.reference(Child.REPLICAS_SERVICE)
    return context.base(Child.CLIENT_SERVICE) | {
        "spec": {
            "type": "ExternalName",
            "externalName": f"{agents.name}.{agents.namespace}.svc.{context.settings.cluster_domain}",
        }
    }
