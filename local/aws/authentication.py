"""Whose key signed this: one look-up for the root's key, users' keys and sessions."""

from __future__ import annotations

from dataclasses import dataclass

from local.aws.cassandra_login import CassandraLogin
from local.aws.errors import AwsError
from local.aws.principals import Credential, Principal, expired_token
from local.aws.sessions import SessionRegistry
from local.aws.sigv4 import Authorization, ReceivedRequest, verify
from local.aws.store import IamStore

INVALID_SIGNATURE = "Authentication failure: Invalid signature"
"""What Amazon Keyspaces answers, with error 0x0100, to a wrong key, region, token or signature alike."""
EXPIRED = "Authentication failure: The security token included in the request is expired"


class LoginRefused(Exception):
    """A Cassandra login that is not proven."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        """BadSignature, UnknownKey, Expired or BadToken."""
        self.message = message
        """For the client."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Authenticator:
    """Proves callers by their signatures."""

    root: Credential
    store: IamStore
    sessions: SessionRegistry
    region: str

    def credential(self, access_key_id: str) -> Credential | None:
        """The key, active or expired; None where nobody has it."""
        if access_key_id == self.root.access_key_id:
            return self.root
        return self.sessions.find(access_key_id) or self.store.credential(access_key_id)

    def caller(self, request: ReceivedRequest, service: str, now: float) -> Principal:
        """The signer of a call to STS or IAM. Raises AwsError."""
        authorization = Authorization.parse(request.header("authorization"))
        credential = self.credential(authorization.access_key_id)
        if credential is None or not credential.accepts_token(request.header("x-amz-security-token")):
            raise AwsError("InvalidClientTokenId", "The security token included in the request is invalid.", status=403)
        verify(request, authorization, secret=credential.secret_access_key, scopes={service: self.region}, now=now)
        if credential.expired(now):
            raise expired_token()
        return credential.principal

    def login(self, login: CassandraLogin, session_token: str | None, now: float) -> Credential:
        """The signer of a Cassandra login. Raises LoginRefused."""
        credential = self.credential(login.access_key_id)
        if credential is None:
            raise LoginRefused("UnknownKey", INVALID_SIGNATURE)
        if not credential.accepts_token(session_token):
            raise LoginRefused("BadToken", INVALID_SIGNATURE)
        signed = login.well_formed() and login.signed_by(credential.secret_access_key)
        if not signed or login.region.lower() != self.region or not login.current(now):
            raise LoginRefused("BadSignature", INVALID_SIGNATURE)
        if credential.expired(now):
            raise LoginRefused("Expired", EXPIRED)
        return credential
