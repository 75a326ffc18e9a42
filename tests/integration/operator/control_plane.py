"""A real Kubernetes control plane without nodes: etcd, API server and a few controllers, as processes on 127.0.0.1.

Pods are made but never run, so no agent ever gets ready here; what an agent would write, a test writes. Everything
else is as in a cluster: schemas and CEL, server-side apply, watches, RBAC, discovery.
"""

import base64
import contextlib
import csv
import functools
import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from keyward_api import names
from keyward_operator.kinds import INPUTS, Reference
from tests.api_reader import EVERY_NAMESPACE, ApiReader

ADMIN = "admin"
OPERATOR = f"system:serviceaccount:{names.SYSTEM_NAMESPACE}:keyward-operator"
ISSUER = "https://issuer.example"
START_DEADLINE = 90.0
CONTROLLERS = (
    "deployment-controller,replicaset-controller,namespace-controller,validatingadmissionpolicy-status-controller,"
    "clusterrole-aggregation-controller"
)
DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL")
"""Before a command: the process does not outlive the tests, however they end."""

_API_SERVER = "kube-apiserver"
_ENVIRONMENT = {**os.environ, "GOGC": "400"}
"""There is more memory than processors here, and what an operator is measured against shall not take all of them."""

_AUDIT_LOG_LIMIT = 10_000
"""MiB: it is never begun anew."""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def eventually(condition: Callable[[], object], *, what: str, deadline: float = 30.0) -> object:
    """Wait until `condition` is true; returns its value."""
    end = time.monotonic() + deadline
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {deadline:.0f} s: {what}"
        time.sleep(0.1)
    return found


