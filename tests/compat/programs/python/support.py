"""What the checks share: the driver as an application sets it up, and a list of what there is to check."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, Session
from cassandra.policies import FallthroughRetryPolicy, RoundRobinPolicy

ADDRESS, KEYSPACE = sys.argv[1:3]
SECONDS = 60.0
REPLICATION = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
Check = Callable[[Session], None]
CHECKS: dict[str, Check] = {}


def check(name: str) -> Callable[[Check], Check]:
    """Put a function into the list."""

    def add(function: Check) -> Check:
        CHECKS[name] = function
        return function

    return add


@contextmanager
def connected(**options: Any) -> Iterator[Session]:
    """A cluster of its own, as an application makes it; refusals are final."""
    profile = ExecutionProfile(
        load_balancing_policy=RoundRobinPolicy(), retry_policy=FallthroughRetryPolicy(), request_timeout=SECONDS
    )
    cluster = Cluster(
        [ADDRESS],
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        connect_timeout=SECONDS,
        control_connection_timeout=SECONDS,
        **options,
    )
    try:
        yield cluster.connect()
    finally:
        cluster.shutdown()


def connections(session: Session) -> list[Any]:
    """All that the driver holds, the control connection among them."""
    holders = session.cluster.get_connection_holders()
    return [connection for holder in holders for connection in holder.get_connections()]


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    """The condition's first true value."""
    deadline = time.monotonic() + SECONDS
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {SECONDS} s for {what}"
        time.sleep(0.05)
    return value


def table(session: Session, name: str, columns: str = "id int PRIMARY KEY, v text") -> str:
    """A new table of this keyspace."""
    full = f"{KEYSPACE}.{name}"
    session.execute(f"CREATE TABLE {full} ({columns})")
    return full


def one(session: Session, query: Any, values: Any = None) -> Any:
    """The only row."""
    rows = list(session.execute(query, values))
    assert len(rows) == 1, rows
    return rows[0]
