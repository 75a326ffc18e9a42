"""Two servers side by side: a Cassandra as it is, and another one behind the agent."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.compat.addresses import Addresses, pick
from tests.compat.cassandra import Cassandra

SECONDS_TO_START = 300.0


class LaneError(Exception):
    """The agent did not start; the message holds the end of its log."""


@contextlib.contextmanager
def direct_and_through(state: Path) -> Iterator[Addresses]:
    """Both, each with a Cassandra of its own; `state` is an empty folder."""
    addresses = pick()
    plain = Cassandra(state / "direct", addresses.direct)
    with contextlib.ExitStack() as stack, ThreadPoolExecutor() as threads:
        stack.callback(plain.stop)
        starting = threads.submit(plain.start)
        stack.enter_context(through(state, addresses))
        starting.result()
        yield addresses


@contextlib.contextmanager
def through(state: Path, addresses: Addresses, *agent_options: str) -> Iterator[Addresses]:
    """A Cassandra behind the agent; more options of `plain_agent` may be given."""
    upstream = Cassandra(state / "upstream", addresses.upstream)
    with contextlib.ExitStack() as stack:
        stack.callback(upstream.stop)
        upstream.start()
        stack.enter_context(_agent(state / "agent", addresses, agent_options))
        yield addresses


@contextlib.contextmanager
def _agent(state: Path, addresses: Addresses, more: Sequence[str]) -> Iterator[None]:
    state.mkdir(parents=True)
    log = state / "agent.log"
    options = ["--listen", addresses.through, "--cassandra", addresses.upstream, "--state", str(state), *more]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.compat.plain_agent", *options], stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_ready(process, log)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while "ready\n" not in log.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            raise LaneError(f"the agent did not start:\n{log.read_text()[-3000:]}")
        time.sleep(0.05)
