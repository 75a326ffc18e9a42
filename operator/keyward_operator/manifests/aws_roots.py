"""The platform's roots for AWS' APIs, where the platform gives any: a ConfigMap that the agents mount."""

from keyward_api import names
from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.manifests.context import ManifestContext

DIRECTORY = "/etc/keyward/aws"
FILE = f"{DIRECTORY}/{names.CA_KEY}"


def aws_roots(context: ManifestContext) -> Json:
    """The ConfigMap with `agents.caBundle`."""
    return context.base(Child.AWS_ROOTS) | {"data": {names.CA_KEY: context.settings.agents.ca_bundle}}
