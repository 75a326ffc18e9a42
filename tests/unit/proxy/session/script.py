"""Scripts: `script >> event` gives the session an event, `script << expectation` checks what came of it.

Bytes are judged as frames, whatever slices they were sent in; per side, in order. `script.done()` says that
nothing else came.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from math import inf
from types import MappingProxyType
from typing import Any

from keyward_api.decision import PolicyView
from keyward_api.identities import CallerIdentity
from keyward_api.resources.policy import KeyspacesPolicySpec
from keyward_proxy.session.certificate import CertificateProof, CertificateRefused
from keyward_proxy.session.cluster import Cluster, Entrance
from keyward_proxy.session.commands import (
    Authenticate,
    CloseClient,
    CloseUpstream,
    Command,
    OpenUpstream,
    RecordAudit,
    SetTimer,
    ToClient,
    ToUpstream,
)
from keyward_proxy.session.events import (
    Authenticated,
    ClientData,
    ClusterChanged,
    Event,
    PolicyChanged,
    Tick,
    UpstreamData,
    UpstreamOpened,
)
from keyward_proxy.session.session import Session
from keyward_proxy.session.settings import SessionSettings
from keyward_proxy.session.shared import Shared
from tests.unit.proxy import frames
from tests.unit.proxy.frames import Seen

NONCE = b"91703fdc2ef562e19fbdab0f58e42fe5"
TOKEN = "header.payload.signature"
HELENUS = "com.amazon.helenus.auth.HelenusAuthenticator"
APP = CallerIdentity(namespace="shop", name="app", uid="u-1", groups=frozenset({"system:serviceaccounts"}))
EPOCH = 1_700_000_000.0

MakeEvent = Callable[[float, float], Event]
Expectation = Callable[["Script"], None]


def rule(source: str, keyspaces: str, tables: str, *permissions: str) -> dict[str, Any]:
    """A policy rule."""
    return {"source": source, "keyspaces": [keyspaces], "tables": [tables], "permissions": list(permissions)}


READ_ORDERS = rule("reader/allow/0", "orders", "*", "Select")


def policy(
    *allow: dict[str, Any],
    deny: tuple[dict[str, Any], ...] = (),
    revision: str = "r1",
    granted: bool = True,
    options: dict[str, Any] | None = None,
    limits: dict[str, Any] | None = None,
    locks: tuple[dict[str, Any], ...] = (),
    consistency: dict[str, str] | None = None,
) -> PolicyView:
    """What the app may do as the IAM role `Reader`."""
    role_arn = "arn:aws:iam::111122223333:role/Reader"
    grant: dict[str, Any] = {"id": "g1", "user": "app", "dbUser": "Reader", "roleARN": role_arn}
    grant |= {"allow": allow, "deny": deny, "options": options or {}}
    spec = {
        "revision": revision,
        "database": {
            "namespace": "payments",
            "name": "orders",
            "uid": "8f3d2c1e-0000-4000-8000-000000000001",
            "clusterUID": "c1a5c0de-0000-4000-8000-000000000002",
            "accountID": "111122223333",
            "region": "us-east-1",
            "partition": "aws",
            "endpoint": {"address": "cassandra.us-east-1.amazonaws.com", "port": 9142, "serverName": "cassandra"},
            "agentRoleARN": "arn:aws:iam::111122223333:role/agent",
            "externalID": "c1a5c0de/payments/orders",
            "audience": "keyward.dev/payments/orders",
            "serviceAddress": "10.96.0.10",
            "limits": limits or {},
            "consistency": consistency or {},
        },
        "grants": [grant] if granted else [],
        "identities": [{"kind": "ServiceAccount", "namespace": "shop", "name": "app", "grants": ["g1"]}]
        if granted
        else [],
        "locks": locks,
    }
    return PolicyView.of(KeyspacesPolicySpec.model_validate(spec))


@dataclass
class Script:
    """A session and what it did so far."""

    session: Session
    version: int = 4
    now: float = 100.0
    to_client: deque[Seen] = field(default_factory=deque)
    to_upstream: deque[Seen] = field(default_factory=deque)
    audits: deque[Any] = field(default_factory=deque)
    others: deque[Command] = field(default_factory=deque)
    timer: float = inf
    slices_upstream: list[bytes | memoryview] = field(default_factory=list)
    _client_rest: bytes = b""
    _upstream_rest: bytes = b""

    def __rshift__(self, make: MakeEvent) -> Script:
        for command in self.session.receive(make(self.now, EPOCH + self.now)):
            self._take(command)
        return self

    def __lshift__(self, expectation: Expectation) -> Script:
        expectation(self)
        return self

    def _take(self, command: Command) -> None:
        match command:
            case ToClient():
                found, self._client_rest = frames.split(self._client_rest + bytes(command.data))
                self.to_client.extend(found)
            case ToUpstream():
                self.slices_upstream.append(command.data)
                found, self._upstream_rest = frames.split(self._upstream_rest + bytes(command.data))
                self.to_upstream.extend(found)
            case RecordAudit():
                self.audits.append(command.record)
            case SetTimer():
                self.timer = command.at
            case _:
                self.others.append(command)

    def wait(self, seconds: float) -> Script:
        """Let time pass, with the timer's ticks."""
        until = self.now + seconds
        while self.timer <= until:
            self.now = max(self.now, self.timer)
            self.timer = inf
            self >> tick()
        self.now = until
        return self

    def done(self) -> None:
        """Nothing else came."""
        assert not self.to_client
        assert not self.to_upstream
        assert not self.audits
        assert not self.others
        assert not self._client_rest
        assert not self._upstream_rest


