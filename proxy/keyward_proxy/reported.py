"""What the agent says it is: the facts that drivers and cqlsh go by. See docs/adr/0009."""

from __future__ import annotations

RELEASE_VERSION = "3.11.2"
CQL_VERSION = "3.4.4"
NATIVE_PROTOCOL_VERSION = "4"
CLUSTER_NAME = "Amazon Keyspaces"
PARTITIONER = "org.apache.cassandra.dht.Murmur3Partitioner"
