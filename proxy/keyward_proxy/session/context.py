"""What the phases of one session share: who, under which policy, and what was agreed on the wire."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from keyward_api.decision import EffectiveGrant, PolicyView
from keyward_api.identities import CallerIdentity
from keyward_api.locking import words
from keyward_proxy.reported import CQL_VERSION
from keyward_proxy.session.cluster import Cluster
from keyward_proxy.session.commands import CloseClient, CloseUpstream, Command, ToClient
from keyward_proxy.session.phase import Phase
from keyward_proxy.session.settings import LOGIN_FRAME_BYTES, MAXIMUM_LOGIN_OPTIONS, SessionSettings
from keyward_proxy.session.shared import Shared
from keyward_proxy.wire.errors import ProtocolViolation
from keyward_proxy.wire.header import VERSIONS, Opcode, response
from keyward_proxy.wire.responses import error_body, supported_body
from keyward_proxy.wire.scanner import RequestScanner

# The lists are those of Amazon Keyspaces; drivers want COMPRESSION to be there, and empty means none.
SUPPORTED = supported_body({"CQL_VERSION": [CQL_VERSION], "COMPRESSION": []})


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who uses a session, and what it may do."""

    identity: CallerIdentity
    grant: EffectiveGrant
    proof_expires: float
    """Unix seconds; infinity if never."""


@dataclass(kw_only=True, slots=True)
class SessionContext:
    """One session's facts. Filled in as the login goes on."""

    settings: SessionSettings
    policy: PolicyView
    cluster: Cluster
    """The nodes that the client sees."""

    shared: Shared
    phase: Phase
    requests: RequestScanner = field(default_factory=lambda: RequestScanner(maximum_body=LOGIN_FRAME_BYTES))
    version: int = VERSIONS[-1]
    """Protocol version, once STARTUP has fixed it."""

    startup_options: dict[str, str] = field(default_factory=dict)
    username: str = ""
    upstream_open: bool = False
    """Whether a connection to Keyspaces stands or is being made."""

    login_options: int = 0
    """OPTIONS that came before the login was complete."""

    over: bool = False

    @property
    def where(self) -> str:
        """The database, as messages name it."""
        database = self.policy.database
        return f"database {database.namespace}/{database.name}"

    def locked(self, identity: CallerIdentity, grant: EffectiveGrant) -> str | None:
        """Why this identity is locked out of this session, in words for it; None where it is not."""
        settings, policy = self.settings, self.policy
        lock = policy.locks.on_session(
            identity, users=grant.users, db_user=grant.db_user, session=settings.session_id, agent=settings.agent
        )
        return words(lock, identity, policy.database) if lock else None

    def to_client(self, stream: int, opcode: Opcode, body: bytes = b"") -> ToClient:
        """A frame for the client."""
        return ToClient(data=response(self.version, stream, opcode, body))

    def options_before_login(self, stream: int) -> ToClient:
        """The answer to OPTIONS; raises ProtocolViolation where there were too many."""
        self.login_options += 1
        if self.login_options > MAXIMUM_LOGIN_OPTIONS:
            raise ProtocolViolation(f"more than {MAXIMUM_LOGIN_OPTIONS} OPTIONS before the login", stream=stream)
        return self.to_client(stream, Opcode.SUPPORTED, SUPPORTED)

    def error(self, stream: int, code: int, message: str, extra: bytes = b"") -> ToClient:
        """An ERROR for the client."""
        return self.to_client(stream, Opcode.ERROR, error_body(code, message, extra))

    def close(self, reason: str) -> Iterator[Command]:
        """End both connections, and with them the session."""
        self.over = True
        if self.upstream_open:
            yield CloseUpstream()
        yield CloseClient(reason=reason)
