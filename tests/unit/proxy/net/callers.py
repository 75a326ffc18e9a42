"""Certificates of callers, good and bad."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from keyward_proxy.net.leaf import CertificateAuthority

CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
ALICE = "keyward://user/alice"


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def write(self, directory: Path, name: str = "caller") -> tuple[Path, Path]:
        """As files."""
        certificate, key = directory / f"{name}.pem", directory / f"{name}-key.pem"
        certificate.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        key.write_bytes(private_pem(self.key))
        key.chmod(0o600)
        return certificate, key


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def issue_caller(
    authority: CertificateAuthority,
    *,
    uris: Sequence[str] | None = (ALICE,),
    usages: Sequence[x509.ObjectIdentifier] = (CLIENT,),
    common_name: str = "anything",
    dns: Sequence[str] = (),
    starts: float = -60,
    ends: float = 86400,
    extra: x509.ExtensionType | None = None,
) -> Caller:
    """A certificate of this CA; times are seconds from now. `uris=None`: no alternative names at all."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]))
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(seconds=starts))
        .not_valid_after(now + datetime.timedelta(seconds=ends))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    if uris is not None and (uris or dns):
        names = [*map(x509.UniformResourceIdentifier, uris), *map(x509.DNSName, dns)]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if extra:
        builder = builder.add_extension(extra, critical=False)
    return Caller(certificate=builder.sign(authority.key, hashes.SHA256()), key=key)
