"""EVENT: what a server tells unasked, to clients that registered for it. native_protocol_v4.spec, section 4.2.6."""

from __future__ import annotations

import ipaddress
from enum import StrEnum

from keyward_proxy.wire.header import Opcode, frame
from keyward_proxy.wire.responses import message_body, string
from keyward_proxy.wire.scanner import Frame


class EventType(StrEnum):
    """What can be registered for."""

    TOPOLOGY_CHANGE = "TOPOLOGY_CHANGE"
    STATUS_CHANGE = "STATUS_CHANGE"
    SCHEMA_CHANGE = "SCHEMA_CHANGE"


class NodeChange(StrEnum):
    """What can happen to a node: the first two are of TOPOLOGY_CHANGE, the others of STATUS_CHANGE."""

    NEW_NODE = "NEW_NODE"
    REMOVED_NODE = "REMOVED_NODE"
    UP = "UP"
    DOWN = "DOWN"

    @property
    def type(self) -> EventType:
        """The event that tells of it."""
        if self in (NodeChange.UP, NodeChange.DOWN):
            return EventType.STATUS_CHANGE
        return EventType.TOPOLOGY_CHANGE


def node_event_body(change: NodeChange, address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> bytes:
    """The body of an EVENT about the node that takes clients at this address and port."""
    packed = address.packed
    inet = len(packed).to_bytes(1) + packed + port.to_bytes(4)
    return string(change.type) + string(change) + inet


def changed_keyspace(event: Frame) -> str | None:
    """The keyspace of a SCHEMA_CHANGE; None for any other EVENT. Raises ProtocolViolation."""
    body = message_body(event)
    if body.string() != EventType.SCHEMA_CHANGE:
        return None
    body.string()  # CREATED, UPDATED or DROPPED
    body.string()  # KEYSPACE, TABLE, TYPE, FUNCTION or AGGREGATE; the keyspace stands behind each of them
    return body.string()


def register_frame(version: int, stream: int, *types: EventType) -> bytes:
    """A REGISTER for these."""
    return frame(version, stream, Opcode.REGISTER, len(types).to_bytes(2) + b"".join(string(kind) for kind in types))
