"""Slices of reads."""

from __future__ import annotations

from keyward_proxy.session.commands import ToClient, ToUpstream
from keyward_proxy.session.outbox import Outbox

READ = b"aaaabbbbcccc"


def sent(outbox: Outbox) -> list[bytes]:
    return [bytes(command.data) for command in outbox.flush() if isinstance(command, ToUpstream | ToClient)]


def test_a_whole_read_leaves_as_the_very_read() -> None:
    outbox = Outbox(ToUpstream)
    for start in (0, 4, 8):
        outbox.forward(READ, start, start + 4)
    (command,) = outbox.flush()
    assert isinstance(command, ToUpstream)
    assert command.data is READ


def test_neighbours_leave_together_and_others_apart() -> None:
    outbox = Outbox(ToUpstream)
    outbox.forward(READ, 0, 4)
    outbox.forward(READ, 8, 12)
    outbox.forward(b"dddd", 0, 4)
    assert sent(outbox) == [b"aaaa", b"cccc", b"dddd"]
    assert outbox.bytes_sent == 12


def test_what_is_sent_stays_behind_what_was_forwarded() -> None:
    outbox = Outbox(ToClient)
    outbox.forward(READ, 0, 4)
    outbox.send(ToClient(data=b"own"))
    outbox.forward(READ, 4, 8)
    assert sent(outbox) == [b"aaaa", b"own", b"bbbb"]


def test_a_patch_changes_its_own_run_only() -> None:
    outbox = Outbox(ToUpstream)
    outbox.forward(READ, 0, 4)
    outbox.forward_patched(READ, 4, 8, 5, b"XX")
    outbox.forward(READ, 8, 12)
    assert sent(outbox) == [b"aaaabXXbcccc"]
    outbox.forward(READ, 0, 12)
    assert sent(outbox) == [READ]
    outbox.forward_patched(READ, 8, 12, 8, b"YY")
    assert sent(outbox) == [b"YYcc"]


def test_nothing_is_flushed_twice() -> None:
    outbox = Outbox(ToUpstream)
    outbox.forward(READ, 0, 4)
    assert sent(outbox) == [b"aaaa"]
    assert sent(outbox) == []


def test_what_is_sent_inside_a_frame_waits_for_its_end() -> None:
    outbox = Outbox(ToUpstream)
    outbox.forward(READ, 0, 4)
    outbox.begin_frame()
    outbox.send(ToUpstream(data=b"own"))
    outbox.send(ToUpstream(data=b"more"))
    assert sent(outbox) == [b"aaaa"]
    outbox.forward(READ, 4, 8)
    outbox.end_frame()
    assert sent(outbox) == [b"bbbb", b"own", b"more"]
