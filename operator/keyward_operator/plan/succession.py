"""A database's CAs as they shall be: those that there are, the one that must be made, and who makes it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.manifests.ca_secret import read_authorities
from keyward_operator.manifests.client_ca import told
from keyward_operator.manifests.context import ManifestContext
from keyward_operator.pki.certificate_authority import is_valid
from keyward_operator.pki.rotation import Authorities, advanced, requested, wants_successor, with_new
from keyward_operator.plan.issuance import Issuance, issuance
from keyward_operator.plan.observed import Observed
from keyward_operator.plan.result import Issue


@dataclass(frozen=True, kw_only=True, slots=True)
class Succession:
    """What is there, and what comes next."""

    authorities: Authorities | None
    """As they shall be now, with what an issuer answered; None where the one that signs is missing or not valid."""

    wanted: Issue | None
    """What must be made."""

    issuance: Issuance | None
    """How far the platform's issuer is with it; None where it is asked for nothing."""


def succession(
    observed: Observed, context: ManifestContext, own: Mapping[Child, Json], now: datetime, *, may_be_made: bool
) -> Succession:
    """Work it out; `own` are the children that are the database's."""
    settings = context.settings.certificate_authorities
    found = read_authorities(own[Child.CA_SECRET]) if Child.CA_SECRET in own else None
    pending = found.pending if found else b""
    request = requested(observed.database["metadata"])
    after = advanced(found, now=now, told=told(own.get(Child.CLIENT_CA)), settings=settings) if found else None
    after = after if after and is_valid(after.current, now=now) else None
    wanted = None
    if may_be_made and after is None:
        wanted = Issue.FIRST
    elif may_be_made and after and wants_successor(after, now=now, request=request, settings=settings):
        wanted = Issue.SUCCESSOR
    if wanted is None or settings.issuer_ref is None:
        alone = replace(after, pending=b"") if after else None
        return Succession(authorities=alone, wanted=wanted, issuance=None)
    state = issuance(observed, context, issuer=settings.issuer_ref, pending=pending, now=now)
    if state.authority is not None:
        after, wanted = with_new(after, state.authority, request=request), None
    return Succession(authorities=after, wanted=wanted, issuance=state)
