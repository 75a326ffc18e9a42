"""What happens to a session: the only input of `Session.receive`.

Every event carries the time at which it happened, so that the session needs no clock. Whoever does the
I/O makes the events; the session never asks for anything except by a command. No repr shows what was sent: it may be
a token.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyward_api.decision import PolicyView
    from keyward_api.identities import CallerIdentity
    from keyward_proxy.describe.inquiry import Answer
    from keyward_proxy.session.cluster import Cluster, Entrance


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something that happened, and when."""

    now: float
    """Monotonic seconds; latencies and timers are measured with it."""

    wall: float
    """Unix seconds; audit records and expiries are told in it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientData(Event):
    """Bytes that the client sent, as one read returned them."""

    data: bytes = field(repr=False)
    """Never empty; may hold part of a frame, or many. Slices of it are kept: it must never change."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientClosed(Event):
    """The client's side of the connection ended; nothing can be sent to it any more."""

    reason: str = "the client closed the connection"


@dataclass(frozen=True, kw_only=True, slots=True)
class UpstreamData(Event):
    """Bytes that Keyspaces sent, as one read returned them."""

    data: bytes = field(repr=False)
    """Never empty; may hold part of a frame, or many. Slices of it are kept: it must never change."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UpstreamClosed(Event):
    """The connection to Keyspaces ended, unasked or after `CloseUpstream`."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Authenticated(Event):
    """The answer to `Authenticate`: the token is good."""

    identity: CallerIdentity
    expires: float
    """Unix seconds at which the session must be over, because its proof of identity ends; infinity if never."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthenticationRefused(Event):
    """The answer to `Authenticate`: the token is not good, or nobody could tell."""

    message: str
    """For the caller: what is wrong with its token and what to do. Never contains the token."""

    reason: str
    """One CamelCase word for the audit trail and metrics, such as `WrongAudience`."""

    retryable: bool
    """True where the same token may be accepted later, for instance when the API server did not answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UpstreamOpened(Event):
    """The answer to `OpenUpstream`: a TLS connection to Keyspaces stands, credentials are at hand."""

    sign: Callable[[bytes], bytes]
    """Makes the SigV4 AUTH_RESPONSE token from the nonce.

    It is given the 32 ASCII bytes of the nonce alone: the session has found them in the challenge.
    """

    credentials_expire: float
    """Unix seconds; the session closes itself before."""

    aws_session_name: str
    """RoleSessionName under which CloudTrail shows this session."""

    access_key_id: str
    """Access key id of the temporary credentials; never the secret."""

    attribution: str
    """How AWS knows the caller, for instance `SourceIdentity,SessionTags`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UpstreamFailed(Event):
    """The answer to `OpenUpstream`: STS refused, or Keyspaces could not be reached."""

    message: str
    """For the caller: what failed and what to do. Never contains a credential."""

    reason: str
    """One CamelCase word for the audit trail and metrics, such as `AssumeRoleDenied`."""

    retryable: bool = False
    """True where the same login may succeed later: Keyspaces or STS could not be reached, for instance."""

    overloaded: bool = False
    """True where there are too many connections already: the client is told so, and need not change anything."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Described(Event):
    """The answer to `FormatDescription`."""

    answer: Answer


@dataclass(frozen=True, kw_only=True, slots=True)
class DescriptionFailed(Event):
    """The answer to `FormatDescription`: what is asked for does not exist for the caller, or cannot be written."""

    message: str
    """For the client."""

    code: int
    """The native protocol's error code."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyChanged(Event):
    """A new revision of the database's policy is in force from now on."""

    policy: PolicyView


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyOutdated(Event):
    """Nobody knows any more whether the policy in force is current, and the database wants no sessions then."""

    message: str
    """For the client."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterChanged(Event):
    """Clients that came in there see these nodes from now on."""

    entrance: Entrance
    cluster: Cluster


@dataclass(frozen=True, kw_only=True, slots=True)
class Tick(Event):
    """The time asked for by the latest `SetTimer` has come. An early tick is harmless.

    A tick is also the first event of a session: the client's TLS handshake is complete.
    """


@dataclass(frozen=True, kw_only=True, slots=True)
class Drain(Event):
    """The agent is about to stop: the session ends at its first quiet moment, or after its deadline."""

    reason: str = "this agent is shutting down; connect again"
