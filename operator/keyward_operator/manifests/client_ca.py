"""The CA that clients trust, for their pods to mount: a ConfigMap in the database's own namespace."""

from keyward_api import names
from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.manifests.context import ManifestContext
from keyward_operator.pki.rotation import Authorities


def client_ca(context: ManifestContext, *, authorities: Authorities) -> Json:
    """`keyward-<name>-ca` with the key `ca.crt`."""
    return context.base(Child.CLIENT_CA) | {"data": {names.CA_KEY: authorities.bundle.decode()}}


def told(live: Json | None) -> bytes:
    """What clients are told to trust by the ConfigMap as it is; nothing where there is none."""
    return str(((live or {}).get("data") or {}).get(names.CA_KEY, "")).encode()
