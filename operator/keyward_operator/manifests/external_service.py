"""The load balancer in front of the agents of one database, where its owner asks for one.

It leads to port 9143 only: clients that come through it see all agents as one node, whatever address they know it by.
"""

from keyward_api import names
from keyward_api.resources.database import AgentService
from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.manifests.context import ManifestContext, selector_labels


def external_service(context: ManifestContext, *, wanted: AgentService) -> Json:
    """A Service of type LoadBalancer."""
    manifest = context.base(Child.EXTERNAL_SERVICE)
    if wanted.annotations:
        manifest["metadata"]["annotations"] = dict(wanted.annotations)
    return manifest | {
        "spec": {
            "type": "LoadBalancer",
            "selector": selector_labels(context.owner),
            "ports": [
                {
                    "name": "cql-external",
                    "port": names.EXTERNAL_CQL_PORT,
                    "protocol": "TCP",
                    "targetPort": "cql-external",
                }
            ],
        }
    }


def address_of(live: Json | None) -> str:
    """The address that the load balancer got, with its port; empty while it has none."""
    ingress = ((live or {}).get("status") or {}).get("loadBalancer", {}).get("ingress") or [{}]
    host = ingress[0].get("hostname") or ingress[0].get("ip") or ""
    return f"{host}:{names.EXTERNAL_CQL_PORT}" if host else ""
