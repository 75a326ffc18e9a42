"""The Secret with the database's server CAs, mounted by its agents only.

Agents mount `tls.crt` and `tls.key`, the CA that signs. Its successor, and when what happened, are kept beside them.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import UTC, datetime

from keyward_api import names
from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.manifests.context import ManifestContext
from keyward_operator.pki.certificate_authority import CertificateAuthority
from keyward_operator.pki.rotation import Authorities

CERTIFICATE = "tls.crt"
PRIVATE_KEY = "tls.key"
_NEXT_CERTIFICATE = "next.crt"
_NEXT_PRIVATE_KEY = "next.key"
_PREVIOUS = "previous.crt"


def ca_secret(context: ManifestContext, *, authorities: Authorities) -> Json:
    """A Secret of type kubernetes.io/tls."""
    data = {CERTIFICATE: authorities.current.certificate, PRIVATE_KEY: authorities.current.private_key}
    if authorities.successor:
        data[_NEXT_CERTIFICATE] = authorities.successor.certificate
        data[_NEXT_PRIVATE_KEY] = authorities.successor.private_key
    if authorities.previous:
        data[_PREVIOUS] = authorities.previous
    manifest = context.base(Child.CA_SECRET)
    if annotations := _annotations(authorities):
        manifest["metadata"]["annotations"] = annotations
    return manifest | {
        "type": "kubernetes.io/tls",
        "data": {key: b64encode(value).decode() for key, value in data.items()},
    }


def _annotations(authorities: Authorities) -> dict[str, str]:
    moments = {
        names.ANNOTATION_CA_PUBLISHED: authorities.published,
        names.ANNOTATION_CA_SWITCHED: authorities.switched,
    }
    annotations = {name: moment.isoformat() for name, moment in moments.items() if moment}
    return annotations | ({names.ANNOTATION_ROTATE_CA: authorities.request} if authorities.request else {})


def read_authorities(secret: Json) -> Authorities | None:
    """The CAs that a Secret holds, None where the one that signs is missing; whether it is valid is not looked at."""
    try:
        data = {key: b64decode(value) for key, value in (secret.get("data") or {}).items()}
    except ValueError:
        return None
    current = _pair(data, CERTIFICATE, PRIVATE_KEY)
    if current is None:
        return None
    annotations = secret["metadata"].get("annotations") or {}
    return Authorities(
        current=current,
        successor=_pair(data, _NEXT_CERTIFICATE, _NEXT_PRIVATE_KEY),
        published=_moment(annotations.get(names.ANNOTATION_CA_PUBLISHED)),
        previous=data.get(_PREVIOUS, b""),
        switched=_moment(annotations.get(names.ANNOTATION_CA_SWITCHED)),
        request=annotations.get(names.ANNOTATION_ROTATE_CA, ""),
    )


def _pair(data: Mapping[str, bytes], certificate: str, key: str) -> CertificateAuthority | None:
    if certificate not in data or key not in data:
        return None
    return CertificateAuthority(certificate=data[certificate], private_key=data[key])


def _moment(text: str | None) -> datetime | None:
    """A moment that was noted; None where nothing readable was, so that what hangs on it waits for a new note."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
