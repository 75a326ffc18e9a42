"""Local AWS and local Keyspaces as processes of this machine, on the address where the cluster's pods reach it.

What others need to find them is in `endpoints.json` beside their state: the gateway's address and the three ports.
"""

import json
import os
import sys
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path

from local import certificates
from local.cluster import jwks
from local.processes import Processes

CHECKOUT = Path(__file__).parents[2]
AWS, KEYSPACES = "local-aws", "local-keyspaces"
"""Their names among the recorded processes."""
AWS_PORT, ADMIN_PORT, KEYSPACES_PORT = 18443, 18444, 9142


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoints:
    """Where local AWS and local Keyspaces listen."""

    gateway: str
    """The machine's address on the cluster's network: local AWS's HTTPS and local Keyspaces."""
    aws_port: int
    """On the gateway and on 127.0.0.1."""
    admin_port: int
    """Of local AWS, plain HTTP, on 127.0.0.1 only."""
    keyspaces_port: int


def aws_endpoint(where: Endpoints) -> str:
    """The URL of local AWS for programs on this machine."""
    return f"https://127.0.0.1:{where.aws_port}"


def folder(state: Path) -> Path:
    """Where both keep their files."""
    return state / "local"


def endpoints(gateway: str) -> Endpoints:
    """The ports that we give them."""
    return Endpoints(gateway=gateway, aws_port=AWS_PORT, admin_port=ADMIN_PORT, keyspaces_port=KEYSPACES_PORT)


def start_aws(state: Path, where: Endpoints) -> None:
    """Start local AWS unless it runs; returns when it answers."""
    listen = [f"--listen={address}:{where.aws_port}" for address in (where.gateway, "127.0.0.1")]
    admin = f"127.0.0.1:{where.admin_port}"
    issuer = f"{jwks.ISSUER}={folder(state) / 'jwks.json'}"
    options = [f"--state={folder(state)}", *listen, f"--admin={admin}", f"--oidc={issuer}"]
    processes = Processes(state)
    processes.start(AWS, [sys.executable, "-m", "local.aws", *options], environment=_environment())
    processes.wait_until_ready(AWS, lambda: _answers(f"http://{admin}/healthz"), seconds=60)
    (folder(state) / "endpoints.json").write_text(json.dumps(asdict(where), indent=1))


def start_keyspaces(state: Path, where: Endpoints) -> None:
    """Start local Keyspaces unless it runs; returns when it says that CQL answers. Local AWS must run."""
    files = certificates.ensure(folder(state))
    options = [
        f"--state={folder(state) / 'keyspaces'}",
        f"--listen={where.gateway}",
        f"--port={where.keyspaces_port}",
        f"--aws-admin=http://127.0.0.1:{where.admin_port}",
        f"--aws-admin-token-file={folder(state) / 'admin-token'}",
        f"--certificate={files.keyspaces_cert}",
        f"--key={files.keyspaces_key}",
        f"--init-cql={CHECKOUT / 'local' / 'seed.cql'}",
    ]
    processes = Processes(state)
    command = [sys.executable, "-m", "local.keyspaces", *options]
    log = Path(processes.start(KEYSPACES, command, environment=_environment()).log)
    processes.wait_until_ready(KEYSPACES, lambda: "local keyspaces is ready" in log.read_text(), seconds=180)


def stop(state: Path) -> None:
    """End both; nothing where they do not run."""
    for name in (KEYSPACES, AWS):
        Processes(state).stop(name)


def _environment() -> dict[str, str]:
    """The modules of this checkout, wherever the command was started."""
    return {"PYTHONPATH": os.pathsep.join([str(CHECKOUT), *filter(None, [os.environ.get("PYTHONPATH")])])}


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - our own loopback address
            return bool(response.status == 200)
    except OSError:
        return False
