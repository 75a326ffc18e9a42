"""SigV4 as Amazon Keyspaces asks for it inside the CQL login.

AWS's own plug-ins (Java, Python, Go, Node) define it, no document does: the string that is signed looks like a
PUT of `/authenticate` to the host `cassandra`, with the server's nonce as body. Two traps: the date is the
extended ISO form with three digits of milliseconds, which must be truncated (rounding makes four of 999.5 and a
bad signature), and the session token is not signed.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac

from keyward_proxy.aws.credentials import Credentials

ALGORITHM = "AWS4-HMAC-SHA256"
EXPIRES_SECONDS = 900


def authentication_response(*, nonce: bytes, credentials: Credentials, region: str, now: datetime.datetime) -> bytes:
    """The AUTH_RESPONSE token for this nonce (its ASCII bytes, not decoded)."""
    at = now.astimezone(datetime.UTC)
    amz_date = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
    scope = f"{at:%Y%m%d}/{region.lower()}/cassandra/aws4_request"
    canonical = _canonical_request(nonce, credentials.access_key_id, scope, amz_date)
    to_sign = f"{ALGORITHM}\n{amz_date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = _signing_key(credentials.secret_access_key.reveal(), scope)
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    response = f"signature={signature},access_key={credentials.access_key_id},amzdate={amz_date}"
    if credentials.session_token:
        response += f",session_token={credentials.session_token.reveal()}"
    return response.encode("ascii")


def _canonical_request(nonce: bytes, access_key_id: str, scope: str, amz_date: str) -> str:
    query = "&".join(
        [
            f"X-Amz-Algorithm={ALGORITHM}",
            f"X-Amz-Credential={access_key_id}%2F{scope.replace('/', '%2F')}",
            f"X-Amz-Date={amz_date.replace(':', '%3A')}",
            f"X-Amz-Expires={EXPIRES_SECONDS}",
        ]
    )
    return f"PUT\n/authenticate\n{query}\nhost:cassandra\n\nhost\n{hashlib.sha256(nonce).hexdigest()}"


def _signing_key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
