"""The certificate that clients see, signed by this agent with the database's CA and never stored.

The CA is a mounted Secret. The leaf lives 24 hours and is replaced at half of its life by swapping the whole
`SSLContext`: connections that stand keep theirs. Its key exists in memory only. Where an issuer signed the CA, clients
are shown what leads to the issuer's root as well.
"""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from keyward_proxy.net.client_authority import ClientAuthority
from keyward_proxy.net.errors import CertificateAuthorityUnusable
from keyward_proxy.net.server_context import server_context

CERTIFICATE = "tls.crt"
PRIVATE_KEY = "tls.key"

LIFE = datetime.timedelta(hours=24)
CLOCK_SKEW = datetime.timedelta(minutes=5)
"""How far clients' clocks may be behind this one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateAuthority:
    """The database's CA, as its Secret holds it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    above: tuple[x509.Certificate, ...] = ()
    """What follows its certificate in the file: who signed it, and so on."""

    @property
    def presented(self) -> tuple[x509.Certificate, ...]:
        """What clients are shown beside the leaf; not what signed itself, which they must know by other means."""
        return tuple(each for each in (self.certificate, *self.above) if each.subject != each.issuer)

    @classmethod
    def load(cls, directory: Path) -> CertificateAuthority:
        """Read tls.crt and tls.key; raises CertificateAuthorityUnusable."""
        try:
            certificate, *above = x509.load_pem_x509_certificates((directory / CERTIFICATE).read_bytes())
            key = serialization.load_pem_private_key((directory / PRIVATE_KEY).read_bytes(), password=None)
        except OSError as error:
            raise CertificateAuthorityUnusable(
                f"cannot read {error.filename}: {error.strerror}; {directory} (--ca-directory) is to hold the "
                "database's CA, in a pod its Secret"
            ) from error
        except (ValueError, TypeError) as error:
            raise CertificateAuthorityUnusable(
                f"{directory} does not hold a PEM certificate and an unencrypted PEM key: {error}"
            ) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            raise CertificateAuthorityUnusable(f"{directory}/tls.key is neither an EC nor an RSA key")
        if key.public_key() != certificate.public_key():
            raise CertificateAuthorityUnusable(f"{directory}/tls.key is not the key of {directory}/tls.crt")
        return cls(certificate=certificate, key=key, above=tuple(above))


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaf:
    """A server certificate inside the context that serves it."""

    context: ssl.SSLContext
    not_before: datetime.datetime
    not_after: datetime.datetime

    def renew_at(self) -> datetime.datetime:
        """Half of its life."""
        return self.not_before + (self.not_after - self.not_before) / 2


def issue(
    authority: CertificateAuthority,
    names: Sequence[str],
    now: datetime.datetime,
    clients: ClientAuthority | None = None,
) -> Leaf:
    """Sign a fresh leaf for these DNS names and IP addresses; its context asks for certificates of `clients`.

    Raises CertificateAuthorityUnusable where the CA itself has no life left.
    """
    not_after = min(now + LIFE, authority.certificate.not_valid_after_utc)
    if not_after <= now:
        raise CertificateAuthorityUnusable(f"the CA ended at {not_after.isoformat()}: it must be renewed")
    not_before = max(now - CLOCK_SKEW, authority.certificate.not_valid_before_utc)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate(authority, key.public_key(), names, not_before, not_after)
    context = server_context(_pem((certificate, *authority.presented), key), clients)
    return Leaf(context=context, not_before=not_before, not_after=not_after)


def _certificate(
    authority: CertificateAuthority,
    public_key: ec.EllipticCurvePublicKey,
    names: Sequence[str],
    not_before: datetime.datetime,
    not_after: datetime.datetime,
) -> x509.Certificate:
    issuer = authority.certificate
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "keyward-agent")])
    return (
        x509.CertificateBuilder(subject_name=subject, issuer_name=issuer.subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(_authority_key_identifier(issuer), critical=False)
        .sign(authority.key, hashes.SHA256())
    )


def _authority_key_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """The issuer's own key identifier where it has one: strict verifiers compare the two."""
    try:
        own = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        own = x509.SubjectKeyIdentifier.from_public_key(issuer.public_key())
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(chain: Sequence[x509.Certificate], key: ec.EllipticCurvePrivateKey) -> bytes:
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
