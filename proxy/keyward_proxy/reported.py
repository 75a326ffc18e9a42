"""What the agent says it is: the facts that drivers and cqlsh go by. See docs/adr/0009."""

from __future__ import annotations

RELEASE_VERSION = "4.0.0"
"""The oldest that cqlsh sends DESCRIBE to. Amazon Keyspaces itself says 3.11.2, and its CQL is that of 3.11."""

CQL_VERSION = "3.4.4"
NATIVE_PROTOCOL_VERSION = "4"
CLUSTER_NAME = "Amazon Keyspaces"
PARTITIONER = "org.apache.cassandra.dht.Murmur3Partitioner"
