"""How a database's CA is replaced without a client that trusts too little.

1. In time, or when asked, the successor is made. Clients are told to trust both; the old one goes on signing.
2. When clients have known both for `overlapSeconds`, the successor signs: agents read it and sign themselves new
   leaves, and connections that stand keep theirs.
3. When no leaf of the old one can be valid any more, clients are told to trust the new one alone.
A CA that has ended, or was lost, leaves no choice: its successor signs at once.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from keyward_api import names
from keyward_api.tenants import CertificateAuthoritySettings
from keyward_operator.pki.certificate_authority import CertificateAuthority, end_of, is_valid

RETENTION = timedelta(hours=48)
"""How long a CA is trusted after its last signature: agents' leaves live 24 hours, and clocks differ."""

_REQUEST_LIMIT = 256
"""Characters of a request that are noted as they are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Authorities:
    """A database's CAs."""

    current: CertificateAuthority
    """The one that signs."""

    successor: CertificateAuthority | None = None
    """The one that will sign."""

    published: datetime | None = None
    """Since when clients have been told to trust the successor; None: not yet."""

    previous: bytes = b""
    """The certificate of the one that signed before, PEM; empty where no leaf of it can be valid."""

    switched: datetime | None = None
    """When `current` took over from `previous`."""

    request: str = ""
    """The last request for a rotation that was followed."""

    @property
    def bundle(self) -> bytes:
        """What clients shall trust, PEM; the one that signs first."""
        successor = self.successor.certificate if self.successor else b""
        return self.current.certificate + successor + self.previous


def advanced(
    authorities: Authorities, *, now: datetime, told: bytes, settings: CertificateAuthoritySettings
) -> Authorities:
    """The CAs as they shall be at `now`; `told` is the bundle that clients have."""
    after = authorities
    if after.successor and not is_valid(after.successor, now=now):
        after = replace(after, successor=None, published=None)
    if after.successor and after.published is None and after.successor.certificate in told:
        after = replace(after, published=now)
    if after.successor and _may_switch(after, now, settings):
        after = Authorities(
            current=after.successor,
            previous=after.current.certificate if is_valid(after.current, now=now) else b"",
            switched=now,
            request=after.request,
        )
    if after.switched and now >= after.switched + RETENTION:
        after = replace(after, previous=b"", switched=None)
    return after


def requested(metadata: Mapping[str, Any]) -> str:
    """The request for a new CA in a database's metadata; empty where there is none.

    A long one is known by its hash: the CA's Secret notes which was followed, and has less room than who asks.
    """
    request = str((metadata.get("annotations") or {}).get(names.ANNOTATION_ROTATE_CA, ""))
    return request if len(request) <= _REQUEST_LIMIT else hashlib.sha256(request.encode()).hexdigest()


def wants_successor(
    authorities: Authorities, *, now: datetime, request: str, settings: CertificateAuthoritySettings
) -> bool:
    """Whether a successor must be made; `request` is what the database asks for, empty for nothing.

    One rotation at a time: another begins when the one before has ended.
    """
    if authorities.successor or authorities.previous:
        return False
    return now >= _renewal(authorities, settings) or (bool(request) and request != authorities.request)


def next_step(authorities: Authorities, *, settings: CertificateAuthoritySettings) -> datetime:
    """When something about the CAs changes next by the clock alone."""
    return min(_moments(authorities, settings))


def _moments(authorities: Authorities, settings: CertificateAuthoritySettings) -> Iterator[datetime]:
    yield end_of(authorities.current)
    if not authorities.successor:
        yield _renewal(authorities, settings)
    if authorities.published:
        yield authorities.published + timedelta(seconds=settings.overlap_seconds)
    if authorities.switched:
        yield authorities.switched + RETENTION


def _renewal(authorities: Authorities, settings: CertificateAuthoritySettings) -> datetime:
    return end_of(authorities.current) - timedelta(seconds=settings.renew_before_seconds)


def _may_switch(authorities: Authorities, now: datetime, settings: CertificateAuthoritySettings) -> bool:
    if not is_valid(authorities.current, now=now):
        return True
    known = authorities.published
    return known is not None and now >= known + timedelta(seconds=settings.overlap_seconds)
