"""The command line of keyward-operator."""

import argparse
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from keyward_api import names
from keyward_operator import logs
from keyward_operator.explain import SOCKET
from keyward_operator.health import Address
from keyward_operator.help_formatter import HelpFormatter
from keyward_operator.scope import Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """How this process shall run."""

    scope: Scope
    settings_file: Path
    health_address: Address
    explain_socket: Path
    log_level: str
    kubeconfig: Path | None
    resync_seconds: float
    workers: int
    identity: str
    """Unique among the operators of the cluster."""


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; ends the process where it is wrong, or asks for help."""
    given = _parser().parse_args(arguments)
    return Options(
        scope=Scope(
            operator_namespace=given.namespace,
            agents_namespace=given.agent_namespace,
            namespaces=given.watch_namespaces,
        ),
        settings_file=given.settings_file,
        health_address=given.health_address,
        explain_socket=given.explain_socket,
        log_level=given.log_level,
        kubeconfig=given.kubeconfig,
        resync_seconds=given.resync_seconds,
        workers=given.workers,
        identity=os.environ.get("POD_NAME") or f"{socket.gethostname()}-{os.getpid()}",
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="keyward-operator",
        description="Makes the cluster match KeyspacesDatabases, KeyspacesRoles, KeyspacesUsers, KeyspacesLocks and "
        "KeyspacesIAMRoles, and IAM too where the platform's settings permit it.",
        epilog="Other commands: `keyward-operator explain --help` tells why something was done, `keyward-operator "
        "print-iam --help` prints the policy of the operator's own IAM role.",
        formatter_class=HelpFormatter,
    )
    add = parser.add_argument
    add("--namespace", default=names.SYSTEM_NAMESPACE, help="the operator's own namespace, where its Lease is")
    add("--agent-namespace", default=names.AGENTS_NAMESPACE, help="the namespace where agents run")
    add("--watch-namespaces", type=_namespaces, default=(), help="a,b,c: no other namespaces; none given means all")
    add("--settings-file", type=Path, default=Path("/etc/keyward/settings.yaml"), help="the platform's settings")
    add("--health-address", type=_address, default="0.0.0.0:8080", help="where /healthz, /readyz, /metrics are")
    add("--explain-socket", type=Path, default=SOCKET, help="where `keyward-operator explain` asks")
    add("--log-level", choices=logs.LEVELS, default="info", help="what is logged")
    add("--kubeconfig", type=Path, default=None, help="default: the pod's ServiceAccount, else $KUBECONFIG")
    add("--resync-seconds", type=_positive, default=300.0, help="how often everything is looked at again")
    add("--workers", type=int, choices=range(1, 65), metavar="1-64", default=4, help="databases worked on at once")
    add("--version", action="version", version=f"keyward-operator {version('keyward')}")
    return parser


def _address(text: str) -> Address:
    try:
        return Address.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _namespaces(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number") from error
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{value} is not above zero")
    return value
