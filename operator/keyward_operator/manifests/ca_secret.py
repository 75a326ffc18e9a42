"""The Secret with the database's server CA, mounted by its agents only."""

from base64 import b64decode, b64encode

from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.manifests.context import ManifestContext
from keyward_operator.pki.certificate_authority import CertificateAuthority

_CERTIFICATE = "tls.crt"
_PRIVATE_KEY = "tls.key"


def ca_secret(context: ManifestContext, *, authority: CertificateAuthority) -> Json:
    """A Secret of type kubernetes.io/tls."""
    return context.base(Child.CA_SECRET) | {
        "type": "kubernetes.io/tls",
        "data": {
            _CERTIFICATE: b64encode(authority.certificate).decode(),
            _PRIVATE_KEY: b64encode(authority.private_key).decode(),
        },
    }


def read_authority(secret: Json) -> CertificateAuthority | None:
    """The CA that a Secret holds, or None where something is missing; whether it is valid is not looked at."""
    data = secret.get("data") or {}
    try:
        return CertificateAuthority(
            certificate=b64decode(data[_CERTIFICATE]), private_key=b64decode(data[_PRIVATE_KEY])
        )
    except (KeyError, ValueError):
        return None
