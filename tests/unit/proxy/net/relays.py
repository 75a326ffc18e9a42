"""Sessions that are simple on purpose, and the services that a connection needs around them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

from keyward_api.decision import PolicyView
from keyward_api.identities import CallerIdentity
from keyward_proxy.auth.authenticator import Proof
from keyward_proxy.auth.errors import AuthenticationError
from keyward_proxy.aws.credentials import Credentials
from keyward_proxy.clock import SystemClock
from keyward_proxy.metrics import Metrics
from keyward_proxy.net.connection import Services
from keyward_proxy.net.leaf import CertificateAuthority
from keyward_proxy.net.opening import Opened, OpeningFailed
from keyward_proxy.net.upstream import Endpoint, TLSConnector
from keyward_proxy.session import commands, events
from keyward_proxy.session.secret import Secret
from keyward_proxy.tasks import TaskHolder
from tests.unit.proxy.net.authorities import pem
from tests.unit.proxy.support import policy

APP = CallerIdentity(namespace="payments", name="app", uid="u1")
VIEW = PolicyView.of(policy())
GRANT = VIEW.grant_for(APP, "")


class RelaySession:
    """Opens the upstream at once and passes everything on; remembers every event but data."""

    def __init__(self) -> None:
        self.events: list[events.Event] = []

    def receive(self, event: events.Event) -> list[commands.Command]:
        match event:
            case events.ClientData():
                return [commands.ToUpstream(data=event.data)]
            case events.UpstreamData():
                half = len(event.data) // 2
                view = memoryview(event.data)
                return [commands.ToClient(data=view[:half]), commands.ToClient(data=view[half:])]
        first = not self.events
        self.events.append(event)
        match event:
            case events.ClientClosed():
                return [commands.CloseUpstream(), commands.CloseClient(reason="client closed")]
            case events.UpstreamClosed():
                return [commands.CloseClient(reason="upstream closed")]
            case events.Tick() if first:
                return [commands.OpenUpstream(grant=GRANT, identity=APP)]
        return []

    def saw(self, kind: type[events.Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


class ScriptedSession:
    """Answers each kind of event with what the test says, once or always."""

    def __init__(self, **answers: list[commands.Command] | Callable[[Any], list[commands.Command]]) -> None:
        self.answers = answers
        self.events: list[events.Event] = []

    def receive(self, event: events.Event) -> list[commands.Command]:
        self.events.append(event)
        answer = self.answers.get(type(event).__name__, [])
        return answer(event) if callable(answer) else answer

    def saw(self, kind: type[events.Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


class Opener:
    """Connects to a port of this machine, or fails as told."""

    def __init__(self, authority: CertificateAuthority, port: int) -> None:
        self._endpoint = Endpoint(address="127.0.0.1", port=port, server_name="agent.test", roots=pem(authority))
        self.failure: OpeningFailed | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.cancelled = 0
        self.sockets: list[ssl.SSLSocket] = []

    async def open(self, *_: object) -> Opened:
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.failure:
            raise self.failure
        sock = await TLSConnector().connect(self._endpoint)
        self.sockets.append(sock)
        credentials = Credentials(access_key_id="ASIA1", secret_access_key=Secret("s"), session_token=None, expires=1.0)
        return Opened(
            socket=sock, credentials=credentials, session_name="payments@app", sign=lambda nonce: b"signed " + nonce
        )


class Verifier:
    """Believes every token but `bad`."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()

    async def authenticate(self, token: Secret, *, audience: str, client: str) -> Proof:
        await self.gate.wait()
        if token.reveal() == "bad":
            raise AuthenticationError("bad token", reason="NotAToken")
        return Proof(identity=APP, expires=2.0)


class Trail:
    """Keeps records."""

    def __init__(self) -> None:
        self.records: list[Any] = []

    def write(self, record: Any) -> None:
        self.records.append(record)


def services(opener: Opener, tasks: TaskHolder) -> Services:
    """With doubles for everything that is tested elsewhere."""
    return Services(
        authenticator=Verifier(),  # type: ignore[arg-type]
        opener=opener,  # type: ignore[arg-type]
        audit=Trail(),
        database=lambda: VIEW.database,
        clock=SystemClock(),
        tasks=tasks,
        metrics=Metrics(),
    )
