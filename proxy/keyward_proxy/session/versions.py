"""The versions that drivers are told, the same everywhere: Amazon Keyspaces' own."""

from __future__ import annotations

RELEASE_VERSION = "3.11.2"
"""Of Cassandra: drivers choose by it what they read of the schema."""

CQL_VERSION = "3.4.4"
NATIVE_PROTOCOL_VERSION = "4"
