"""How a database's CA is replaced without a client that trusts too little.

1. In time, or when asked, the successor is made. Clients are told to trust both; the old one goes on signing.
2. When clients have known both for `overlapSeconds`, the successor signs: agents read it and sign themselves new
   leaves, and connections that stand keep theirs.
3. When no leaf of the old one can be valid any more, clients are told to trust the new one alone.
A CA that has ended, or was lost, leaves no choice: its successor signs at once.
Of a CA that lives shorter than the platform asked for, since an issuer gave no more, overlap and time before the end
are shorter in proportion: they stay in order, so that none is renewed as soon as it is there.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from keyward_api import names
from keyward_api.tenants import CertificateAuthoritySettings
from keyward_operator.pki.certificate_authority import CertificateAuthority, end_of, is_valid, life_of

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

    pending: bytes = field(default=b"", repr=False)
    """The private key that an issuer is asked to sign, PEM; empty where none is."""

    @property
    def bundle(self) -> bytes:
        """What clients shall trust, PEM; the one that signs first."""
        successor = self.successor.certificate if self.successor else b""
        return self.current.certificate + successor + self.previous


NOTHING = Authorities(current=CertificateAuthority(certificate=b"", private_key=b""))
"""No CA, as its Secret holds it while an issuer is asked for the first."""


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


def with_new(authorities: Authorities | None, new: CertificateAuthority, *, request: str) -> Authorities:
    """The CAs with a new one: the successor, or the only one where there is none that is valid."""
    if authorities is None:
        return Authorities(current=new, request=request)
    return replace(authorities, successor=new, request=request, pending=b"")


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

    So it must where another than the platform's issuer signed the present one. One rotation at a time: another begins
    when the one before has ended.
    """
    if authorities.successor or authorities.previous:
        return False
    if authorities.current.issuer != settings.issuer:
        return True
    return now >= _renewal(authorities, settings) or (bool(request) and request != authorities.request)


def next_step(authorities: Authorities, *, settings: CertificateAuthoritySettings) -> datetime:
    """When something about the CAs changes next by the clock alone."""
    return min(_moments(authorities, settings))


def _moments(authorities: Authorities, settings: CertificateAuthoritySettings) -> Iterator[datetime]:
    yield end_of(authorities.current)
    if not authorities.successor:
        yield _renewal(authorities, settings)
    if authorities.published:
        yield authorities.published + _overlap(authorities, settings)
    if authorities.switched:
        yield authorities.switched + RETENTION


def _renewal(authorities: Authorities, settings: CertificateAuthoritySettings) -> datetime:
    current = authorities.current
    return end_of(current) - timedelta(seconds=settings.renew_before_seconds) * _share(current, settings)


def _overlap(authorities: Authorities, settings: CertificateAuthoritySettings) -> timedelta:
    """Within the life of both: it must have passed before either ends."""
    both = [each for each in (authorities.current, authorities.successor) if each]
    return timedelta(seconds=settings.overlap_seconds) * min(_share(each, settings) for each in both)


def _share(authority: CertificateAuthority, settings: CertificateAuthoritySettings) -> float:
    """How much it lives of what the platform asks for; at most 1."""
    return min(1.0, life_of(authority) / timedelta(seconds=settings.lifetime_seconds))


def _may_switch(authorities: Authorities, now: datetime, settings: CertificateAuthoritySettings) -> bool:
    if not is_valid(authorities.current, now=now):
        return True
    known = authorities.published
    return known is not None and now >= known + _overlap(authorities, settings)
