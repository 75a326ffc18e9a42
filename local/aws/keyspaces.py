"""What local Keyspaces asks: whose key is this, and may this session do this.

Amazon Keyspaces applies changed IAM policies to live connections within ten minutes; here each question is
answered from the policies as they are now.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from local.aws.authentication import Authenticator, LoginRefused
from local.aws.calls import CallLog
from local.aws.cassandra_login import CassandraLogin
from local.aws.errors import AwsError
from local.aws.permissions import caller_request, caller_verdict, denial
from local.aws.principals import Principal, expired_token
from local.aws.store import IamStore


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A proven login."""

    principal: str
    account: str
    session: str
    """The handle for later questions: the access key id."""
    expiration: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """The answer to "may this session do this on all of these"."""

    allowed: bool
    reason: str
    """Empty if allowed; else IAM's sentence, naming principal, action and the first resource denied."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyspacesAccess:
    """Authentication and authorization for the data plane."""

    authenticator: Authenticator
    store: IamStore
    calls: CallLog
    clock: Callable[[], float]

    def authenticate(self, login: CassandraLogin, session_token: str | None) -> Session:
        """Raises LoginRefused."""
        parameters = {"AccessKeyId": login.access_key_id, "Region": login.region}
        try:
            credential = self.authenticator.login(login, session_token, self.clock())
        except LoginRefused as refusal:
            self._record("keyspaces:Authenticate", None, parameters, AwsError(refusal.code, refusal.message))
            raise
        principal = credential.principal
        self._record("keyspaces:Authenticate", principal, parameters, None)
        return Session(
            principal=principal.arn,
            account=principal.account,
            session=credential.access_key_id,
            expiration=credential.expiration,
        )

    def authorize(self, session: str, action: str, resources: Sequence[str]) -> Decision:
        """Allowed if every resource is. Only refusals are recorded: statements are many."""
        credential = self.authenticator.credential(session)
        principal = credential.principal if credential else None
        if principal is None:
            reason = "The security token included in the request is invalid."
        elif credential and credential.expired(self.clock()):
            reason = expired_token().message
        else:
            reason = next(filter(None, (self._denial(principal, action, arn) for arn in resources)), "")
        if reason:
            parameters: dict[str, object] = {"Resources": list(resources)}
            self._record(action, principal, parameters, AwsError.access_denied(reason))
        return Decision(allowed=not reason, reason=reason)

    def _denial(self, principal: Principal, action: str, arn: str) -> str:
        request = caller_request(self.store, principal, action=action, resource=arn)
        verdict = caller_verdict(self.store, principal, request)
        return "" if verdict.allowed else denial(principal, request, verdict)

    def _record(
        self,
        action: str,
        principal: Principal | None,
        parameters: dict[str, object] | dict[str, str],
        error: AwsError | None,
    ) -> None:
        self.calls.record(
            time=self.clock(),
            action=action,
            principal=principal.arn if principal else None,
            parameters=parameters,
            error=error,
        )
