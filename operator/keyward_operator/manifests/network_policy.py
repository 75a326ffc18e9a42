"""Who may talk to the agents of one database, and whom they may talk to.

In: CQL from everywhere, for every port of an agent authenticates by itself; metrics and health from the namespaces that
the platform names. Probes come from the node, which no NetworkPolicy keeps out. Out: names, and TCP to the ports of the
API server, of AWS' APIs and of Keyspaces, whose addresses change.
"""

from keyward_api import names
from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.manifests.context import ManifestContext, selector_labels

HEALTH_PORT = 8080
_DNS = 53


def network_policy(context: ManifestContext) -> Json:
    """A NetworkPolicy for both directions."""
    settings = context.settings.agents.network_policy
    cql = (names.CQL_PORT, names.EXTERNAL_CQL_PORT, names.SERVICE_CQL_PORT)
    # Without what is empty: the API server drops it, and each look would find a difference.
    selector = {key: value for key, value in settings.monitoring_namespaces.to_json_dict().items() if value}
    monitoring = {"namespaceSelector": selector}
    return context.base(Child.NETWORK_POLICY) | {
        "spec": {
            "podSelector": {"matchLabels": selector_labels(context.owner)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [
                {"ports": [_port(port) for port in cql]},
                {"from": [monitoring], "ports": [_port(HEALTH_PORT)]},
            ],
            "egress": [
                {"ports": [_port(_DNS, "UDP"), _port(_DNS)]},
                {"ports": [_port(port) for port in settings.egress_ports]},
            ],
        }
    }


def _port(port: int, protocol: str = "TCP") -> Json:
    return {"port": port, "protocol": protocol}
