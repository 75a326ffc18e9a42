"""The ServiceAccount of the agents, annotated for IRSA.

Source of the annotation: Amazon EKS user guide, "Assign IAM roles to Kubernetes service accounts".
"""

from keyward_api import names
from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.manifests.context import ManifestContext


def service_account(context: ManifestContext, *, role_arn: str) -> Json:
    """The agents' ServiceAccount; `role_arn` is the agents' own IAM role."""
    manifest = context.base(Child.SERVICE_ACCOUNT)
    manifest["metadata"]["annotations"] = {names.ANNOTATION_IRSA_ROLE: role_arn}
    return manifest
