"""What a session wants done: the only output of `Session.receive`.

Commands are carried out in order. Sockets, buffers and back-pressure belong to whoever carries them out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keyward_proxy.session.records import AuditRecord
from keyward_proxy.session.secret import Secret

if TYPE_CHECKING:
    from keyward_api.decision import EffectiveGrant
    from keyward_api.identities import CallerIdentity
    from keyward_proxy.describe.inquiry import Inquiry


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """Something to be done."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ToClient(Command):
    """Send these bytes to the client: whole frames, or the next part of one."""

    data: bytes | memoryview = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class ToUpstream(Command):
    """Send these bytes to Keyspaces: whole frames, or the next part of one."""

    data: bytes | memoryview = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Authenticate(Command):
    """Verify this token; answered by `Authenticated` or `AuthenticationRefused`."""

    username: str
    """The CQL user name as sent, possibly empty. It names the IAM role wanted and proves nothing."""

    token: Secret
    """The CQL password as sent; never empty, at most `settings.MAXIMUM_TOKEN_BYTES` long, UTF-8."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenUpstream(Command):
    """Get credentials for the grant's role and connect to Keyspaces.

    Answered by `UpstreamOpened` or `UpstreamFailed`.
    """

    grant: EffectiveGrant
    identity: CallerIdentity


@dataclass(frozen=True, kw_only=True, slots=True)
class FormatDescription(Command):
    """Have a DESCRIBE's answer written; answered by `Described` or `DescriptionFailed`.

    It takes too long to be done between two events of other sessions.
    """

    inquiry: Inquiry


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordAudit(Command):
    """Write this record; the writer adds `seq` and `prev`."""

    record: AuditRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class CloseClient(Command):
    """Send what is still buffered, then end the client's connection.

    The session is over: it ignores later events.
    """

    reason: str
    """For the log; the client has been told by an ERROR frame where the protocol allows one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CloseUpstream(Command):
    """End the connection to Keyspaces, or stop opening it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PauseClient(Command):
    """Do not read the client before this time: it asks for more than the database's limits allow."""

    until: float
    """Monotonic seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SetTimer(Command):
    """Give a `Tick` at this time; replaces the timer set before."""

    at: float
    """Monotonic seconds."""
