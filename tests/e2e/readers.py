"""Clients that read without end while agents come and go."""

import json
import queue
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from tests.e2e import gocql_image, manifests
from tests.e2e.pods import ClientFailed, ClientPod
from tests.e2e.tenants import Tenant

TOGETHER = timedelta(seconds=0.1)
"""What fails so soon after the first failure is of one moment."""

PYTHON_PROGRAM = Path(__file__).parent / "pod" / "reader.py"


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What became of the reads since the last report."""

    requests: int
    failures: tuple[str, ...]
    """Of each the time and the text."""

    sent_again: int
    """How many the driver sent a second time; gocql by itself sends none."""

    longest_gap: float
    """Seconds without a success."""

    @property
    def moments(self) -> int:
        """At how many moments something failed: what is sent while a driver is held up fails together."""
        found: list[datetime] = []
        for failure in self.failures:
            when = datetime.strptime(failure.split(" ", 1)[0], "%H:%M:%S.%f")
            if not found or abs(when - found[-1]) > TOGETHER:
                found.append(when)
        return len(found)

    def __str__(self) -> str:
        texts = Counter(failure.split(" ", 1)[1] for failure in self.failures)
        failures = "".join(f"\n      {times} times: {text}" for text, times in texts.most_common())
        counts = f"{self.requests} requests, {len(self.failures)} failed, {self.sent_again} sent again"
        return f"{counts}, longest gap {self.longest_gap:.3f} s{failures}"


class Reader:
    """A reading program in a pod."""

    def __init__(self, name: str, process: "subprocess.Popen[str]") -> None:
        self.name = name
        self._process = process
        self._answers: queue.Queue[str] = queue.Queue()
        self._said: list[str] = []
        for stream, take in ((process.stdout, self._answers.put), (process.stderr, self._said.append)):
            threading.Thread(target=_drain, args=(stream, take), daemon=True).start()

    def report(self, *, seconds: float = 30) -> Report:
        """Ask for a report, and begin a new one."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write("report\n")
            self._process.stdin.flush()
            found = json.loads(self._answers.get(timeout=seconds))
        except (BrokenPipeError, queue.Empty):
            raise ClientFailed(f"{self.name} does not report; it said: {''.join(self._said)}") from None
        return Report(
            requests=found["requests"],
            failures=tuple(found["failures"]),
            sent_again=found.get("sentAgain", 0),
            longest_gap=found["longestGap"],
        )


def _drain(stream: IO[str] | None, take: Callable[[str], object]) -> None:
    for line in stream or ():
        take(line)


@contextmanager
def python_reader(client: ClientPod, user: str, statement: str, per_second: int) -> Iterator[Reader]:
    """The Python driver."""
    program = PYTHON_PROGRAM.read_text()
    with _reader(
        "python", client, ["python", "-u", "-c", program, client.host, user, statement, str(per_second)]
    ) as reader:
        yield reader


@contextmanager
def gocql_reader(client: ClientPod, driver: str) -> Iterator[Reader]:
    """One of gocql's versions, in a pod that `gocql_client` made."""
    with _reader(f"gocql {driver}", client, [f"/{driver}"]) as reader:
        yield reader


def python_client(tenant: Tenant, account: str) -> ClientPod:
    """A pod of the cqlsh image."""
    return _client(tenant, account, name="client-python")


def gocql_client(tenant: Tenant, account: str, *, user: str, statement: str, per_second: int) -> ClientPod:
    """A pod of the gocql image."""
    settings = {
        "READER_HOST": _host(tenant),
        "READER_USER": user,
        "READER_STATEMENT": statement,
        "READER_RATE": str(per_second),
    }
    return _client(
        tenant,
        account,
        name="client-gocql",
        image=gocql_image.NAME,
        command=["/v1", "wait"],
        env=[{"name": name, "value": value} for name, value in settings.items()],
    )


def _host(tenant: Tenant) -> str:
    return f"keyward-orders.{tenant.namespace}.svc"


def _client(tenant: Tenant, account: str, *, name: str, **container: object) -> ClientPod:
    """A client of the database `orders`, with a claim to the processor: a reader that is starved measures itself."""
    pod = manifests.client_pod(name, tenant.namespace, account=account, database="orders")
    resources = {"requests": {"cpu": "300m"}, "limits": {"memory": "256Mi"}}
    pod["spec"]["containers"][0] |= container | {"resources": resources}
    return tenant.start(pod, host=_host(tenant))


@contextmanager
def _reader(name: str, client: ClientPod, command: Sequence[str]) -> Iterator[Reader]:
    arguments = ("exec", "--stdin", f"--namespace={client.namespace}", client.name, "--", *command)
    process = subprocess.Popen(
        client.kube.command(*arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Reader(name, process)
        finally:
            process.terminate()
