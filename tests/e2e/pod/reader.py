"""What runs inside a client pod during rollouts: the Python driver sends a read every few milliseconds.

    kubectl exec -i POD -- python -u -c "$(cat reader.py)" HOST USER STATEMENT RATE

A line on stdin asks for a report; its answer is a line on stdout: the requests since the last report, the failures'
texts, how many the driver sent again, and the longest time in seconds without a success. The driver has its default
settings.
"""

import json
import ssl
import sys
import threading
import time
from datetime import UTC, datetime
from typing import Any

from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.policies import RetryPolicy

from keyward_cqlsh import TokenFileAuthProvider

PORT = 9142


class Counter:
    """Counts what became of the reads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._succeeded = time.monotonic()
        self._reset()

    def _reset(self) -> None:
        self._requests, self._failures, self._sent_again, self._longest_gap = 0, [], 0, 0.0

    def succeeded(self, _: Any) -> None:
        with self._lock:
            self._requests += 1
            self._gap()
            self._succeeded = time.monotonic()

    def failed(self, error: Exception) -> None:
        with self._lock:
            self._requests += 1
            self._failures.append(f"{datetime.now(UTC):%H:%M:%S.%f} {type(error).__name__}: {error}")

    def sent_again(self) -> None:
        with self._lock:
            self._sent_again += 1

    def _gap(self) -> None:
        self._longest_gap = max(self._longest_gap, time.monotonic() - self._succeeded)

    def report(self) -> dict[str, Any]:
        with self._lock:
            self._gap()
            report = {
                "requests": self._requests,
                "failures": self._failures,
                "sentAgain": self._sent_again,
                "longestGap": self._longest_gap,
            }
            self._reset()
            return report


class CountingRetryPolicy(RetryPolicy):
    """The driver's own policy, which sends what a lost connection took with it to the next host."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter

    def on_request_error(self, *arguments: Any, **named: Any) -> Any:
        self._counter.sent_again()
        return super().on_request_error(*arguments, **named)


def main(host: str, user: str, statement: str, rate: str) -> None:
    counter, end = Counter(), threading.Event()
    cluster = Cluster(
        [host],
        port=PORT,
        ssl_context=ssl.create_default_context(cafile="/etc/keyward/ca.crt"),
        ssl_options={"server_hostname": host},
        auth_provider=TokenFileAuthProvider(username=user),
        execution_profiles={EXEC_PROFILE_DEFAULT: ExecutionProfile(retry_policy=CountingRetryPolicy(counter))},
    )
    session = cluster.connect()
    prepared = session.prepare(statement)

    def read() -> None:
        due = time.monotonic()
        while not end.is_set():
            try:
                session.execute_async(prepared, (1,)).add_callbacks(counter.succeeded, counter.failed)
            except Exception as error:
                counter.failed(error)
            due += 1 / int(rate)
            time.sleep(max(0.0, due - time.monotonic()))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    for _ in sys.stdin:
        hosts = sorted(str(host.endpoint) for host in cluster.metadata.all_hosts() if host.is_up)
        print(json.dumps(counter.report() | {"hosts": hosts}), flush=True)
    end.set()


if __name__ == "__main__":
    main(*sys.argv[1:])
