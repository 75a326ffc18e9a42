"""What the client's certificate says of the client: proven in the TLS handshake, before the session began."""

from __future__ import annotations

from dataclasses import dataclass

from keyward_api.identities import CallerIdentity


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateProof:
    """The certificate is of the client CA and names one person."""

    identity: CallerIdentity
    expires: float
    """Unix seconds at which the certificate ends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateRefused:
    """The certificate is of the client CA, and yet nobody may log in with it."""

    message: str
    """For the caller: what is wrong with it and what to do."""
