"""The compiled policy as an object; how it is compiled is keyward_api's business."""

from keyward_api.canonical import content_hash
from keyward_api.resources.policy import KeyspacesPolicySpec
from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.manifests.context import ManifestContext


def policy(context: ManifestContext, *, spec: KeyspacesPolicySpec) -> Json:
    """The KeyspacesPolicy that the agents read."""
    return context.base(Child.POLICY) | {"spec": spec.to_json_dict()}


def emptied(spec: KeyspacesPolicySpec) -> KeyspacesPolicySpec:
    """The same policy without any grant: agents that still run refuse everybody and close what is open."""
    empty = spec.model_copy(update={"revision": "", "grants": (), "identities": ()})
    return empty.model_copy(update={"revision": content_hash(empty.to_json_dict())})
