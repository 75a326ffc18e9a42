"""Seeded secrets, and every byte that the agent puts out while it is used rightly, wrongly and maliciously.

All of it runs in this process: the agent, an API server in miniature that echoes what it is asked, and a stand-in for
Keyspaces. What is searched: logs at debug with their tracebacks, the audit trail, metrics, readiness, status reports,
every frame that a client is sent, and the repr of every event, command and setting on its way.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime
import io
import json
import logging
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives import serialization

from keyward_proxy.agent import Agent
from keyward_proxy.agent_settings import AgentSettings, Dependencies
from keyward_proxy.audit.writer import AuditWriter
from keyward_proxy.auth.reviewer import KubernetesTokenReviewer
from keyward_proxy.aws.credentials import AssumeRoleRequest, Credentials
from keyward_proxy.aws.errors import AWSError
from keyward_proxy.clock import SystemClock
from keyward_proxy.feed.status import KubernetesStatusSink
from keyward_proxy.feed.watch import KubernetesPolicySource
from keyward_proxy.kubernetes_api import KubernetesAPI
from keyward_proxy.logs import JSONFormatter
from keyward_proxy.metrics import Metrics
from keyward_proxy.net.leaf import issue
from keyward_proxy.net.upstream import TLSConnector
from keyward_proxy.session.secret import Secret
from keyward_proxy.session.session import Session
from tests.integration.floods import frames as small
from tests.unit.proxy import frames
from tests.unit.proxy.apiserver import MiniatureAPIServer
from tests.unit.proxy.net.authorities import make_authority, pem
from tests.unit.proxy.support import AUDIENCE, jwt, policy_document, until

LITERAL, COMMENT, BOUND, PAYLOAD = "canary-literal", "canary-comment", "canary-bound", "canary-payload"
SECRET_KEY, SESSION_TOKEN, PASSWORD = "canary-secret-key", "canary-session-token", "canary-password"
SIGNATURE = "Y2FuYXJ5LXNpZ25hdHVyZQ"
"""Third part of every token here."""

SECRETS = (LITERAL, COMMENT, BOUND, PAYLOAD, SECRET_KEY, SESSION_TOKEN, PASSWORD, SIGNATURE)


def token(account: str = "app", *, audience: str = AUDIENCE, life: float = 600) -> str:
    claims = {"aud": [audience], "exp": time.time() + life, "sub": f"system:serviceaccount:payments:{account}"}
    return jwt(claims, signature=SIGNATURE)


class Failing(Exception):
    """A fault that nobody expects."""


@dataclass
class Surroundings:
    """STS and Keyspaces, as well or badly as a test wants them."""

    sts_error: Exception | None = None
    keyspaces: Callable[[int, int, bytes], bytes] | None = None
    """Instead of a proper answer to opcode, stream and body."""

    async def assume_role(self, request: AssumeRoleRequest) -> Credentials:
        if self.sts_error:
            raise self.sts_error
        return Credentials(
            access_key_id="ASIAEXAMPLE",
            secret_access_key=Secret(SECRET_KEY),
            session_token=Secret(SESSION_TOKEN),
            expires=time.time() + 3600,
        )

    async def caller_identity(self, region: str) -> str:
        return "arn:aws:sts::111122223333:assumed-role/keyward-agent/orders-0"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        buffer = bytearray()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while data := await reader.read(65536):
                buffer += data
                for opcode, stream, body in small.split(buffer):
                    writer.write((self.keyspaces or _answer)(opcode, stream, body))
        writer.close()


def _answer(opcode: int, stream: int, body: bytes) -> bytes:
    if opcode == small.STARTUP:
        return small.response(0x03, small.string("com.amazon.helenus.auth.HelenusAuthenticator"), stream=stream)
    if opcode == small.AUTH_RESPONSE and body[4:] == b"SigV4\0\0":
        return frames.challenge(b"nonce=91703fdc2ef562e19fbdab0f58e42fe5")
    if opcode == small.AUTH_RESPONSE:
        return frames.auth_success()
    if opcode == 0x09:
        return frames.prepared(b"0123456789abcdef", stream=stream)
    return frames.void(stream=stream)


@dataclass
class Outputs:
    """All that comes out."""

    log: io.StringIO = field(default_factory=io.StringIO)
    audit: io.BytesIO = field(default_factory=io.BytesIO)
    to_clients: bytearray = field(default_factory=bytearray)
    shown: list[str] = field(default_factory=list)
    """The repr of each event and command."""

    http: str = ""
    status: str = ""

    def everything(self) -> dict[str, str]:
        return {
            "the log": self.log.getvalue(),
            "the audit trail": self.audit.getvalue().decode(),
            "what clients are sent": self.to_clients.decode("latin-1"),
            "the repr of events and commands": "\n".join(self.shown),
            "metrics and readiness": self.http,
            "the status": self.status,
        }


@pytest.fixture
def outputs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Outputs]:
    made = Outputs()
    handler = logging.StreamHandler(made.log)
    handler.setFormatter(JSONFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    receive = Session.receive

    def shown(self: Session, event: Any) -> Any:
        made.shown.append(repr(event))
        found = receive(self, event)
        made.shown += map(repr, found)
        return found

    monkeypatch.setattr(Session, "receive", shown)
    yield made
    root.removeHandler(handler)
    root.setLevel(level)


@dataclass
class Running:
    """An agent, what is around it, and what comes out of it."""

    agent: Agent
    surroundings: Surroundings
    server: MiniatureAPIServer
    outputs: Outputs
    trusting: ssl.SSLContext

    async def send(self, *sent: bytes, wait: float = 0.3) -> None:
        """A client that sends all of it, whatever it is answered."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.agent.port, ssl=self.trusting, server_hostname="agent.test"
        )
        with contextlib.suppress(TimeoutError, ConnectionError, ssl.SSLError):
            for part in sent:
                writer.write(part)
                await writer.drain()
                async with asyncio.timeout(wait):
                    self.outputs.to_clients += await reader.read(65536)
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    async def look(self) -> None:
        """At what the agent tells those who ask."""
        async with aiohttp.ClientSession() as http:
            for path in ("metrics", "readyz", "healthz"):
                async with http.get(f"http://127.0.0.1:{self.agent.health_port}/{path}") as response:
                    self.outputs.http += await response.text()
        self.outputs.status = json.dumps(self.server.applied)
        self.outputs.shown += [repr(self.agent._settings), repr(self.agent._outside), repr(vars(self.agent))]


