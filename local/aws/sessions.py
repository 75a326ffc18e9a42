"""The sessions that STS issued: their keys, and whose they are, until they expire.

Kept in memory: a restart forgets them all. Expired sessions are kept for a while so that their keys are
answered with "expired" rather than "unknown".
"""

from __future__ import annotations

import base64
import secrets

from local.aws.principals import Credential, Principal, new_access_key_id, new_secret

_TOKEN_PREFIX = "IQoJb3JpZ2luX2Vj"  # noqa: S105  (how AWS's session tokens begin, so that token scanners know ours)
_TOKEN_BYTES = 600
_KEEP_EXPIRED_SECONDS = 24 * 3600


class SessionRegistry:
    """Issues sessions and finds them by access key id."""

    def __init__(self) -> None:
        self._credentials: dict[str, Credential] = {}

    def issue(self, principal: Principal, *, expiration: float, now: float) -> Credential:
        """Makes the temporary key of a new session that ends at `expiration` (Unix seconds)."""
        self._forget_old(now)
        credential = Credential(
            access_key_id=new_access_key_id("ASIA"),
            secret_access_key=new_secret(),
            session_token=_TOKEN_PREFIX + base64.b64encode(secrets.token_bytes(_TOKEN_BYTES)).decode(),
            expiration=expiration,
            principal=principal,
        )
        self._credentials[credential.access_key_id] = credential
        return credential

    def find(self, access_key_id: str) -> Credential | None:
        """The session of a key, expired or not."""
        return self._credentials.get(access_key_id)

    def _forget_old(self, now: float) -> None:
        limit = now - _KEEP_EXPIRED_SECONDS
        for key, credential in list(self._credentials.items()):
            if credential.expired(limit):
                del self._credentials[key]
