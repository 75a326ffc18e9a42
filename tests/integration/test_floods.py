"""Floods on loopback: what they do to the agent's memory, and to a client that means no harm.

The agent is a process of its own with its limits as they are shipped; Keyspaces is played by a small TLS server. The
numbers are printed (`pytest -rA`). All of it takes about two minutes, a third of it for five thousand logins.
"""

from __future__ import annotations

import datetime
import json
import resource
import ssl
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from keyward_proxy.net.server import Limits
from tests.integration.floods.honest import Honest, visit
from tests.integration.floods.processes import Process, wait_for
from tests.unit.proxy.net.authorities import make_authority, pem
from tests.unit.proxy.support import AUDIENCE, jwt

pytestmark = pytest.mark.first

FLOOD = 5000
ATTACKER = "127.0.0.2"
MANY = "many"
SERVED_SECONDS = 1.0
PATIENCE_SECONDS = 270.0
"""Five thousand logins take half a minute of two processors, on a machine that has nothing else to do."""

BURN_SECONDS = 0.3
MOST_TIMES_SLOWER = 5.0
VISITS = 10
BYTES_OF_MEMORY_PER_BYTE = 10
LOCKED_SESSIONS = 1000
LOCKED_SECONDS = 5.0
"""Within which 99 of 100 sessions that a lock is on are closed."""

SESSION_BYTES = 100 * 1024
DEAF_SESSION_BYTES = 2 * 2**20
"""Beside a session itself, what may wait for either side: a high water mark, and one read with its answers."""

SPARE_DESCRIPTORS = 500


@cache
def token(account: str) -> str:
    """The same each time: verdicts on tokens are remembered, and asking for them is limited."""
    claims = {"aud": [AUDIENCE], "exp": time.time() + 3600, "sub": f"system:serviceaccount:payments:{account}"}
    return jwt(claims)


def affordable(count: int, *, descriptors_each: int) -> int:
    """So many connections, or as many as this machine's limit of descriptors allows; says so where it is fewer."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    possible = (limit - SPARE_DESCRIPTORS) // descriptors_each
    if possible < count:
        print(f"ulimit -n is {limit}: {possible} connections instead of {count}")
    return min(count, possible)


class Flooded:
    """The agent, and whoever is to be let loose on it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        authority = make_authority()
        (directory / "tls.crt").write_text(pem(authority))
        key = authority.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (directory / "tls.key").write_bytes(key)
        _make_keyspaces_certificate(directory)
        self.keyspaces = self._process("keyspaces", str(directory))
        self.agent = self._process("agent", str(directory), str(self.keyspaces.line()))
        self.port = self.agent.line()["port"]
        self._trusting = ssl.create_default_context(cadata=pem(authority))

    def _process(self, module: str, *arguments: str) -> Process:
        return Process(module, *arguments, log=self._directory / "log")

    def log(self) -> str:
        return (self._directory / "log").read_text()

    def records(self) -> list[dict[str, Any]]:
        """The audit trail so far."""
        return [json.loads(line) for line in (self._directory / "audit.jsonl").read_text().splitlines()]

    def stop(self) -> None:
        self.agent.stop()
        self.keyspaces.stop()

    def honest(self, source: str = "127.0.0.1") -> Honest:
        return Honest(port=self.port, trusting=self._trusting, token=token("honest"), source=source)

    @contextmanager
    def attack(self, kind: str, count: int, *, source: str = ATTACKER) -> Iterator[Attackers]:
        """Attackers, as long as the block lasts."""
        process = self._process("attackers", kind, str(self.port), str(count), source, token("app"))
        attackers = Attackers(process)
        try:
            yield attackers
        finally:
            process.stop()

    def visits(self, count: int = VISITS, *, source: str = "127.0.0.1") -> list[float]:
        """An honest client's logins with a statement each, one after the other."""
        return [visit(self.honest(source)) for _ in range(count)]


class Attackers:
    """A process full of them."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.told: dict[str, int] = {"open": 0, "ready": 0, "opened": 0, "closed": 0, "sent": 0}
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        try:
            while True:
                self.told = self._process.line()
        except (AssertionError, ValueError, OSError):
            return

    def wait_until(self, name: str, count: int) -> None:
        """Return once so many of them are `ready`, or were `opened`."""
        wait_for(lambda: self.told[name] >= count, f"{count} attackers to be {name}", PATIENCE_SECONDS)


def _make_keyspaces_certificate(directory: Path) -> None:
    """Self-signed, for the name that the policy expects."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "agent.test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("agent.test")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain = certificate.public_bytes(serialization.Encoding.PEM)
    (directory / "keyspaces.crt").write_bytes(chain)
    (directory / "keyspaces.pem").write_bytes(
        chain
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


@pytest.fixture(scope="module")
def flooded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flooded]:
    """One agent for one flood after the other."""
    with running(tmp_path_factory.mktemp("flooded")) as made:
        yield made


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Flooded]:
    """An agent whose memory no flood has stretched yet."""
    with running(tmp_path) as made:
        yield made


@contextmanager
def running(directory: Path) -> Iterator[Flooded]:
    made = Flooded(directory)
    yield made
    made.stop()
    assert "Traceback" not in made.log(), made.log()[-4000:]


def slowness() -> float:
    """How many times longer work takes than it would if this machine had nothing else to do."""
    began, end = time.monotonic(), time.thread_time() + BURN_SECONDS
    while time.thread_time() < end:
        pass
    return min(max(1.0, (time.monotonic() - began) / BURN_SECONDS), MOST_TIMES_SLOWER)