@pytest.fixture
async def running(tmp_path: Path, outputs: Outputs) -> AsyncIterator[Running]:
    authority = make_authority()
    key = authority.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "tls.crt").write_text(pem(authority))
    (tmp_path / "tls.key").write_bytes(key)
    surroundings, server, metrics = Surroundings(), MiniatureAPIServer(), Metrics()
    await server.start()
    keyspaces = await asyncio.start_server(
        surroundings.serve,
        "127.0.0.1",
        0,
        ssl=issue(authority, ["agent.test"], datetime.datetime.now(datetime.UTC)).context,
    )
    document = policy_document()
    document["database"]["endpoint"] |= {
        "port": keyspaces.sockets[0].getsockname()[1], "caBundle": pem(authority),
    }  # fmt: skip
    api = KubernetesAPI(server.configuration())
    place = {"namespace": "keyward-agents", "name": "payments.orders"}
    settings = AgentSettings(
        pod="orders-0",
        pod_ip="127.0.0.1",
        policy="keyward-agents/payments.orders",
        ca_directory=tmp_path,
        server_names=("agent.test",),
        listen=("127.0.0.1", 0),
        health=("127.0.0.1", 0),
        endpoints_seconds=0.0,
        settling_seconds=0.0,
        drain_seconds=0.2,
        listing_seconds=0.0,
    )
    dependencies = Dependencies(
        policy_source=KubernetesPolicySource(api, **place),
        status_sink=KubernetesStatusSink(api, **place, pod="orders-0"),
        reviewer=KubernetesTokenReviewer(api),
        sts=surroundings,
        check_identity=lambda: None,
        connector=TLSConnector(),
        audit=AuditWriter(outputs.audit, on_lost=metrics.audit_lost.inc),
        clock=SystemClock(),
        metrics=metrics,
    )
    agent, stop = Agent(settings, dependencies), asyncio.Event()
    trusting = ssl.create_default_context(cadata=pem(authority))
    async with keyspaces, asyncio.TaskGroup() as group:
        group.create_task(agent.run(stop))
        server.put(document)
        server.review = review
        await until(lambda: agent.port != 0 and agent._view is not None)
        yield Running(agent, surroundings, server, outputs, trusting)
        stop.set()
    await api.close()
    await server.stop()
    assert_nothing_shown(outputs, key.decode().splitlines()[1:-1])


def review(spec: dict[str, Any]) -> dict[str, Any]:
    """Accepts every token of an account that is not called `stranger`, and echoes the others."""
    claims = json.loads(base64.urlsafe_b64decode(spec["token"].split(".")[1] + "=="))
    if claims["sub"].endswith(":stranger"):
        return {"authenticated": False, "error": f"cannot verify {spec['token']}"}
    return {
        "authenticated": True,
        "audiences": spec["audiences"],
        "user": {"username": claims["sub"], "uid": "u1", "groups": [], "extra": {"echo": [spec["token"]]}},
    }


def assert_nothing_shown(outputs: Outputs, key: list[str]) -> None:
    for place, text in outputs.everything().items():
        assert text, f"nothing to search in {place}"
        for secret in (*SECRETS, *key):
            encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
            for form in (secret, secret.encode().hex(), encoded):
                at = text.find(form)
                assert at < 0, f"{secret} is in {place}: …{text[max(0, at - 300) : at + 40]}"


def login(password: str | bytes, *, name: str = "KeyspacesReader", authorize_as: str = "") -> list[bytes]:
    secret = password if isinstance(password, bytes) else password.encode()
    return [frames.startup(), frames.auth_response(f"{authorize_as}\0{name}\0".encode() + secret)]


