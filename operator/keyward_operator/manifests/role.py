"""What the agents may do: read their one policy object and report in its status.

`list` with a name is what a watch by field selector asks for where a client lists first.
"""

from keyward_api import names
from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.kinds import KEYSPACES_POLICY
from keyward_operator.manifests.context import ManifestContext


def role(context: ManifestContext) -> Json:
    """The Role of one database's agents."""
    policy = context.reference(Child.POLICY).name
    return context.base(Child.ROLE) | {
        "rules": [
            {
                "apiGroups": [names.GROUP],
                "resources": [KEYSPACES_POLICY.plural],
                "resourceNames": [policy],
                "verbs": ["get", "list", "watch"],
            },
            {
                "apiGroups": [names.GROUP],
                "resources": [f"{KEYSPACES_POLICY.plural}/status"],
                "resourceNames": [policy],
                "verbs": ["patch"],
            },
        ]
    }
