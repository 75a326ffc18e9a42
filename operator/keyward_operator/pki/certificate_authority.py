"""Each database's own server CA: P-256, made once, kept in a Secret that only its agents mount.

Clients trust its certificate that it signed itself. Where an issuer signed it too, the agents present that certificate,
of the same key and name, to those who trust the issuer's root instead.

The agents sign their leaves with it. The CA carries no name constraints: leaves hold the pods' IP addresses and the
host names that a database's owner asked for, so a constraint would have to change with them. A CA of one's own for each
database serves the same end: no other database's clients trust it.
RFC 5280 4.2.1: keyUsage, basicConstraints, subject and authority key identifiers.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CLOCK_SKEW = timedelta(minutes=5)
"""How far behind a client's clock may be when the CA is new."""

_COMMON_NAME_LIMIT = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateAuthority:
    """A CA's certificates and private key, PEM."""

    certificate: bytes
    """What clients are told to trust: signed by itself."""

    private_key: bytes
    chain: bytes = b""
    """The certificate that an issuer signed for the same key and name, and those that lead to the issuer's root; empty
    where there is no issuer."""

    issuer: str = ""
    """Who signed the chain; empty where there is no issuer."""

    @property
    def presented(self) -> bytes:
        """What agents sign by and present, the CA's own certificate first."""
        return self.chain or self.certificate

    def __repr__(self) -> str:
        return "CertificateAuthority(...)"


def issue(*, database: str, now: datetime, lifetime: timedelta) -> CertificateAuthority:
    """A new CA for `database` (`<namespace>/<name>`, shown in its subject), valid from `now` for `lifetime`."""
    key = new_key()
    certificate = self_signed(
        key,
        subject=subject_of(database),
        serial_number=x509.random_serial_number(),
        identifier=x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
        begin=now - CLOCK_SKEW,
        end=now + lifetime,
    )
    return CertificateAuthority(certificate=certificate, private_key=key_pem(key))


def new_key() -> ec.EllipticCurvePrivateKey:
    """A CA's private key."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key as its Secret holds it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def subject_of(database: str) -> x509.Name:
    """The name of a database's CA."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Keyward"),
            x509.NameAttribute(NameOID.COMMON_NAME, database[:_COMMON_NAME_LIMIT]),
        ]
    )


def self_signed(
    key: ec.EllipticCurvePrivateKey,
    *,
    subject: x509.Name,
    serial_number: int,
    identifier: x509.SubjectKeyIdentifier,
    begin: datetime,
    end: datetime,
) -> bytes:
    """A CA's certificate by its own key, PEM; the same bytes for the same arguments."""
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(serial_number)
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(key, hashes.SHA256(), ecdsa_deterministic=True)
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def is_valid(authority: CertificateAuthority, *, now: datetime) -> bool:
    """Whether agents can sign with it and clients will trust it at `now`."""
    try:
        certificate, presented = _read(authority.certificate), _read(authority.presented)
        key = serialization.load_pem_private_key(authority.private_key, password=None)
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (ValueError, TypeError, x509.ExtensionNotFound):
        return False
    return (
        constraints.ca
        and certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc
        and certificate.public_key() == key.public_key()
        and presented.public_key() == key.public_key()
    )


def end_of(authority: CertificateAuthority) -> datetime:
    """When a valid CA ends."""
    return _read(authority.certificate).not_valid_after_utc


def life_of(authority: CertificateAuthority) -> timedelta:
    """How long a valid CA lives."""
    return end_of(authority) - _read(authority.certificate).not_valid_before_utc


@lru_cache(maxsize=64)
def _read(certificate: bytes) -> x509.Certificate:
    """Remembered, for one look at a database asks for the same certificate several times."""
    return x509.load_pem_x509_certificate(certificate)


def _key_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        key_cert_sign=True,
        crl_sign=True,
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
