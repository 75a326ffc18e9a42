"""The Role, given to the agents' ServiceAccount."""

from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.kinds import ROLE
from keyward_operator.manifests.context import ManifestContext


def role_binding(context: ManifestContext) -> Json:
    """Binds the agents' Role to their ServiceAccount."""
    account = context.reference(Child.SERVICE_ACCOUNT)
    return context.base(Child.ROLE_BINDING) | {
        "roleRef": {"apiGroup": ROLE.group, "kind": ROLE.kind, "name": context.reference(Child.ROLE).name},
        "subjects": [{"kind": "ServiceAccount", "name": account.name, "namespace": account.namespace}],
    }
