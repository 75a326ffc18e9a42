"""The CA that clients trust, for their pods to mount: a ConfigMap in the database's own namespace."""

from keyward_api import names
from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.manifests.context import ManifestContext
from keyward_operator.pki.certificate_authority import CertificateAuthority


def client_ca(context: ManifestContext, *, authority: CertificateAuthority) -> Json:
    """`keyward-<name>-ca` with the key `ca.crt`."""
    return context.base(Child.CLIENT_CA) | {"data": {names.CA_KEY: authority.certificate.decode()}}