@dataclass(kw_only=True)
class ControlPlane:
    """One control plane; `start` and `stop` it."""

    kubernetes: Path
    """Folder with kube-apiserver, kube-controller-manager, kubectl."""

    etcd: Path
    folder: Path
    has_controllers: bool = True
    """Whether Deployments get pods, and namespaces end."""

    controllers_rate: int = 100
    """Requests per second that the controllers may make."""

    audited: bool = False
    """Whether the API server writes down the operator's requests, in `audit_log`."""

    port: int = field(default_factory=free_port)
    _etcd_url: str = field(default_factory=lambda: f"http://127.0.0.1:{free_port()}")
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _tokens: dict[str, str] = field(default_factory=lambda: {user: secrets.token_hex(16) for user in (ADMIN, OPERATOR)})

    def start(self) -> None:
        """Start all processes and wait until the API server is ready."""
        self._write_tokens()
        self._write_service_account_key()
        self._start_etcd()
        self.start_api_server()
        if self.has_controllers:
            self._start_controllers()

    def _start_controllers(self) -> None:
        self._run(
            self.kubernetes / "kube-controller-manager",
            f"--kubeconfig={self.kubeconfig(ADMIN)}",
            f"--controllers={CONTROLLERS}",
            # Each controller by its own name and rights, as in clusters: admission policies tell them apart.
            "--use-service-account-credentials",
            "--leader-elect=false",
            f"--secure-port={free_port()}",
            "--bind-address=127.0.0.1",
            f"--cert-dir={self.folder / 'controller-manager'}",
            f"--kube-api-qps={self.controllers_rate}",
            f"--kube-api-burst={2 * self.controllers_rate}",
        )

    def stop(self) -> None:
        """End all processes, on the spot: nothing of theirs is needed any more."""
        for program in reversed(self._processes.copy()):
            self._end(program)

    def stop_api_server(self) -> None:
        """End the API server alone, on the spot; what it stored stays."""
        self._end(_API_SERVER)

    def vanish(self, *references: Reference) -> None:
        """Take objects out of etcd, behind the API server's back, and forget all history: no watch can tell of it."""
        for each in references:
            key = f"/registry/{each.kind.group}/{each.kind.plural}/{each.namespace}/{each.name}"
            answer = self._etcd("deleterange", {"key": base64.b64encode(key.encode()).decode()})
            assert answer.get("deleted") == "1", f"{each}: {answer}"
        self._etcd("compaction", {"revision": answer["header"]["revision"], "physical": True})

    def _etcd(self, call: str, body: Mapping[str, object]) -> dict[str, Any]:
        """A request to etcd's gRPC gateway, https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/."""
        address = self._etcd_url.removeprefix("http://")
        with contextlib.closing(http.client.HTTPConnection(address, timeout=30)) as connection:
            connection.request("POST", f"/v3/kv/{call}", json.dumps(body))
            answer: dict[str, Any] = json.load(connection.getresponse())
        return answer

    @functools.cached_property
    def reader(self) -> ApiReader:
        """Reads objects as the administrator."""
        return ApiReader(self.kubeconfig(ADMIN))

    @property
    def audit_log(self) -> Path:
        """One JSON document a line, of version audit.k8s.io/v1."""
        return self.folder / "audit.log"

    def kubeconfig(self, user: str, *, port: int | None = None) -> Path:
        """A kubeconfig for ADMIN or OPERATOR; `port` is that of a proxy of the API server's."""
        port = port or self.port
        path = self.folder / f"kubeconfig-{user.rsplit(':', 1)[-1]}-{port}"
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "c",
                    "cluster": {
                        "server": f"https://127.0.0.1:{port}",
                        "certificate-authority": str(self.folder / "certificates/apiserver.crt"),
                    },
                }
            ],
            "users": [{"name": "u", "user": {"token": self._tokens[user]}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        path.write_text(yaml.safe_dump(document))
        path.chmod(0o600)
        return path

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """Run kubectl as the administrator; returns its output (both streams where it may fail)."""
        result = subprocess.run(
            [self.kubernetes / "kubectl", f"--kubeconfig={self.kubeconfig(ADMIN)}", *arguments],
            input=stdin,
            text=True,
            capture_output=True,
            check=False,
            env={**os.environ, "HOME": str(self.folder)},
        )
        if check:
            assert result.returncode == 0, f"kubectl {' '.join(arguments)}: {result.stderr}"
            return result.stdout
        return result.stdout + result.stderr

    def _write_tokens(self) -> None:
        groups = {ADMIN: "system:masters", OPERATOR: "system:serviceaccounts"}
        with (self.folder / "tokens.csv").open("w") as file:
            csv.writer(file).writerows([token, user, user, groups[user]] for user, token in self._tokens.items())

    def _write_service_account_key(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (self.folder / "service-accounts.key").write_bytes(pem)

    def _start_etcd(self) -> None:
        client, peer = self._etcd_url, f"http://127.0.0.1:{free_port()}"
        self._run(
            self.etcd,
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
            "--log-level=error",
        )

    def start_api_server(self) -> None:
        """Start the API server, where it was before, and wait until it is ready."""
        key = self.folder / "service-accounts.key"
        self._run(
            self.kubernetes / _API_SERVER,
            f"--etcd-servers={self._etcd_url}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--cert-dir={self.folder / 'certificates'}",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            # Pods would wait for ServiceAccounts and their tokens, which no controller makes here.
            "--disable-admission-plugins=ServiceAccount",
            f"--service-account-issuer={ISSUER}",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--service-cluster-ip-range=10.0.0.0/16",
            *(self._audit_flags() if self.audited else ()),
        )
        eventually(self._is_ready, what="the API server is ready", deadline=START_DEADLINE)

    def _audit_flags(self) -> tuple[str, ...]:
        policy = self.folder / "audit-policy.yaml"
        rules = [{"level": "Metadata", "users": [OPERATOR]}, {"level": "None"}]
        document = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"]}
        policy.write_text(yaml.safe_dump(document | {"rules": rules}))
        return (
            f"--audit-policy-file={policy}",
            f"--audit-log-path={self.audit_log}",
            f"--audit-log-maxsize={_AUDIT_LOG_LIMIT}",
        )

    def _is_ready(self) -> bool:
        assert all(process.poll() is None for process in self._processes.values()), (
            f"a process ended: see {self.folder}"
        )
        if not (self.folder / "certificates/apiserver.crt").exists():
            return False
        return self.kubectl("get", "--raw", "/readyz", check=False) == "ok"

    def _run(self, program: Path, *arguments: str) -> None:
        with (self.folder / f"{program.name}.log").open("ab") as log:
            self._processes[program.name] = subprocess.Popen(
                [*DIES_WITH_US, program, *arguments], stdout=log, stderr=log, env=_ENVIRONMENT
            )

    def _end(self, program: str) -> None:
        process = self._processes.pop(program)
        process.kill()
        process.wait(timeout=30)


@dataclass(kw_only=True)
class RunningOperator:
    """keyward-operator as a process, with the rights that the chart gives it."""

    control_plane: ControlPlane
    settings: Path
    log: Path
    log_level: str = "debug"
    identity: str = "operator-0"
    resync_seconds: float = 300.0
    watch_namespaces: Sequence[str] = ()
    api_server_port: int | None = None
    """Of a proxy; None: the API server's own."""

    port: int = field(default_factory=free_port)
    explain_socket: Path = field(default_factory=lambda: Path(tempfile.mkdtemp()) / "explain.sock")
    environment: Mapping[str, str] = field(default_factory=dict)
    """Beside the tests' own."""

    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, without waiting for anything."""
        command = [
            *DIES_WITH_US,
            *(sys.executable, "-W", "error", "-m", "keyward_operator.main"),
            f"--kubeconfig={self.control_plane.kubeconfig(OPERATOR, port=self.api_server_port)}",
            f"--settings-file={self.settings}",
            f"--health-address=127.0.0.1:{self.port}",
            f"--resync-seconds={self.resync_seconds}",
            f"--watch-namespaces={','.join(self.watch_namespaces)}",
            f"--explain-socket={self.explain_socket}",
            f"--log-level={self.log_level}",
        ]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stderr=log, stdout=log, env={**os.environ, "POD_NAME": self.identity, **self.environment}
            )

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process."""
        assert self._process is not None
        return self._process

    def runs(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End it as a crash does."""
        self.process.kill()
        self.process.wait(timeout=10)

    def stop(self) -> int:
        """End it as Kubernetes does; returns its status."""
        self.process.terminate()
        return self.process.wait(timeout=40)

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of a health path; status 0 where nobody listens."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metric(self, name: str, label: str = "") -> float:
        """The sum of a metric over all its labels, or over those with `label`."""
        lines = self.get("/metrics")[1].splitlines()
        samples = [line for line in lines if line.split("{")[0].split(" ")[0] == name and label in line]
        return sum(float(line.rsplit(" ", 1)[1]) for line in samples)

    def written(self) -> float:
        """How many writes the API server accepted."""
        return self.metric("keyward_operator_writes_total")

    def idles(self) -> bool:
        """Whether no key waits for a worker and none has one; what a watch is about to tell is not known here."""
        return self.metric("keyward_operator_queue_depth") == self.metric("keyward_operator_active_workers") == 0

    def look_at_everything(self, times: int = 2) -> float:
        """Wait until resyncs have looked at each namespace so often again; how many writes there were meanwhile."""
        before, writes = self._looks(), self.written()
        wanted = before + times * len(self._namespaces())
        eventually(
            lambda: self._looks() >= wanted and self._only_looks(),
            what=f"{times} looks at everything; see {self.log}",
            deadline=90,
        )
        return self.written() - writes

    def settle(self) -> None:
        """Wait until everything is as it shall be: looks at it write nothing, and nothing is ending."""
        eventually(lambda: not self._ending(), what="namespaces of other tests are gone", deadline=90)
        eventually(lambda: self.look_at_everything() == 0, what=f"a look that writes nothing; see {self.log}")

    def _only_looks(self) -> bool:
        """Whether nothing but looks at namespaces goes on: whatever these found was done."""
        busy = ("keyward_operator_queue_depth", "keyward_operator_active_workers")
        return all(self.metric(name) == self.metric(name, 'lane="namespaces"') for name in busy)

    def _ending(self) -> set[str]:
        """Namespaces on their way out that hold what is reconciled: as it goes, the rest of them changes."""
        metadata = (each["metadata"] for each in self.control_plane.reader.items("namespaces"))
        return self._namespaces() & {each["name"] for each in metadata if "deletionTimestamp" in each}

    def _looks(self) -> float:
        return self.metric("keyward_operator_reconciles_total", 'reconciler="namespace"')

    def _namespaces(self) -> set[str]:
        """Those that a resync looks at: they hold what is reconciled."""
        lists = (self.control_plane.reader.items(kind.plural, EVERY_NAMESPACE) for kind in INPUTS)
        found = {item["metadata"]["namespace"] for items in lists for item in items}
        return found & set(self.watch_namespaces) if self.watch_namespaces else found

    def wait_until_ready(self) -> None:
        """Wait until /readyz answers 200."""
        eventually(lambda: self.get("/readyz")[0] == 200, what=f"the operator is ready; see {self.log}", deadline=60)

    def resident_mebibytes(self, *, peak: bool = False) -> float:
        """Resident memory now, or when it was largest."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM" if peak else "VmRSS"))
        return int(line.split()[1]) / 1024
