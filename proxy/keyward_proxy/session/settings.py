"""What a session is told when it begins: about its database, its agent and its client.

Everything here is fixed for the life of the session. Limits that every session shares are constants, each with
its unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LOGIN_FRAME_BYTES = 64 * 1024
"""No frame may be longer before the login is complete, on either leg."""

MAXIMUM_TOKEN_BYTES = 16 * 1024
"""No CQL password may be longer; projected ServiceAccount tokens have about 1 to 2 KiB."""

STEP_SECONDS = 10.0
"""Each step of a login (first frame, STARTUP, credentials, upstream) must end within this time."""

CLOSE_SECONDS = 4.0
"""How long accepted statements may take to be answered once a session is to end."""

CREDENTIALS_MARGIN_SECONDS = 60.0
"""A session begins to close this long before its AWS credentials end."""

STATEMENT_BYTES = 16 * 1024
"""Longer statement texts are cut in the audit trail; the SHA-256 there is that of the whole text."""

MAXIMUM_PREPARED = 4096
"""Prepared ids remembered for a connection; the oldest is forgotten first and answered with UNPREPARED."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionSettings:
    """One client connection's surroundings."""

    session_id: str
    """Unique; it names the session in the audit trail."""

    cluster: str
    """uid of the kube-system namespace."""

    namespace: str
    database: str
    database_uid: str
    """uid of the KeyspacesDatabase; the host id that drivers see is derived from it."""

    agent: str
    """Name of this agent's pod."""

    region: str
    """AWS region; drivers see it as data centre and rack."""

    service_address: str
    """IP address of the Service through which clients connect; drivers see it as the node's address."""

    client_address: str
    """Address and port of the client."""

    client_proxied: bool = False
    """True where `client_address` was told by a load balancer."""

    audit_statements: Literal["Redacted", "Full", "Fingerprint"] = "Redacted"
    consistency_writes: Literal["UpgradeToLocalQuorum", "PassThrough"] = "UpgradeToLocalQuorum"
    consistency_reads: Literal["UpgradeUnsupported", "PassThrough"] = "UpgradeUnsupported"
    maximum_frame_bytes: int = 16 * 1024 * 1024
    """Longest frame body accepted after the login, in bytes."""
