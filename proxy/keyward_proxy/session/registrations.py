"""Which events a client registered for, and which of what happens it may learn.

Of Keyspaces' own events only changes of schema are passed on, and only of keyspaces of which the caller may know:
the others tell of nodes past the agents. Changes of nodes are the agents' own.
"""

from __future__ import annotations

from collections.abc import Iterator

from keyward_api.names import CQL_PORT
from keyward_api.visibility import sees_keyspace
from keyward_proxy.session.cluster import Address, Cluster
from keyward_proxy.session.commands import ToClient
from keyward_proxy.session.context import Caller, SessionContext
from keyward_proxy.wire.errors import ProtocolViolation
from keyward_proxy.wire.header import PUSH_STREAM, Opcode
from keyward_proxy.wire.scanner import Frame
from keyward_proxy.wire.server_events import EventType, NodeChange, changed_keyspace, node_event_body


class UnknownEventType(ProtocolViolation):
    """REGISTER for something that is no event of protocol version 3 or 4; the session lives."""


class Registrations:
    """One session's."""

    def __init__(self, context: SessionContext, caller: Caller) -> None:
        self._context = context
        self._caller = caller
        self._types: set[EventType] = set()

    def use(self, caller: Caller) -> None:
        """Judge by another grant from now on."""
        self._caller = caller

    def add(self, types: list[str]) -> bool:
        """Register for these; tells whether changes of schema are wanted from now on, and were not before.

        Raises UnknownEventType, and registers for nothing then.
        """
        wanted = {_event_type(name) for name in types}
        new = wanted - self._types
        self._types |= new
        return EventType.SCHEMA_CHANGE in new

    def passes(self, frame: Frame) -> bool:
        """Whether an EVENT of Keyspaces is passed on. Raises ProtocolViolation."""
        if frame.opcode != Opcode.EVENT:
            raise ProtocolViolation(f"opcode 0x{frame.opcode:02x} on the stream of events")
        keyspace = changed_keyspace(frame)
        if keyspace is None or EventType.SCHEMA_CHANGE not in self._types:
            return False
        return sees_keyspace(self._caller.grant, keyspace)

    def changes(self, before: Cluster, after: Cluster) -> Iterator[ToClient]:
        """The events that tell what became of the other agents: a new node is there before it is up."""
        for node in before.peers:
            if node not in after.peers:
                yield from self._events(node.address, NodeChange.DOWN, NodeChange.REMOVED_NODE)
        for node in after.peers:
            if node not in before.peers:
                yield from self._events(node.address, NodeChange.NEW_NODE, NodeChange.UP)

    def _events(self, address: Address, *changes: NodeChange) -> Iterator[ToClient]:
        for change in changes:
            if change.type in self._types:
                yield self._context.to_client(PUSH_STREAM, Opcode.EVENT, node_event_body(change, address, CQL_PORT))


def _event_type(name: str) -> EventType:
    try:
        return EventType(name.upper())
    except ValueError:
        raise UnknownEventType(
            f"Invalid value '{name[:64]}' for Type: an event type is {', '.join(EventType)}"
        ) from None
