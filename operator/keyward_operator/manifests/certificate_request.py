"""The CertificateRequest by which a platform's issuer is asked for a database's CA."""

from base64 import b64encode

from keyward_api.tenants import IssuerReference
from keyward_operator.json_types import Json
from keyward_operator.manifests.context import ManifestContext

USAGES = ("cert sign", "crl sign")


def certificate_request(context: ManifestContext, *, issuer: IssuerReference, request: bytes, secret: Json) -> Json:
    """Asks for `request` (PEM) to be signed; goes with `secret`, which holds the key."""
    manifest = context.base_at(context.certificate_request())
    manifest["metadata"]["ownerReferences"] = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "name": secret["metadata"]["name"],
            "uid": secret["metadata"]["uid"],
        }
    ]
    return manifest | {
        "spec": {
            "issuerRef": issuer.model_dump(),
            "request": b64encode(request).decode(),
            "isCA": True,
            "usages": list(USAGES),
            "duration": f"{context.settings.certificate_authorities.lifetime_seconds}s",
        }
    }
