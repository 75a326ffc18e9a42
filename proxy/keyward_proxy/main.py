"""keyward-agent: one agent of one KeyspacesDatabase, in a pod.

Its deployment gives it the name of its policy and the CA that signs its certificate; all else is in the policy
object. AWS settings (AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ENDPOINT_URL_STS, AWS_CA_BUNDLE) are boto3's own.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import gc
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from keyward_api.identities import session_name
from keyward_proxy.agent import Agent, AgentSettings, Dependencies
from keyward_proxy.audit.writer import AuditWriter
from keyward_proxy.auth.reviewer import KubernetesTokenReviewer
from keyward_proxy.aws.sts import BotoSTS, require_injected_identity
from keyward_proxy.clock import SystemClock
from keyward_proxy.feed.status import KubernetesStatusSink
from keyward_proxy.feed.watch import KubernetesPolicySource
from keyward_proxy.kubernetes_api import KubernetesAPI, KubernetesUnavailable
from keyward_proxy.logs import configure
from keyward_proxy.metrics import Metrics
from keyward_proxy.net.errors import NetworkError
from keyward_proxy.net.upstream import TLSConnector

logger = logging.getLogger(__name__)

_PR_SET_DUMPABLE = 4
_ENVIRONMENT = {"POD_NAME": "metadata.name", "POD_IP": "status.podIP", "POD_NAMESPACE": "metadata.namespace"}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="keyward-agent",
        description="Gives audited, role-based access to one Amazon Keyspaces endpoint.",
        epilog="Environment: POD_NAME, POD_IP and POD_NAMESPACE (downward API, required), and boto3's settings.",
    )
    made.add_argument(
        "--policy-namespace", metavar="NS", help="namespace of the KeyspacesPolicy (default: POD_NAMESPACE)"
    )
    made.add_argument("--policy-name", metavar="NAME", required=True, help="name of the KeyspacesPolicy")
    made.add_argument(
        "--ca-directory",
        metavar="DIR",
        type=Path,
        default=Path("/etc/keyward/ca"),
        help="holds tls.crt and tls.key of the CA that signs this agent's certificate (default: %(default)s)",
    )
    made.add_argument(
        "--server-name",
        metavar="NAME",
        action="append",
        required=True,
        help="DNS name or IP address for the certificate, repeatable; POD_IP is added",
    )
    made.add_argument(
        "--listen",
        metavar="ADDRESS:PORT",
        type=address,
        default="0.0.0.0:9142",
        help="CQL over TLS (default: %(default)s)",
    )
    made.add_argument(
        "--external-listen",
        metavar="ADDRESS:PORT",
        type=address,
        help="the same for clients that reach the agents through one address, a load balancer's or a forwarded port's: "
        "they see one node (default: nowhere)",
    )
    made.add_argument(
        "--health-address",
        metavar="ADDRESS:PORT",
        type=address,
        default="0.0.0.0:8080",
        help="plain HTTP: /healthz, /readyz and /metrics (default: %(default)s)",
    )
    made.add_argument(
        "--log-level", choices=["debug", "info", "warning", "error"], default="info", help="default: %(default)s"
    )
    return made


def address(text: str) -> tuple[str, int]:
    """`127.0.0.1:9142` or `[::]:9142` as host and port; raises argparse.ArgumentTypeError."""
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is not ADDRESS:PORT")
    return host.strip("[]"), int(port)


def settings_from(arguments: argparse.Namespace, environment: Mapping[str, str]) -> AgentSettings:
    """What the agent is told; raises ValueError where the pod's template left something out."""
    missing = [name for name in _ENVIRONMENT if not environment.get(name)]
    if missing:
        paths = ", ".join(f"{name} from {_ENVIRONMENT[name]}" for name in missing)
        raise ValueError(f"the environment lacks {', '.join(missing)}: set {paths} in the pod's template")
    namespace = arguments.policy_namespace or environment["POD_NAMESPACE"]
    return AgentSettings(
        pod=environment["POD_NAME"],
        pod_ip=environment["POD_IP"],
        policy=f"{namespace}/{arguments.policy_name}",
        ca_directory=arguments.ca_directory,
        server_names=tuple(arguments.server_name),
        listen=arguments.listen,
        external_listen=arguments.external_listen,
        health=arguments.health_address,
    )


def harden() -> None:
    """No core dump and no ptrace by the same user, who could read credentials in memory; files for the owner only."""
    os.umask(0o077)
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_DUMPABLE) failed")


async def serve(settings: AgentSettings) -> None:
    """Run in the cluster until SIGTERM; raises what stops an agent from starting."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    namespace, name = settings.policy.split("/")
    api, metrics = KubernetesAPI.in_cluster(), Metrics()
    sts = BotoSTS()
    outside = Dependencies(
        policy_source=KubernetesPolicySource(api, namespace=namespace, name=name),
        status_sink=KubernetesStatusSink(api, namespace=namespace, name=name, pod=settings.pod),
        reviewer=KubernetesTokenReviewer(api),
        sts=sts,
        check_identity=require_injected_identity,
        connector=TLSConnector(),
        audit=AuditWriter(sys.stdout.buffer, on_lost=metrics.audit_lost.inc),
        clock=SystemClock(),
        metrics=metrics,
    )
    try:
        await Agent(settings, outside).run(stop)
    finally:
        sts.close()
        await api.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command `keyward-agent`; returns its exit status."""
    parsed = parser().parse_args(arguments)
    configure(parsed.log_level)
    try:
        settings = settings_from(parsed, os.environ)
        # CloudTrail shows this name where boto3 uses the pod's web identity.
        os.environ.setdefault("AWS_ROLE_SESSION_NAME", session_name(settings.pod))
        harden()
        # What is loaded by now lives as long as the process: the collector need not look at it again.
        gc.freeze()
        asyncio.run(serve(settings))
    except (ValueError, NetworkError, KubernetesUnavailable, OSError) as error:
        logger.error("agent not started", extra={"error": str(error)})
        return 1
    except Exception:
        logger.critical("agent failed", exc_info=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
