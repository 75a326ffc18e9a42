"""The signature of a Cassandra login at Amazon Keyspaces (authenticator
`com.amazon.helenus.auth.HelenusAuthenticator`).

Source: AWS's four published plug-ins (aws-sigv4-auth-cassandra-{python,java,nodejs,gocql}-driver-plugin),
which agree: the canonical request is a PUT of /authenticate to the literal host `cassandra`, its payload the
server's nonce; the session token is not signed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from local.aws.sigv4 import ALGORITHM, MAXIMUM_SKEW_SECONDS, signing_key

_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
_NONCE = re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class CassandraLogin:
    """What a client answered to the nonce."""

    access_key_id: str
    nonce: str
    """32 hexadecimal digits; hashed as text."""
    amzdate: str
    """UTC with milliseconds: 2020-06-09T22:41:51.000Z."""
    region: str
    signature: str
    """64 hexadecimal digits."""

    def canonical_request(self) -> str:
        """The text whose hash is signed."""
        query = (
            f"X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={self.access_key_id}%2F{self.scope().replace('/', '%2F')}"
            f"&X-Amz-Date={self.amzdate.replace(':', '%3A')}&X-Amz-Expires={MAXIMUM_SKEW_SECONDS}"
        )
        digest = hashlib.sha256(self.nonce.encode()).hexdigest()
        return "\n".join(("PUT", "/authenticate", query, "host:cassandra", "", "host", digest))

    def scope(self) -> str:
        """What the signing key is derived for."""
        return f"{self.date()}/{self.region.lower()}/cassandra/aws4_request"

    def date(self) -> str:
        """The day of `amzdate`, as scopes write it."""
        return self.amzdate[:10].replace("-", "")

    def signed_by(self, secret: str) -> bool:
        """Whether `secret` made this signature."""
        digest = hashlib.sha256(self.canonical_request().encode()).hexdigest()
        text = "\n".join((ALGORITHM, self.amzdate, self.scope(), digest))
        key = signing_key(secret, date=self.date(), region=self.region.lower(), service="cassandra")
        expected = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected.encode(), self.signature.encode())

    def well_formed(self) -> bool:
        """Whether nonce and date have the form that the authenticator asks for."""
        return bool(_NONCE.fullmatch(self.nonce)) and self._seconds() is not None

    def current(self, now: float) -> bool:
        """Whether it was signed within 15 minutes of `now` (the X-Amz-Expires that every plug-in signs)."""
        signed = self._seconds()
        return signed is not None and abs(now - signed) <= MAXIMUM_SKEW_SECONDS

    def _seconds(self) -> float | None:
        if not _DATE.fullmatch(self.amzdate):
            return None
        try:
            return datetime.strptime(self.amzdate, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC).timestamp()
        except ValueError:
            return None
