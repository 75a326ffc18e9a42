"""How far the platform's issuer is with the CA that it is asked for, by a CertificateRequest of cert-manager's.

1. The API server does not tell of such requests: cert-manager is missing, or the right to read them. Look again.
2. Something else has the request's name: it is left alone.
3. The request is of before: for another key, issuer or database. It goes.
4. There is none: a key is made and kept in the CA's Secret, and the issuer is asked to sign it.
5. It is not answered yet: look again, soon at first.
6. It was denied or failed, or the answer cannot be used: it goes after a while, and state 4 follows.
7. It is answered: that is the CA. The request, with which nothing is left to do, goes.
"""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

from keyward_api.tenants import IssuerReference
from keyward_operator.json_types import Json
from keyward_operator.manifests.context import ManifestContext
from keyward_operator.pki.certificate_authority import CertificateAuthority
from keyward_operator.pki.issued import NotYetValidError, UnusableAnswerError, accept, is_request_for
from keyward_operator.plan.observed import Observed
from keyward_operator.plan.result import AGAIN, AGAIN_WHERE_TAKEN
from keyward_operator.plan.standings import Standing, standing

RETRY = timedelta(minutes=10)
"""After how long an issuer that refused is asked again."""

PATIENCE = timedelta(hours=1)
"""After how long without an answer something is wrong."""

_SOONEST, _LATEST = 2.0, 300.0
"""Seconds between two looks at a request: a tenth of its age, within these. There is no watch."""

_UNMENDED_SECONDS = 60.0
"""Seconds between two looks where somebody must mend something: the API server's kinds, the issuer."""

_FINAL_CONDITIONS = ("Denied", "InvalidRequest")
_FINAL_REASONS = ("Failed", "Denied")
"""Of the condition Ready of a request: cert-manager does nothing more."""


class Stage(Enum):
    """The states above, in their order."""

    UNAVAILABLE = "unavailable"
    TAKEN = "taken"
    STALE = "stale"
    NOT_ASKED = "not asked"
    WAITING = "waiting"
    REFUSED = "refused"
    ANSWERED = "answered"


@dataclass(frozen=True, kw_only=True, slots=True)
class Issuance:
    """Where it stands."""

    stage: Stage
    message: str = ""
    """What cert-manager says, or what is wrong with the answer."""

    is_late: bool = False
    """Whether it should have been answered by now."""

    is_over: bool = False
    """Whether the request is to go."""

    look_after: float = 0.0
    """Seconds until there may be news."""

    asked_again: datetime | None = None
    """When an issuer that refused is asked again."""

    authority: CertificateAuthority | None = None
    """The answer."""


def issuance(
    observed: Observed, context: ManifestContext, *, issuer: IssuerReference, pending: bytes, now: datetime
) -> Issuance:
    """Judge the request; `pending` is the key that the issuer is asked to sign, empty for none."""
    request = observed.certificate_request
    if observed.issuer_problem:
        return Issuance(stage=Stage.UNAVAILABLE, message=observed.issuer_problem, look_after=_UNMENDED_SECONDS)
    if request is None:
        return Issuance(stage=Stage.NOT_ASKED)
    where = standing(request, observed.owner)
    if where is Standing.FOREIGN:
        return Issuance(stage=Stage.TAKEN, look_after=AGAIN_WHERE_TAKEN)
    if where is Standing.ORPHAN or not _asks(request["spec"], issuer, pending):
        return Issuance(stage=Stage.STALE, is_over=True, look_after=AGAIN)
    return _judge(request, context, str(issuer), pending, now)


def _asks(spec: Json, issuer: IssuerReference, pending: bytes) -> bool:
    named = {key: spec["issuerRef"].get(key) for key in IssuerReference.model_fields}
    return named == issuer.model_dump() and is_request_for(_decoded(spec["request"]), pending)


def _judge(request: Json, context: ManifestContext, issuer: str, pending: bytes, now: datetime) -> Issuance:
    status = request.get("status") or {}
    conditions = {condition["type"]: condition for condition in status.get("conditions") or ()}
    ready = conditions.get("Ready", {})
    if any(_is_true(conditions, name) for name in _FINAL_CONDITIONS) or ready.get("reason") in _FINAL_REASONS:
        told = [conditions.get(name, {}).get("message", "") for name in (*_FINAL_CONDITIONS, "Ready")]
        return _refused("; ".join(filter(None, told)), request, ready, now)
    if not _is_true(conditions, "Ready"):
        unsigned = (
            "it is approved, and not signed yet" if _is_true(conditions, "Approved") else "it is not approved yet"
        )
        return _waiting(ready.get("message") or unsigned, request, now)
    try:
        authority = accept(
            pending,
            certificate=_decoded(status.get("certificate") or ""),
            root=_decoded(status.get("ca") or ""),
            issuer=issuer,
            now=now,
            lifetime=timedelta(seconds=context.settings.certificate_authorities.lifetime_seconds),
        )
    except NotYetValidError as error:
        return _waiting(str(error), request, now)
    except UnusableAnswerError as error:
        return _refused(str(error), request, ready, now)
    return Issuance(stage=Stage.ANSWERED, authority=authority)


def _waiting(message: str, request: Json, now: datetime) -> Issuance:
    age = now - _moment(request["metadata"]["creationTimestamp"])
    look_after = min(max(age.total_seconds() / 10, _SOONEST), _LATEST)
    return Issuance(stage=Stage.WAITING, message=message, is_late=age >= PATIENCE, look_after=look_after)


def _refused(message: str, request: Json, ready: Json, now: datetime) -> Issuance:
    """When is told by cert-manager, else it is as old as the request."""
    status = request.get("status") or {}
    since = status.get("failureTime") or ready.get("lastTransitionTime") or request["metadata"]["creationTimestamp"]
    again = _moment(since) + RETRY
    return Issuance(
        stage=Stage.REFUSED,
        message=message,
        is_over=now >= again,
        look_after=min(max((again - now).total_seconds(), AGAIN), _UNMENDED_SECONDS),
        asked_again=again,
    )


def _is_true(conditions: Mapping[str, Json], name: str) -> bool:
    return conditions.get(name, {}).get("status") == "True"


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text)
    except ValueError:
        return b""


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
