"""What a session is told when it begins, and the limits that every session shares."""

from __future__ import annotations

from dataclasses import dataclass

from keyward_proxy.session.certificate import CertificateProof, CertificateRefused
from keyward_proxy.session.cluster import Entrance

LOGIN_FRAME_BYTES = 64 * 1024
"""No frame body may be longer before the login is complete, on either leg."""

MAXIMUM_TOKEN_BYTES = 16 * 1024
"""No CQL password may be longer; projected ServiceAccount tokens have 1 to 2 KiB."""

STEP_SECONDS = 10.0
"""Each step of a login (first frame, STARTUP, credentials, verification, upstream) ends within this time."""

MAXIMUM_LOGIN_OPTIONS = 16
"""OPTIONS answered before the login is complete. Drivers send one or two; strangers get no more work done for them."""

CLOSE_SECONDS = 4.0
"""How long accepted statements may take to be answered once no more are accepted."""

QUIET_SECONDS = 12.0
"""How long a session that should end waits for a moment without a statement under way."""

IDLE_SECONDS = 1.0
"""A session that should end does so at any moment once it had no statement for this long."""

FAREWELL_SECONDS = 1.0
"""How long a session whose grant ended waits for a request on which to say so."""

EXPIRY_MARGIN_SECONDS = 60.0
"""A session begins to end this long before its credentials or its proof of identity do."""

STATEMENT_CHARACTERS = 16 * 1024
"""Longer statement texts are cut in the audit trail; the SHA-256 there is that of the whole text."""

MAXIMUM_PREPARED_BYTES = 2 * 1024 * 1024
"""Prepared statements remembered for a connection, some 1500; the oldest is forgotten first and then UNPREPARED."""

MAXIMUM_PREPARED_BYTES_OF_ALL = 64 * 1024 * 1024
"""The same for all connections of an agent together, beyond what each may have in any case."""

PREPARED_BYTES_OF_EACH = 64 * 1024
"""What a connection may have in any case."""

MAXIMUM_BATCH_CHILDREN = 1024
"""Statements in one BATCH; Amazon Keyspaces takes 30. More would hold up other sessions while they are read."""

MAXIMUM_BATCH_VALUES = 65_535
"""Bound values in one BATCH: what the protocol allows for a single statement."""

MAXIMUM_DESCRIPTIONS = 8
"""DESCRIBEs under way in all sessions of an agent; each may hold MAXIMUM_SCHEMA_BYTES, and as much again in writing."""

MAXIMUM_HELD_BYTES = 1024 * 1024
"""Requests kept back behind a USE; what comes beyond is answered with OVERLOADED."""

DESCRIBE_SECONDS = 20.0
"""A DESCRIBE is answered within this time, or the session ends: Keyspaces, or this agent, does not keep up."""

MAXIMUM_SCHEMA_BYTES = 8 * 1024 * 1024
"""What Keyspaces may answer for one DESCRIBE; 256 tables of 100 columns are 3 MiB."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionSettings:
    """One client connection's surroundings. What belongs to the database comes with the policy."""

    session_id: str
    """Unique; it names the session in the audit trail."""

    agent: str
    """Name of this agent's pod."""

    entrance: Entrance
    """Through which port the client came: it decides what nodes drivers see."""

    client_address: str
    """Address and port of the client."""

    client_proxied: bool = False
    """True where `client_address` was told by a load balancer."""

    certificate: CertificateProof | CertificateRefused | None = None
    """What the client's certificate proved; None: there was none, and a token must."""
