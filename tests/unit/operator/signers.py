"""An issuer as cert-manager's of type CA is: signs what it is asked to, by a root or by a CA below it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID, ObjectIdentifier

YEARS = timedelta(days=3650)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a CertificateRequest's status holds, PEM."""

    certificate: bytes
    ca: bytes


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in certificates)


class Signer:
    """A CA with a root of its own; `below` another it is an intermediate one."""

    def __init__(
        self,
        name: str = "root",
        *,
        now: datetime,
        life: timedelta = YEARS,
        path_length: int | None = None,
        below: "Signer | None" = None,
    ) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        signer = below or self
        self.name = named(name)
        self.certificate = signer.certify(
            self.key.public_key(), self.name, begin=now - timedelta(days=1), end=now + life, path_length=path_length
        )
        self._above = (below.certificate, *below._above) if below else ()

    @property
    def chain(self) -> bytes:
        """Its own certificate and what is above, the root last."""
        return pem(self.certificate, *self._above)

    @property
    def root(self) -> bytes:
        return pem((self.certificate, *self._above)[-1])

    def certify(
        self,
        key: ec.EllipticCurvePublicKey,
        subject: x509.Name,
        *,
        begin: datetime,
        end: datetime,
        ca: bool = True,
        path_length: int | None = None,
        purpose: ObjectIdentifier | None = None,
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder(subject_name=subject, issuer_name=self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=path_length), critical=True)
            .add_extension(_usage(ca), critical=True)
            .add_extension(_identifier(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(_identifier(self.key.public_key())),
                critical=False,
            )
        )
        if purpose:
            builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def answer(
        self,
        request: bytes,
        *,
        now: datetime,
        life: timedelta = timedelta(days=365),
        ca: bool = True,
        purpose: ObjectIdentifier | None = None,
        subject: x509.Name | None = None,
    ) -> Answer:
        """As cert-manager does it: no path length, the chain without what signed itself, and that apart."""
        asked = x509.load_pem_x509_csr(request)
        key = asked.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        signed = self.certify(
            key,
            asked.subject if subject is None else subject,
            begin=now,
            end=now + life,
            ca=ca,
            purpose=purpose,
        )
        chain = [signed, self.certificate, *self._above]
        return Answer(certificate=pem(*chain[:-1]), ca=pem(chain[-1]))


def _usage(ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=ca, crl_sign=ca, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _identifier(key: ec.EllipticCurvePublicKey) -> x509.SubjectKeyIdentifier:
    """As Go makes them since 1.25, and the operator does not: from SHA-256."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint))
    return x509.SubjectKeyIdentifier(digest.finalize()[:20])