def served(what: str, seconds: list[float]) -> None:
    """Say how long an honest client waited, and fail where that was too long."""
    slow = slowness()
    print(
        f"{what}: median {statistics.median(seconds):.3f} s, longest {max(seconds):.3f} s of {len(seconds)}"
        + (f"; the machine is {slow:.1f} times slower than idle" if slow > 1.2 else "")
    )
    assert max(seconds) < SERVED_SECONDS * slow


@pytest.mark.parametrize(
    ("kind", "source", "count"),
    [
        ("silent", ATTACKER, FLOOD),
        ("silent", MANY, FLOOD),
        ("cut", ATTACKER, FLOOD),
        ("drip", ATTACKER, FLOOD),
        ("handshaken", MANY, FLOOD),
        ("asking", ATTACKER, 700),
    ],
)
def test_connections_that_never_log_in_keep_nobody_out(flooded: Flooded, kind: str, source: str, count: int) -> None:
    count = affordable(count, descriptors_each=1)
    served(f"before {kind}", flooded.visits(5))
    with flooded.attack(kind, count, source=source) as attackers:
        # Beyond the places for those who are not logged in, each that comes has made another go.
        attackers.wait_until("closed", count - Limits().before_login)
        served(f"{count} {kind} from {source}", flooded.visits())
        print(attackers.told, flooded.agent.memory)


@pytest.mark.timeout(600)
@pytest.mark.long
def test_thousands_of_idle_sessions_cost_little_and_delay_nobody(fresh: Flooded) -> None:
    count = affordable(FLOOD, descriptors_each=2)
    fresh.visits(1)
    before = fresh.agent.memory.now
    with fresh.attack("session", count) as attackers:
        attackers.wait_until("ready", count)
        each = (fresh.agent.memory.now - before) / count
        print(f"{count} idle sessions: {each / 1024:.0f} KiB each, {fresh.agent.cpu_seconds:.1f} s of CPU in all")
        served(f"beside {count} idle sessions", fresh.visits())
        assert each <= SESSION_BYTES


def test_a_byte_before_the_login_costs_few_bytes_of_memory(fresh: Flooded) -> None:
    places = Limits().before_login
    fresh.visits(1)
    before = fresh.agent.memory.now
    with fresh.attack("partial", places) as attackers:
        attackers.wait_until("ready", places)
        used, sent = fresh.agent.memory.highest - before, attackers.told["sent"]
        print(f"{places} frames without their last byte: {used / sent:.2f} bytes of memory for each of {sent} sent")
        assert used <= BYTES_OF_MEMORY_PER_BYTE * sent
        served("beside them", fresh.visits(5))


def test_sessions_that_never_read_cost_bounded_memory_and_stop_being_read(fresh: Flooded) -> None:
    count = 100
    fresh.visits(1)
    before = fresh.agent.memory.now
    with fresh.attack("deaf", count) as attackers:
        attackers.wait_until("ready", count)
        wait_for(lambda: _is_idle(fresh.agent), "the agent to read none of them")
        each = (fresh.agent.memory.highest - before) / count
        print(f"{count} sessions that never read: {each / 1024:.0f} KiB each, {attackers.told}")
        served("beside them", fresh.visits(5))
        assert each < DEAF_SESSION_BYTES


def _is_idle(process: Process) -> bool:
    before = process.cpu_seconds
    time.sleep(1)
    return process.cpu_seconds - before < 0.1


@pytest.mark.parametrize("kind", ["session", pytest.param("steady", marks=pytest.mark.long)])
def test_a_lock_closes_a_thousand_live_sessions_in_time_and_others_are_served(fresh: Flooded, kind: str) -> None:
    count = affordable(LOCKED_SESSIONS, descriptors_each=2)
    fresh.visits(1)
    lock = {"name": "incident", "subject": {"kind": "ServiceAccount", "namespace": "payments", "name": "app"}}
    with fresh.attack(kind, count) as attackers:
        attackers.wait_until("ready", count)
        began = time.monotonic()
        fresh.agent.tell([lock])
        wait_for(lambda: attackers.told["ready"] <= count // 100, "99 of 100 sessions to be closed")
        most = time.monotonic() - began
        wait_for(lambda: attackers.told["ready"] == 0, "all sessions to be closed")
        print(f"{count} sessions ({kind}): 99 % closed after {most:.2f} s, all after {time.monotonic() - began:.2f} s")
        served("while all of them try to log in again", fresh.visits())
        assert most < LOCKED_SECONDS * slowness()
        assert attackers.told["ready"] == 0
        fresh.agent.tell([])
        attackers.wait_until("ready", count)
    ended = [record for record in fresh.records() if record["event"] == "session.end"]
    assert sum(record["reason"] == "Locked" for record in ended) == count


def test_a_session_of_expensive_statements_delays_others_little(flooded: Flooded) -> None:
    client = flooded.honest()
    client.connect()
    alone = _latencies(client, 2)
    with flooded.attack("expensive", 1) as attackers:
        attackers.wait_until("ready", 1)
        time.sleep(0.5)
        beside = _latencies(client, 5)
    client.close()
    ratio = statistics.mean(beside) / statistics.mean(alone)
    print(f"a statement alone: mean {statistics.mean(alone):.4f} s; beside an expensive session {ratio:.0f} times that")
    served("a statement beside an expensive session", beside)


def _latencies(client: Honest, seconds: float) -> list[float]:
    found, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        client.ask()
        found.append(time.monotonic() - began)
    return found
