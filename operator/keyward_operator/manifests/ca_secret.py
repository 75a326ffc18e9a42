"""The Secret with the database's server CAs, mounted by its agents only.

Agents mount `tls.crt` and `tls.key`, the CA that signs. Where an issuer signed it, `tls.crt` is that chain, and clients
trust `ca.crt`. Its successor, the key that an issuer is asked to sign, and when what happened, are kept beside them.
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
_TRUSTED = "ca.crt"
_NEXT_CERTIFICATE = "next.crt"
_NEXT_PRIVATE_KEY = "next.key"
_NEXT_TRUSTED = "next-ca.crt"
_PREVIOUS = "previous.crt"
_PENDING_KEY = "pending.key"


def ca_secret(context: ManifestContext, *, authorities: Authorities) -> Json:
    """A Secret of type kubernetes.io/tls."""
    data = _entries(authorities.current, CERTIFICATE, PRIVATE_KEY, _TRUSTED)
    if authorities.successor:
        data |= _entries(authorities.successor, _NEXT_CERTIFICATE, _NEXT_PRIVATE_KEY, _NEXT_TRUSTED)
    if authorities.previous:
        data[_PREVIOUS] = authorities.previous
    if authorities.pending:
        data[_PENDING_KEY] = authorities.pending
    manifest = context.base(Child.CA_SECRET)
    if annotations := _annotations(authorities):
        manifest["metadata"]["annotations"] = annotations
    return manifest | {
        "type": "kubernetes.io/tls",
        "data": {key: b64encode(value).decode() for key, value in data.items()},
    }


def _entries(authority: CertificateAuthority, certificate: str, key: str, trusted: str) -> dict[str, bytes]:
    entries = {certificate: authority.presented, key: authority.private_key}
    return entries | ({trusted: authority.certificate} if authority.chain else {})


def _annotations(authorities: Authorities) -> dict[str, str]:
    moments = {
        names.ANNOTATION_CA_PUBLISHED: authorities.published,
        names.ANNOTATION_CA_SWITCHED: authorities.switched,
    }
    annotations = {name: moment.isoformat() for name, moment in moments.items() if moment}
    texts = {
        names.ANNOTATION_ROTATE_CA: authorities.request,
        names.ANNOTATION_CA_ISSUER: authorities.current.issuer,
        names.ANNOTATION_NEXT_CA_ISSUER: authorities.successor.issuer if authorities.successor else "",
    }
    return annotations | {name: text for name, text in texts.items() if text}


def read_authorities(secret: Json) -> Authorities | None:
    """The CAs that a Secret holds, None where the one that signs is missing; whether it is valid is not looked at."""
    try:
        data = {key: b64decode(value) for key, value in (secret.get("data") or {}).items()}
    except ValueError:
        return None
    annotations = secret["metadata"].get("annotations") or {}
    issuer, next_issuer = (
        annotations.get(name, "") for name in (names.ANNOTATION_CA_ISSUER, names.ANNOTATION_NEXT_CA_ISSUER)
    )
    current = _authority(data, CERTIFICATE, PRIVATE_KEY, _TRUSTED, issuer)
    if current is None:
        return None
    return Authorities(
        current=current,
        successor=_authority(data, _NEXT_CERTIFICATE, _NEXT_PRIVATE_KEY, _NEXT_TRUSTED, next_issuer),
        published=_moment(annotations.get(names.ANNOTATION_CA_PUBLISHED)),
        previous=data.get(_PREVIOUS, b""),
        switched=_moment(annotations.get(names.ANNOTATION_CA_SWITCHED)),
        request=annotations.get(names.ANNOTATION_ROTATE_CA, ""),
        pending=data.get(_PENDING_KEY, b""),
    )


def _authority(
    data: Mapping[str, bytes], certificate: str, key: str, trusted: str, issuer: str
) -> CertificateAuthority | None:
    if certificate not in data or key not in data:
        return None
    own = trusted in data
    return CertificateAuthority(
        certificate=data[trusted if own else certificate],
        private_key=data[key],
        chain=data[certificate] if own else b"",
        issuer=issuer,
    )


def _moment(text: str | None) -> datetime | None:
    """A moment that was noted; None where nothing readable was, so that what hangs on it waits for a new note."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
