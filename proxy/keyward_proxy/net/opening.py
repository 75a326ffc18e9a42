"""From a grant to a connection at Keyspaces: credentials first, then TCP and TLS."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from keyward_api.decision import EffectiveGrant
from keyward_api.iam import SessionPolicyError
from keyward_api.identities import CallerIdentity
from keyward_api.resources.policy import PolicyDatabase
from keyward_proxy.aws.credentials import AssumeRoleRequest, Credentials, request_for
from keyward_proxy.aws.errors import AWSError
from keyward_proxy.aws.sigv4 import authentication_response
from keyward_proxy.clock import Clock
from keyward_proxy.net.errors import UpstreamUnreachable
from keyward_proxy.net.upstream import Endpoint


class OpeningFailed(Exception):
    """There is no connection to Keyspaces; the text is for the caller."""

    def __init__(self, message: str, *, reason: str, retryable: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        """One CamelCase word."""
        self.retryable = retryable
        """Whether the same login may succeed later with nothing changed."""


class CredentialSource(Protocol):
    """Where credentials come from."""

    async def get(self, request: AssumeRoleRequest) -> Credentials:
        """Credentials that are good for a while; raises AWSError."""


class Connector(Protocol):
    """What reaches Keyspaces."""

    async def connect(self, endpoint: Endpoint) -> ssl.SSLSocket:
        """A non-blocking socket after its handshake; raises UpstreamUnreachable."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A connection to Keyspaces that is not logged in yet, and what it logs in with."""

    socket: ssl.SSLSocket
    credentials: Credentials
    session_name: str
    sign: Callable[[bytes], bytes]
    """From the nonce of the challenge to the AUTH_RESPONSE token."""


class UpstreamOpener:
    """Opens connections to Keyspaces on behalf of callers."""

    def __init__(self, *, credentials: CredentialSource, connector: Connector, clock: Clock) -> None:
        self._credentials = credentials
        self._connector = connector
        self._clock = clock

    async def open(self, grant: EffectiveGrant, identity: CallerIdentity, database: PolicyDatabase) -> Opened:
        """A connection for this identity's grant; raises OpeningFailed."""
        try:
            request = request_for(grant, identity, database)
            credentials = await self._credentials.get(request)
            sock = await self._connector.connect(endpoint_of(database))
        except SessionPolicyError as error:
            raise OpeningFailed(str(error), reason="GrantTooLarge") from error
        except AWSError as error:
            raise OpeningFailed(str(error), reason=error.reason, retryable=error.retryable) from error
        except UpstreamUnreachable as error:
            raise OpeningFailed(str(error), reason="UpstreamUnreachable", retryable=True) from error
        return Opened(
            socket=sock,
            credentials=credentials,
            session_name=request.session_name,
            sign=lambda nonce: self._sign(nonce, credentials, database.region),
        )

    def _sign(self, nonce: bytes, credentials: Credentials, region: str) -> bytes:
        now = datetime.datetime.fromtimestamp(self._clock.wall(), datetime.UTC)
        return authentication_response(nonce=nonce, credentials=credentials, region=region, now=now)


def endpoint_of(database: PolicyDatabase) -> Endpoint:
    """Where the policy says that Keyspaces is."""
    endpoint = database.endpoint
    return Endpoint(
        address=endpoint.address,
        port=endpoint.port,
        server_name=endpoint.server_name,
        roots=endpoint.ca_bundle,
    )