# Events.


def tick() -> MakeEvent:
    return lambda now, wall: Tick(now=now, wall=wall)


def client(*parts: bytes) -> MakeEvent:
    return lambda now, wall: ClientData(now=now, wall=wall, data=b"".join(parts))


def upstream(*parts: bytes) -> MakeEvent:
    return lambda now, wall: UpstreamData(now=now, wall=wall, data=b"".join(parts))


def happens(kind: type[Event], **fields: Any) -> MakeEvent:
    return lambda now, wall: kind(now=now, wall=wall, **fields)


def policy_changed(view: PolicyView) -> MakeEvent:
    return happens(PolicyChanged, policy=view)


def cluster_changed(entrance: Entrance = Entrance.REPLICAS, **peers: str) -> MakeEvent:
    return happens(ClusterChanged, entrance=entrance, cluster=cluster(entrance, peers=peers))


# Expectations.


def to_client(opcode: str, *, stream: int = 0, **facts: Any) -> Expectation:
    """The next frame for the client is such a message; `facts` are attributes that the driver finds in it."""

    def check(script: Script) -> None:
        assert script.to_client, "nothing was sent to the client"
        seen = script.to_client.popleft()
        assert seen.version == script.version | 0x80
        assert seen.stream == stream
        message = seen.message
        assert message.name == opcode, message
        for name, value in facts.items():
            found = getattr(message, name)
            assert (value in found) if name == "message" else (value == found), f"{name}: {found}"

    return check


def refused(code: int, *, stream: int = 0, says: str = "") -> Expectation:
    """The next frame for the client is an ERROR."""

    def check(script: Script) -> None:
        assert script.to_client, "nothing was sent to the client"
        seen = script.to_client.popleft()
        assert (seen.opcode, seen.stream) == (0x00, stream)
        message = seen.message
        assert message.code == code, message
        assert says in message.message

    return check


def forward(*expected: bytes) -> Expectation:
    """The next frames for Keyspaces are these, byte for byte."""

    def check(script: Script) -> None:
        wanted, _ = frames.split(b"".join(expected))
        for frame in wanted:
            assert script.to_upstream, "nothing was sent to Keyspaces"
            assert script.to_upstream.popleft() == frame

    return check


def passes_back(*expected: bytes) -> Expectation:
    """The next frames for the client are these, byte for byte."""

    def check(script: Script) -> None:
        wanted, _ = frames.split(b"".join(expected))
        for frame in wanted:
            assert script.to_client, "nothing was sent to the client"
            assert script.to_client.popleft() == frame

    return check


