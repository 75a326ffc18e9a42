"""What an agent is told at its start, and whatever it has that reaches outside of its process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from keyward_proxy.audit.writer import AuditWriter
from keyward_proxy.auth.authenticator import TokenReviewer
from keyward_proxy.auth.token import SERVICE_ACCOUNT_TOKEN, WantedToken
from keyward_proxy.aws.sts import SecurityTokenService
from keyward_proxy.clock import Clock
from keyward_proxy.feed.lease import OperatorSigns
from keyward_proxy.feed.status import StatusSink
from keyward_proxy.feed.watch import PolicySource
from keyward_proxy.health import NotReady
from keyward_proxy.metrics import Metrics
from keyward_proxy.net.client_authority import ClientAuthorityFile
from keyward_proxy.net.opening import Connector
from keyward_proxy.net.server import Limits


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentSettings:
    """What an agent is told at its start; everything else is in the policy."""

    pod: str
    pod_ip: str
    policy: str
    """Namespace and name of the KeyspacesPolicy, for messages and records."""

    operator_lease: str = ""
    """Namespace and name of the operator's Lease; empty where there is no operator."""

    ca_directory: Path
    """Holds the CA that signs the server's certificate; of no use where `certificate_files` are given."""

    server_names: tuple[str, ...]
    certificate_files: tuple[Path, Path] | None = None
    """Certificate and key of the server, where somebody else signs them."""

    clients: ClientAuthorityFile | None = None
    """The CA whose client certificates name people; None: nobody is asked for a certificate."""

    listen: tuple[str, int]
    health: tuple[str, int]
    endpoints_seconds: float = 8.0
    """How long connections are still taken after the end began, at least.

    A rolling update starts the next agent when it ends this one: sessions end once that one has had the processor.
    """

    settling_seconds: float = 12.0
    """How long drivers take to find an agent after it was listed, and to connect to it; Python's wait up to 10 s.

    Sessions do not end meanwhile: Python's driver connects twice to a node that comes while another goes, and closes
    the first connection with what is under way on it.
    """

    longest_endpoints_seconds: float = 30.0
    """How long connections are taken after the end began where agents start and start."""

    drain_seconds: float = 24.0
    """How long sessions may take after that; all of it and the flush fit the pod's grace period."""

    external_listen: tuple[str, int] | None = None
    """Where clients come in that see all agents as one node; None: nowhere."""

    service_listen: tuple[str, int] | None = None
    """Where clients come in that connected to the agents' Service; None: nowhere."""

    listing_seconds: float = 30.0
    """How long the agent waits to be listed before it is ready all the same: it may be unable to report."""

    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, kw_only=True, slots=True)
class Dependencies:
    """Whatever reaches outside the process."""

    policy_source: PolicySource
    status_sink: StatusSink
    reviewer: TokenReviewer
    sts: SecurityTokenService
    check_identity: Callable[[], None]
    """Raises IdentityNotInjected while there is no AWS identity."""

    connector: Connector
    audit: AuditWriter
    clock: Clock
    metrics: Metrics
    operator_signs: OperatorSigns | None = None
    """Where the operator's signs of life come from; None: there is no operator, and no policy is ever stale."""

    wanted_token: WantedToken = SERVICE_ACCOUNT_TOKEN
    """How callers are told what token to send."""

    warnings: Callable[[], Sequence[NotReady]] = tuple
    """What is wrong although clients are served, for whoever asks for readiness."""
