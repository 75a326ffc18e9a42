"""A real Kubernetes control plane without nodes: etcd, API server and a few controllers, as processes on 127.0.0.1.

Pods are made but never run, so no agent ever gets ready here; what an agent would write, a test writes. Everything
else is as in a cluster: schemas and CEL, server-side apply, watches, RBAC, discovery.
"""

import csv
import os
import secrets
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from keyward_api import names

ADMIN = "admin"
OPERATOR = f"system:serviceaccount:{names.SYSTEM_NAMESPACE}:keyward-operator"
ISSUER = "https://issuer.example"
START_DEADLINE = 90.0
CONTROLLERS = (
    "deployment-controller,replicaset-controller,namespace-controller,validatingadmissionpolicy-status-controller"
)


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
    port: int = field(default_factory=free_port)
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _tokens: dict[str, str] = field(default_factory=lambda: {user: secrets.token_hex(16) for user in (ADMIN, OPERATOR)})

    def start(self) -> None:
        """Start all processes and wait until the API server is ready."""
        self._write_tokens()
        self._write_service_account_key()
        etcd_url = self._start_etcd()
        self._start_api_server(etcd_url)
        eventually(self._is_ready, what="the API server is ready", deadline=START_DEADLINE)
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
            "--kube-api-qps=100",
            "--kube-api-burst=200",
        )

    def stop(self) -> None:
        """End all processes, on the spot: nothing of theirs is needed any more."""
        for process in reversed(self._processes):
            process.kill()
            process.wait(timeout=30)

    def kubeconfig(self, user: str) -> Path:
        """A kubeconfig for ADMIN or OPERATOR."""
        path = self.folder / f"kubeconfig-{user.rsplit(':', 1)[-1]}"
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "c",
                    "cluster": {
                        "server": f"https://127.0.0.1:{self.port}",
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

    def _start_etcd(self) -> str:
        client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
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
        return client

    def _start_api_server(self, etcd_url: str) -> None:
        key = self.folder / "service-accounts.key"
        self._run(
            self.kubernetes / "kube-apiserver",
            f"--etcd-servers={etcd_url}",
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
        )

    def _is_ready(self) -> bool:
        assert all(process.poll() is None for process in self._processes), f"a process ended: see {self.folder}"
        if not (self.folder / "certificates/apiserver.crt").exists():
            return False
        return self.kubectl("get", "--raw", "/readyz", check=False) == "ok"

    def _run(self, program: Path, *arguments: str) -> None:
        with (self.folder / f"{program.name}.log").open("wb") as log:
            self._processes.append(subprocess.Popen([program, *arguments], stdout=log, stderr=subprocess.STDOUT))


@dataclass(kw_only=True)
class RunningOperator:
    """keyward-operator as a process, with the rights that the chart gives it."""

    program: Sequence[str]
    control_plane: ControlPlane
    settings: Path
    log: Path
    identity: str = "operator-0"
    resync_seconds: float = 300.0
    port: int = field(default_factory=free_port)
    explain_socket: Path = field(default_factory=lambda: Path(tempfile.mkdtemp()) / "explain.sock")
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, without waiting for anything."""
        command = [
            *self.program,
            f"--kubeconfig={self.control_plane.kubeconfig(OPERATOR)}",
            f"--settings-file={self.settings}",
            f"--health-address=127.0.0.1:{self.port}",
            f"--resync-seconds={self.resync_seconds}",
            f"--explain-socket={self.explain_socket}",
            "--log-level=debug",
        ]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stderr=log, stdout=log, env={**os.environ, "POD_NAME": self.identity}
            )

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process."""
        assert self._process is not None
        return self._process

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

    def metric(self, name: str) -> float:
        """The sum of a metric over all its labels."""
        lines = self.get("/metrics")[1].splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.split("{")[0].split(" ")[0] == name)

    def wait_until_ready(self) -> None:
        """Wait until /readyz answers 200."""
        eventually(lambda: self.get("/readyz")[0] == 200, what=f"the operator is ready; see {self.log}", deadline=60)

    def resident_mebibytes(self) -> float:
        """Resident memory now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024
