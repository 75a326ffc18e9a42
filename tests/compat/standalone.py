"""`keyward-agent --manifests` as a process of its own, with tokens of an issuer."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from tests.compat.addresses import TLS
from tests.integration.local_services import ISSUER
from tests.unit.proxy.net.authorities import make_authority, pem

CLUSTER_UID = "c1a5c0de-0000-4000-8000-000000000002"
SERVER_NAME = "localhost"
HEALTH = 8080
SECONDS_TO_START = 120.0


class StandaloneError(Exception):
    """The agent did not become ready; the message holds the end of its log."""


class StandaloneAgent:
    """One agent on port 9142 of an address."""

    def __init__(self, *, address: str, state: Path, manifests: Path, jwks: Path) -> None:
        """`state` is where its CA, its log and its audit trail lie; `jwks` the keys that sign tokens."""
        self.address = address
        self.authority = state / "tls.crt"
        """What clients trust."""
        self._state = state
        self._manifests = manifests
        self._jwks = jwks

    def start(self, environment: dict[str, str]) -> None:
        """Start it and wait until it is ready; raises StandaloneError."""
        self._write_authority()
        with self._file("audit.jsonl").open("wb") as audit, self._file("agent.jsonl").open("wb") as log:
            self._process = subprocess.Popen(
                self._command(), stdout=audit, stderr=log, env={**os.environ, **environment}
            )
        deadline = time.monotonic() + SECONDS_TO_START
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise StandaloneError(f"the agent is not ready:\n{self._file('agent.jsonl').read_text()[-3000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it; sessions are cut, for the drain is not what is tested here."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(30)

    def _command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "keyward_proxy.main", "--manifests", str(self._manifests)),
            *("--listen", f"{self.address}:{TLS}", "--health-address", f"{self.address}:{HEALTH}"),
            *("--ca-directory", str(self._state), "--server-name", SERVER_NAME),
            *("--cluster-uid", CLUSTER_UID, "--agent-name", "compat"),
            *("--token-issuer", ISSUER, "--token-jwks", str(self._jwks)),
        ]

    def _write_authority(self) -> None:
        authority = make_authority()
        self.authority.write_text(pem(authority))
        key = authority.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._file("tls.key").write_bytes(key)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address}:{HEALTH}/readyz", timeout=5) as answer:
                return bool(json.load(answer)["ready"])
        except (OSError, urllib.error.URLError):
            return False

    def _file(self, name: str) -> Path:
        return self._state / name
