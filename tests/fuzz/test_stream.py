"""Two streams that speak TLS with each other, in any order of writes, pauses, turns and endings."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from keyward_proxy.net.leaf import Leaf, issue
from tests.unit.proxy.net.authorities import make_authority, pem
from tests.unit.proxy.net.test_stream import close, connected

SIZES = st.sampled_from([0, 1, 8, 9, 1000, 16383, 16384, 16385, 65536, 65537, 300_000])
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["client", "server"]),
        st.one_of(
            st.tuples(st.just("write"), SIZES),
            st.tuples(st.sampled_from(["pause", "start", "turn"]), st.integers(1, 5)),
        ),
    ),
    max_size=40,
)


@cache
def contexts() -> tuple[Leaf, ssl.SSLContext]:
    """Made once: key generation is what an example would spend its time on."""
    authority = make_authority()
    leaf = issue(authority, ["agent.test"], datetime.datetime.now(datetime.UTC))
    return leaf, ssl.create_default_context(cadata=pem(authority))


async def play(steps: list[Any], small_buffers: bool, closer: str) -> None:
    client, server = await connected(*contexts(), small_buffers=small_buffers)
    owners = {"client": client, "server": server}
    others = {"client": server, "server": client}
    written = {"client": bytearray(), "server": bytearray()}
    for who, (what, amount) in steps:
        stream = owners[who].stream
        assert stream is not None
        match what:
            case "write":
                data = bytes([len(written[who]) % 251]) * amount
                written[who] += data
                stream.write(data)
            case "pause":
                stream.pause()
            case "start":
                stream.start()
            case "turn":
                for _ in range(amount):
                    await asyncio.sleep(0)
    for owner in owners.values():
        assert owner.stream is not None
        owner.stream.start()
    stream = owners[closer].stream
    assert stream is not None
    # What the other side sent must be read first: who closes reads no more.
    await owners[closer].wait(
        lambda: len(owners[closer].data) >= len(written["server" if closer == "client" else "client"])
    )
    stream.close()
    await others[closer].wait(lambda: bool(others[closer].endings))
    assert client.data == written["server"]
    assert server.data == written["client"]
    await close(client, server)
    for owner in owners.values():
        assert owner.stream is not None
        assert owner.stream.unsent == 0


@settings(deadline=None)
@given(steps=STEPS, small_buffers=st.booleans(), closer=st.sampled_from(["client", "server"]))
def test_whatever_is_written_before_the_end_arrives_in_order(
    steps: list[Any], small_buffers: bool, closer: str
) -> None:
    asyncio.run(play(steps, small_buffers, closer))
