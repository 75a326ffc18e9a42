"""AWS Signature Version 4 of a request to STS or IAM, verified from the request as it was received.

Source: "Create a signed AWS API request", IAM User Guide. Only the Authorization header form is taken (no
presigned URLs), the date must come in X-Amz-Date, and the signature must cover `host` and every `x-amz-*`
header, the session token among them.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self
from urllib.parse import quote

from local.aws.errors import AwsError

ALGORITHM = "AWS4-HMAC-SHA256"
MAXIMUM_SKEW_SECONDS = 15 * 60

_DATE = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceivedRequest:
    """An HTTP request, nothing decoded."""

    method: str
    path: str
    """As on the request line, without the query."""
    query: str
    headers: Sequence[tuple[str, str]]
    """In order of arrival; a name may occur more than once."""
    body: bytes

    def header(self, name: str) -> str | None:
        """The header's values, joined as HTTP joins them; None where it is absent."""
        values = [value.strip() for key, value in self.headers if key.lower() == name]
        return ",".join(values) if values else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Authorization:
    """The parts of an Authorization header."""

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str

    @classmethod
    def parse(cls, header: str | None) -> Self:
        """Raises AwsError: MissingAuthenticationToken, or IncompleteSignature naming the part that is missing."""
        if not header:
            raise AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", status=403)
        algorithm, _, rest = header.partition(" ")
        if algorithm != ALGORITHM:
            raise AwsError("IncompleteSignature", f"Authorization header must use the algorithm {ALGORITHM}.")
        parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
        for name in ("Credential", "SignedHeaders", "Signature"):
            if not parts.get(name):
                raise AwsError("IncompleteSignature", f"Authorization header requires '{name}' parameter.")
        scope = parts["Credential"].split("/")
        if len(scope) != 5 or scope[4] != "aws4_request":
            raise AwsError(
                "IncompleteSignature",
                "Credential must have exactly 5 slash-delimited elements: keyid/date/region/service/aws4_request.",
            )
        return cls(
            access_key_id=scope[0],
            date=scope[1],
            region=scope[2],
            service=scope[3],
            signed_headers=tuple(parts["SignedHeaders"].split(";")),
            signature=parts["Signature"],
        )


def signing_key(secret: str, *, date: str, region: str, service: str) -> bytes:
    """The key that signs all requests of one day, region and service."""
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    return key


def canonical_request(request: ReceivedRequest, signed_headers: Sequence[str]) -> str:
    """The text whose hash is signed."""
    headers = "".join(f"{name}:{_collapse(request.header(name) or '')}\n" for name in signed_headers)
    return "\n".join(
        (
            request.method,
            quote(request.path or "/", safe="/~"),
            _canonical_query(request.query),
            headers,
            ";".join(signed_headers),
            hashlib.sha256(request.body).hexdigest(),
        )
    )


def verify(
    request: ReceivedRequest,
    authorization: Authorization,
    *,
    secret: str,
    scopes: Mapping[str, str],
    now: float,
) -> None:
    """Raises AwsError unless `secret` signed it within 15 minutes of `now` for one of `scopes` (service to region)."""
    _check_scope(authorization, scopes)
    timestamp = request.header("x-amz-date") or ""
    _check_date(timestamp, authorization.date, now)
    _check_coverage(request, authorization.signed_headers)
    scope = f"{authorization.date}/{authorization.region}/{authorization.service}/aws4_request"
    digest = hashlib.sha256(canonical_request(request, authorization.signed_headers).encode()).hexdigest()
    text = "\n".join((ALGORITHM, timestamp, scope, digest))
    key = signing_key(secret, date=authorization.date, region=authorization.region, service=authorization.service)
    expected = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), authorization.signature.encode()):
        raise _refused(_MISMATCH)


def _refused(message: str) -> AwsError:
    return AwsError("SignatureDoesNotMatch", message, status=403)


def _check_scope(authorization: Authorization, scopes: Mapping[str, str]) -> None:
    if authorization.service not in scopes:
        services = " or ".join(f"'{service}'" for service in sorted(scopes))
        raise _refused(f"Credential should be scoped to correct service: {services}. ")
    if authorization.region != scopes[authorization.service]:
        raise _refused(
            f"Credential should be scoped to a valid region, not '{authorization.region}': "
            f"local AWS serves {authorization.service} in '{scopes[authorization.service]}'. "
        )


def _check_date(timestamp: str, scope_date: str, now: float) -> None:
    if not _DATE.fullmatch(timestamp):
        raise AwsError("IncompleteSignature", f"X-Amz-Date must be like 20200609T224151Z, not '{timestamp}'.")
    if not timestamp.startswith(scope_date + "T"):
        raise _refused(f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date: {timestamp}")
    signed = _seconds(timestamp)
    if signed < now - MAXIMUM_SKEW_SECONDS:
        raise _refused(f"Signature expired: {timestamp} is more than 15 min. earlier than {_basic(now)}")
    if signed > now + MAXIMUM_SKEW_SECONDS:
        raise _refused(f"Signature not yet current: {timestamp} is more than 15 min. later than {_basic(now)}")


def _check_coverage(request: ReceivedRequest, signed_headers: Sequence[str]) -> None:
    required = {"host"} | {name.lower() for name, _ in request.headers if name.lower().startswith("x-amz-")}
    missing = sorted(required - set(signed_headers))
    if missing:
        raise _refused(f"'{', '.join(missing)}' must be a 'SignedHeader' in the AWS Authorization.")
    absent = sorted(name for name in signed_headers if request.header(name) is None)
    if absent:
        raise _refused(f"SignedHeaders names '{', '.join(absent)}', which the request does not carry.")


def _seconds(timestamp: str) -> float:
    try:
        return datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise AwsError("IncompleteSignature", f"X-Amz-Date '{timestamp}' is not a date.") from error


def _basic(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%dT%H%M%SZ")


def _collapse(value: str) -> str:
    return " ".join(value.split())


def _canonical_query(query: str) -> str:
    """Sorted; clients send it encoded as RFC 3986 encodes, so nothing is encoded again."""
    return "&".join(sorted(part if "=" in part else f"{part}=" for part in query.split("&") if part))