ODD_LOGINS: dict[str, list[bytes]] = {
    "a password that is no token": login(PASSWORD),
    "a token that has ended": login(token(life=-10)),
    "a token for something else": login(token(audience="keyward.dev/else/where")),
    "a token that Kubernetes does not know": login(token("stranger")),
    "a token of nobody who is granted": login(token("nobody")),
    "a token as the user's name": login(token(), name=token()),
    "a token as the wanted role": login(token(), name=token()[:60]),
    "a token on behalf of a secret": login(token(), authorize_as=PASSWORD),
    "a token behind other bytes": login(b"\xff\xfe" + token().encode()),
    "a token that is too long": login(token() + "x" * 20_000),
    "a token without the form of a login": [frames.startup(), frames.auth_response(token().encode())],
    "a token as CQL, before the login": [frames.startup(), frames.query(f"-- {token()}")],
    "a token as a frame": [token().encode() * 10],
    "a token as STARTUP's options": [frames.startup(**{"NO_SUCH_OPTION": token()}), *login(token("stranger"))[1:]],
    "a token as the version of CQL": [frames.startup(cqlversion=token())],
    "a token and then a broken frame": [*login(token()), b"\x04\0\0\0\x07\0\0\0\x04\0\0\0\x7f" + token().encode()],
}
STATEMENTS = (
    f"SELECT a FROM shop.items WHERE a = '{LITERAL}'",
    f"SELECT a FROM shop.items WHERE a = $${LITERAL}$$ AND b = '{token()}'",
    f"INSERT INTO shop.items (a) VALUES ('{LITERAL}')",
    f"-- {COMMENT}\nSELECT a FROM shop.items /* {COMMENT} */",
    f"SELECT a FROM shop.items WHERE a = '{LITERAL}",
    f"SELECT a FROM shop.items WHERE a = {LITERAL.replace('-', '')}'{LITERAL}'",
    f"CREATE ROLE r WITH PASSWORD = '{PASSWORD}' AND LOGIN = true",
    f"SELECT * FROM system.local WHERE key = '{LITERAL}'",
    f'DESCRIBE TABLE shop."{token()}"',
    f"BEGIN BATCH INSERT INTO shop.items (a) VALUES ('{LITERAL}'); APPLY BATCH",
    token(),
)


@pytest.mark.parametrize("which", ODD_LOGINS)
async def test_an_odd_login_shows_nothing(running: Running, which: str) -> None:
    await running.send(*ODD_LOGINS[which])
    await running.look()


async def test_work_shows_nothing(running: Running) -> None:
    sent = [frames.query(text, stream=stream) for stream, text in enumerate(STATEMENTS, 1)]
    sent += [frames.prepare(STATEMENTS[0], stream=50), frames.execute(b"0123456789abcdef", BOUND.encode(), stream=51)]
    sent += [frames.execute(BOUND.encode(), BOUND.encode(), stream=52)]
    sent += [frames.query("SELECT a FROM shop.items", payload={PAYLOAD: PAYLOAD.encode()}, stream=53)]
    sent += [frames.batch(STATEMENTS[2], stream=54), b"\x04\0\0\x37\x0d\0\0\0\x20" + LITERAL.encode().ljust(32)]
    await running.send(*login(token()), *sent)
    await running.look()


@pytest.mark.parametrize(
    "error",
    [
        AWSError("STS refused", reason="AssumeRoleDenied"),
        AWSError("STS is away", reason="STSUnavailable"),
        Failing("nobody expected it"),
    ],
)
async def test_a_failure_of_sts_shows_nothing(running: Running, error: Exception) -> None:
    running.surroundings.sts_error = error
    await running.send(*login(token()), wait=1)
    await running.look()


async def test_an_api_server_that_fails_shows_nothing(running: Running) -> None:
    for status in (401, 403, 422, 500):
        running.server.failing = status
        await running.send(*login(token(f"other-{status}")))
    running.server.failing = 0
    await running.look()


@pytest.mark.parametrize("at", [small.STARTUP, small.AUTH_RESPONSE, small.QUERY])
async def test_keyspaces_that_refuses_or_babbles_shows_nothing(running: Running, at: int) -> None:
    for answer in (frames.error(0x0100, "no"), frames.error(0x2100, "no"), b"\x84\0\0\0\x63\0\0\0\0", b"\xff" * 64):
        running.surroundings.keyspaces = lambda opcode, stream, body, answer=answer: (
            answer if opcode == at else _answer(opcode, stream, body)
        )
        await running.send(*login(token()), frames.query(STATEMENTS[0], stream=1), wait=0.5)
    await running.look()


async def test_a_fault_inside_shows_nothing(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise Failing("nobody expected it")

    monkeypatch.setattr("keyward_proxy.session.judge.Judge.judge", fail)
    await running.send(*login(token()), frames.query(STATEMENTS[0], stream=1))
    monkeypatch.setattr("keyward_proxy.auth.authenticator.inspect", fail)
    await running.send(*login(token()))
    assert "nobody expected it" in running.outputs.log.getvalue()
    await running.look()
