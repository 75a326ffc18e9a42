"""Events as the Python driver reads them."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from keyward_proxy.wire.errors import ProtocolViolation
from keyward_proxy.wire.header import Opcode, response
from keyward_proxy.wire.scanner import Frame, ResponseScanner
from keyward_proxy.wire.server_events import (
    EventType,
    NodeChange,
    changed_keyspace,
    node_event_body,
    register_frame,
)
from tests.unit.proxy import frames


def scanned(body: bytes, *, version: int = 4) -> Frame:
    scanner = ResponseScanner(maximum_body=65536, version=version)
    (frame,) = scanner.feed(response(version, -1, Opcode.EVENT, body))
    assert isinstance(frame, Frame)
    return frame


@pytest.mark.parametrize("change", NodeChange)
@pytest.mark.parametrize("address", ["10.1.0.2", "fd00::2"])
@pytest.mark.parametrize("version", [3, 4])
def test_changes_of_nodes_are_read_as_they_are_meant(change: NodeChange, address: str, version: int) -> None:
    sent = response(version, -1, Opcode.EVENT, node_event_body(change, ip_address(address), 9142))
    ((seen,), rest) = frames.split(sent)
    message = seen.message
    assert not rest
    assert message.event_type == ("STATUS_CHANGE" if change in ("UP", "DOWN") else "TOPOLOGY_CHANGE")
    assert message.event_args == {"change_type": change.value, "address": (address, 9142)}


@pytest.mark.parametrize(
    "rest",
    [("KEYSPACE", "shop"), ("TABLE", "shop", "items"), ("TYPE", "shop", "money"), ("FUNCTION", "shop", "f")],
)
def test_a_change_of_schema_tells_its_keyspace(rest: tuple[str, ...]) -> None:
    body = b"".join(map(frames.string, ("SCHEMA_CHANGE", "CREATED", *rest)))
    assert changed_keyspace(scanned(body)) == "shop"


def test_other_events_tell_no_keyspace() -> None:
    assert changed_keyspace(scanned(node_event_body(NodeChange.UP, ip_address("10.1.0.2"), 9142))) is None


def test_an_event_that_ends_early_is_a_violation() -> None:
    with pytest.raises(ProtocolViolation):
        changed_keyspace(scanned(frames.string("SCHEMA_CHANGE") + frames.string("CREATED")))


def test_register_names_its_types() -> None:
    ((seen,), _) = frames.split(register_frame(4, 7, EventType.SCHEMA_CHANGE))
    assert (seen.opcode, seen.stream, seen.version) == (Opcode.REGISTER, 7, 4)
    assert seen.body == b"\x00\x01" + frames.string("SCHEMA_CHANGE")
