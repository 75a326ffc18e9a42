"""A CA that an issuer signs: what it is asked, and whether its answer can be used.

Clients go on trusting the database's CA alone, not the issuer's root: whoever else has a certificate below that root
could pose as the database. So the key signs its own certificate too, with the name, key identifier and time of the
issuer's. Either of the two is above the agents' leaves.
RFC 5280 4.2.1.9 (path length), 6.1 (validation).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from keyward_operator.pki.certificate_authority import CertificateAuthority, self_signed, subject_of

LEAST_LIFE = timedelta(days=7)
"""What a rotation needs, of which the old one's trust alone takes two days."""


_FOR_SERVERS = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
_E = TypeVar("_E", bound=x509.ExtensionType)


class UnusableAnswerError(ValueError):
    """What the issuer gave cannot be a database's CA; says why."""


class NotYetValidError(UnusableAnswerError):
    """It can once its time has begun: the issuer's clock is ahead."""


def signing_request(private_key: bytes, *, database: str) -> bytes:
    """What an issuer is asked to sign, PEM; extensions are for the issuer to say."""
    builder = x509.CertificateSigningRequestBuilder(subject_name=subject_of(database))
    return builder.sign(_load(private_key), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def is_request_for(request: bytes, private_key: bytes) -> bool:
    """Whether a signing request is for this key."""
    try:
        return x509.load_pem_x509_csr(request).public_key() == _load(private_key).public_key()
    except ValueError:
        return False


def accept(
    private_key: bytes, *, certificate: bytes, root: bytes, issuer: str, now: datetime, lifetime: timedelta
) -> CertificateAuthority:
    """The CA that an issuer signed: `certificate` is its chain, `root` what is above, empty where it does not tell.

    The same bytes for the same answer. Raises UnusableAnswerError.
    """
    key = _load(private_key)
    chain = [each for each in _read(certificate, "certificate") if not _signs_itself(each)]
    roots = _read(root, "ca") if root else []
    if not chain:
        raise UnusableAnswerError("it signed nothing: that a key signs itself needs no issuer")
    above = _path(chain, roots)
    for problem in (*_problems_above(above), *_problems_of(chain[0], key)):
        raise UnusableAnswerError(problem)
    begin = max(each.not_valid_before_utc for each in above)
    end = min(each.not_valid_after_utc for each in above)
    _check_time(begin, end, now=now, least=min(LEAST_LIFE, lifetime))
    own = self_signed(
        key,
        subject=chain[0].subject,
        serial_number=chain[0].serial_number,
        identifier=_identifier(chain[0]),
        begin=begin,
        end=end,
    )
    presented = b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain)
    return CertificateAuthority(certificate=own, private_key=private_key, chain=presented, issuer=issuer)


def _path(chain: list[x509.Certificate], roots: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """The chain with the root that it leads to, where there is one that is not part of it."""
    for signed, signer in pairwise(chain):
        if not _is_signed_by(signed, signer):
            raise UnusableAnswerError(f"{_name(signed)} is not signed by the next of its chain")
    if not roots or chain[-1] in roots:
        return chain
    for root in roots:
        if _is_signed_by(chain[-1], root):
            return [*chain, root]
    raise UnusableAnswerError(f"its chain ends with {_name(chain[-1])}, which does not lead to its `status.ca`")


def _problems_of(own: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Iterator[str]:
    if own.public_key() != key.public_key():
        yield "its certificate is for another key than it was asked to sign"
    if not own.subject:
        yield "its certificate has no subject: who signs must have a name"
    usage = _extension(own, x509.KeyUsage)
    if usage and not usage.key_cert_sign:
        yield "its certificate may not sign others (key usage)"


def _problems_above(path: Sequence[x509.Certificate]) -> Iterator[str]:
    for below, one in enumerate(path):
        constraints, purposes = _extension(one, x509.BasicConstraints), _extension(one, x509.ExtendedKeyUsage)
        if not (constraints and constraints.ca):
            yield f"{_name(one)} is not a CA's certificate: the issuer must sign what `isCA` asks for"
        elif constraints.path_length is not None and constraints.path_length < below:
            yield f"{_name(one)} permits {constraints.path_length} CAs below it (path length), not {below}"
        if purposes and not _FOR_SERVERS & set(purposes):
            yield f"{_name(one)} is for other purposes than servers (extended key usage)"


def _check_time(begin: datetime, end: datetime, *, now: datetime, least: timedelta) -> None:
    if now >= end:
        raise UnusableAnswerError(f"its chain ended at {end.isoformat()}")
    if now < begin:
        raise NotYetValidError(f"its chain begins at {begin.isoformat()}")
    if end - begin < least:
        raise UnusableAnswerError(f"its chain lives {end - begin}, and a CA that is replaced in time needs {least}")


def _read(pem: bytes, field: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise UnusableAnswerError(f"its `status.{field}` is no PEM certificate: {error}") from error


def _load(private_key: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(private_key, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("the key that is to be signed is not an EC key")
    return key


def _signs_itself(certificate: x509.Certificate) -> bool:
    return certificate.subject == certificate.issuer and _is_signed_by(certificate, certificate)


def _is_signed_by(certificate: x509.Certificate, signer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(signer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _identifier(certificate: x509.Certificate) -> x509.SubjectKeyIdentifier:
    """Agents' leaves name it as that of their issuer, which both certificates are."""
    own = _extension(certificate, x509.SubjectKeyIdentifier)
    return own or x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())


def _extension(certificate: x509.Certificate, kind: type[_E]) -> _E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
    except (ValueError, x509.DuplicateExtension) as error:
        raise UnusableAnswerError(f"{_name(certificate)} cannot be read: {error}") from error


def _name(certificate: x509.Certificate) -> str:
    return f"'{certificate.subject.rfc4514_string()}'"
