"""`keyward-agent --manifests` as a process, on a machine with a role: AWS credentials come from a metadata service."""

from __future__ import annotations

import http.client
import json
import os
import selectors
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import Cluster

from keyward_api.names import CQL_PORT
from tests.integration.local_services import ACCOUNT, ADDRESS, LocalAws, LocalKeyspaces, free_port
from tests.integration.running_agent import AGENT_ROLE, ClusterKeys, driver, wait_for
from tests.unit.proxy.net.authorities import make_authority, pem
from tests.unit.proxy.net.callers import Caller, private_pem

CLUSTER_UID = "c1a5c0de-0000-4000-8000-000000000002"
SERVER_NAME = "orders.example.com"


class MetadataService:
    """The part of EC2's instance metadata service (IMDSv2) that gives a machine its role's credentials."""

    def __init__(self, aws: LocalAws, keys: ClusterKeys) -> None:
        token = keys.token("keyward-agents/orders", audience="sts.amazonaws.com", life=86400)
        answer = aws.client("sts", None).assume_role_with_web_identity(
            RoleArn=AGENT_ROLE, RoleSessionName="i-0123456789abcdef0", WebIdentityToken=token
        )["Credentials"]
        credentials = {
            "Code": "Success",
            "Type": "AWS-HMAC",
            "LastUpdated": "2026-01-01T00:00:00Z",
            "AccessKeyId": answer["AccessKeyId"],
            "SecretAccessKey": answer["SecretAccessKey"],
            "Token": answer["SessionToken"],
            "Expiration": answer["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        self.secrets = (answer["SecretAccessKey"], answer["SessionToken"])
        roles = "/latest/meta-data/iam/security-credentials/"
        documents = {roles: "keyward-agent", f"{roles}keyward-agent": json.dumps(credentials)}

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                self._answer("session" if self.path == "/latest/api/token" else None)

            def do_GET(self) -> None:
                known = self.headers.get("x-aws-ec2-metadata-token") == "session"
                self._answer(documents.get(self.path) if known else None)

            def _answer(self, body: str | None) -> None:
                self.send_response(404 if body is None else 200)
                self.end_headers()
                self.wfile.write((body or "").encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((ADDRESS, 0), Handler)
        self.url = f"http://{ADDRESS}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="metadata")
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def forwarded(port: int) -> Iterator[str]:
    """An address of this machine whose port 9142 leads to `port`: a database's port is not to be chosen."""
    with _listener() as listener, selectors.DefaultSelector() as selector:
        stop, stopped = socket.socketpair()
        thread = threading.Thread(target=_forward, args=(listener, stopped, selector, port), name="forwarder")
        thread.start()
        yield str(listener.getsockname()[0])
        stop.close()
        thread.join()
        stopped.close()


def _listener() -> socket.socket:
    for number in range(2, 250):
        try:
            return socket.create_server((f"127.0.{os.getpid() % 250}.{number}", CQL_PORT))
        except OSError:
            continue
    raise AssertionError("no address of this machine has a free port 9142")


def _forward(listener: socket.socket, stopped: socket.socket, selector: selectors.BaseSelector, port: int) -> None:
    selector.register(listener, selectors.EVENT_READ)
    selector.register(stopped, selectors.EVENT_READ)
    twins: dict[socket.socket, socket.socket] = {}
    while True:
        for key, _ in selector.select():
            if key.fileobj is stopped:
                for sock in twins:
                    sock.close()
                return
            if key.fileobj is listener:
                near, far = listener.accept()[0], socket.create_connection((ADDRESS, port))
                twins |= {near: far, far: near}
                for sock in (near, far):
                    selector.register(sock, selectors.EVENT_READ)
                continue
            _pass_on(key.fileobj, twins, selector)  # type: ignore[arg-type]


def _pass_on(sock: socket.socket, twins: dict[socket.socket, socket.socket], selector: selectors.BaseSelector) -> None:
    twin = twins.get(sock)
    if twin is None:
        return  # Closed in the same turn.
    try:
        data = sock.recv(65536)
        twin.sendall(data)
    except OSError:
        data = b""
    if not data:
        for each in (sock, twin):
            twins.pop(each, None)
            selector.unregister(each)
            each.close()


def database_yaml(address: str, authority: str) -> str:
    """The KeyspacesDatabase of local Keyspaces."""
    document = {
        "apiVersion": "keyward.dev/v1alpha1",
        "kind": "KeyspacesDatabase",
        "metadata": {"name": "orders", "namespace": "payments"},
        "spec": {
            "aws": {"accountID": ACCOUNT, "region": "us-east-1"},
            "endpoint": {"type": "Custom", "address": address, "serverName": "localhost", "caBundle": authority},
            "agent": {"identity": {"roleARN": AGENT_ROLE}},
        },
    }
    return json.dumps(document)  # JSON is YAML.


class StandaloneAgent:
    """The process, and what clients and administrators see of it."""

    def __init__(self, directory: Path, keyspaces: LocalKeyspaces, metadata: MetadataService, upstream: str) -> None:
        self.directory = directory
        self.manifests = directory / "manifests"
        self.manifests.mkdir()
        self.port, self.health_port = free_port(), free_port()
        self._aws = keyspaces.aws
        self._metadata = metadata
        self.process: subprocess.Popen[bytes] | None = None
        self.write("database", database_yaml(upstream, keyspaces.aws.certificates.ca.read_text()))
        authority = make_authority(name="server CA")
        directory.joinpath("tls.crt").write_text(pem(authority))
        directory.joinpath("tls.key").write_bytes(private_pem(authority.key))  # type: ignore[arg-type]

    def write(self, name: str, text: str) -> None:
        """Put a manifest into the folder, in one move."""
        new = self.directory / "new"
        new.write_text(text)
        new.replace(self.manifests / f"{name}.yaml")

    def start(self, *callers: str) -> None:
        """Start it, and wait until it is ready."""
        with self._file("audit").open("ab") as audit, self._file("log").open("ab") as log:
            self.process = subprocess.Popen(self.command(*callers), stdout=audit, stderr=log, env=self._environment())
        try:
            wait_for(self._is_ready, "the agent", 120)
        except AssertionError:
            self.stop(signal.SIGKILL)
            raise

    def command(self, *callers: str) -> list[str]:
        return [
            *(sys.executable, "-m", "keyward_proxy.main", "--manifests", str(self.manifests)),
            *("--listen", f"{ADDRESS}:{self.port}", "--health-address", f"{ADDRESS}:{self.health_port}"),
            *("--ca-directory", str(self.directory), "--server-name", SERVER_NAME, "--log-level", "debug"),
            *("--cluster-uid", CLUSTER_UID, "--agent-name", "machine-1", *callers),
        ]

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return kept | {
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self._metadata.url,
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
            "AWS_CONFIG_FILE": "/nonexistent",
            "AWS_ENDPOINT_URL_STS": self._aws.url,
            "AWS_CA_BUNDLE": str(self._aws.certificates.ca),
        }

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it; returns its exit status."""
        assert self.process
        self.process.send_signal(number)
        return self.process.wait(40)

    def _file(self, name: str) -> Path:
        return self.directory / f"{name}.jsonl"

    def _is_ready(self) -> bool:
        assert self.process
        assert self.process.poll() is None, self._file("log").read_text()
        try:
            return self.health("/readyz")[0] == 200
        except OSError:
            return False

    def health(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(ADDRESS, self.health_port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def records(self, event: str = "") -> list[dict[str, Any]]:
        return [record for record in self._lines("audit") if event in ("", record["event"])]

    def recorded(self, event: str, **facts: Any) -> dict[str, Any]:
        """The first record with these facts, once it is written: the trail is a moment behind."""

        def find() -> dict[str, Any] | None:
            found = (record for record in self.records(event) if facts.items() <= record.items())
            return next(found, None)

        record: dict[str, Any] = wait_for(find, f"{event} with {facts}")
        return record

    def log(self, message: str = "") -> list[dict[str, Any]]:
        return [line for line in self._lines("log") if message in ("", line["message"])]

    def _lines(self, name: str) -> list[dict[str, Any]]:
        """Whole lines only: the last may be in the middle of being written."""
        whole = self._file(name).read_bytes().rpartition(b"\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def output(self) -> str:
        """Everything that the process ever said, metrics included."""
        return self._file("audit").read_text() + self._file("log").read_text() + self.health("/metrics")[1]

    # What clients use.

    def tls(self, caller: Caller | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.directory / "tls.crt"))
        if caller:
            context.load_cert_chain(*caller.write(self.directory))
        return context

    def cluster(
        self,
        username: str,
        *,
        caller: Caller | None = None,
        password: str = "unused",  # noqa: S107
        **options: Any,
    ) -> Cluster:
        """A driver as an application configures it; each refusal is final."""
        provider = PlainTextAuthProvider(username, password)
        return driver(self.port, provider, self.tls(caller), SERVER_NAME, protocol_version=4, **options)