def audit(event: str, **facts: Any) -> Expectation:
    """The next audit record is such an event."""

    def check(script: Script) -> None:
        assert script.audits, "nothing was recorded"
        record = script.audits.popleft()
        assert record.__struct_config__.tag == event
        for name, value in facts.items():
            if name == "allowed":
                assert record.decision.allowed is value
            elif name == "resources":
                found = [f"{r.permission} {r.keyspace}.{r.table}" for r in record.resources]
                assert found == value
            else:
                assert getattr(record, name) == value, f"{name}: {getattr(record, name)}"

    return check


def command(kind: type[Command], **facts: Any) -> Expectation:
    """The next command that sends and records nothing is such a one."""

    def check(script: Script) -> None:
        assert script.others, f"{kind.__name__} did not come"
        found = script.others.popleft()
        assert isinstance(found, kind)
        for name, value in facts.items():
            assert getattr(found, name) == value

    return check


def closed(*, upstream: bool = True) -> Expectation:
    """The session is over."""

    def check(script: Script) -> None:
        if upstream:
            command(CloseUpstream)(script)
        command(CloseClient)(script)
        assert script.session.over

    return check


def quiet() -> Expectation:
    """Nothing came of it."""
    return lambda script: script.done()


# Whole passages.


def cluster(entrance: Entrance = Entrance.REPLICAS, *, peers: Mapping[str, str] = MappingProxyType({})) -> Cluster:
    """What the client of `agent-0` sees, given other agents and their addresses."""
    database = policy().database
    if entrance is Entrance.EXTERNAL:
        return Cluster.of_one_node(database, ip_address(database.service_address))
    others = {pod: ip_address(address) for pod, address in peers.items()}
    return Cluster.of_replicas(database, pod="agent-0", address=ip_address("10.1.0.10"), others=others)


def new_script(
    view: PolicyView,
    *,
    version: int = 4,
    shared: Shared | None = None,
    certificate: CertificateProof | CertificateRefused | None = None,
    entrance: Entrance = Entrance.REPLICAS,
    peers: Mapping[str, str] = MappingProxyType({}),
) -> Script:
    """A session whose client has just connected."""
    settings = SessionSettings(
        session_id="s-1",
        agent="agent-0",
        entrance=entrance,
        client_address="10.1.2.3:40000",
        certificate=certificate,
    )
    session = Session(
        settings=settings,
        policy=view,
        cluster=cluster(entrance, peers=peers),
        shared=shared or Shared(),
    )
    return Script(session=session, version=version) >> tick()


def plain(username: str = "Reader", password: str = TOKEN) -> bytes:
    return f"\0{username}\0{password}".encode()


def authenticated(*, expires: float = inf) -> MakeEvent:
    return happens(Authenticated, identity=APP, expires=expires)


def opened(*, expires: float = EPOCH + 3700.0) -> MakeEvent:
    return happens(
        UpstreamOpened,
        sign=lambda nonce: b"signed:" + nonce,
        credentials_expire=expires,
        aws_session_name="shop@app",
        access_key_id="ASIAEXAMPLE",
        attribution="SourceIdentity",
    )


def logged_in(
    *allow: dict[str, Any],
    deny: tuple[dict[str, Any], ...] = (),
    version: int = 4,
    expires: float = EPOCH + 3700.0,
    proof_expires: float = inf,
    options: dict[str, Any] | None = None,
    limits: dict[str, Any] | None = None,
    consistency: dict[str, str] | None = None,
    **surroundings: Any,
) -> Script:
    """A session at the beginning of its relay."""
    view = policy(*allow, deny=deny, options=options, limits=limits, consistency=consistency)
    script = new_script(view, version=version, **surroundings)
    script >> client(frames.startup(version=version)) >> client(frames.auth_response(plain(), version=version))
    script >> authenticated(expires=proof_expires) >> opened(expires=expires)
    script >> upstream(frames.authenticate(HELENUS, version=version))
    script >> upstream(frames.challenge(b"nonce=" + NONCE, version=version))
    script >> upstream(frames.auth_success(version=version))
    assert script.to_client.pop().opcode == 0x10
    script << command(Authenticate) << command(OpenUpstream)
    script.to_client.clear()
    script.to_upstream.clear()
    script.audits.clear()
    script.slices_upstream.clear()
    script.done()
    return script
