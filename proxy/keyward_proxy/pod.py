"""An agent in a pod: its policy, its status and the reviews of tokens are the API server's.

Its deployment gives it the name of its policy and the CA that signs its certificate; all else is in the policy
object. AWS settings (AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ENDPOINT_URL_STS, AWS_CA_BUNDLE) are boto3's own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from keyward_proxy.agent import Agent
from keyward_proxy.agent_settings import AgentSettings, Dependencies
from keyward_proxy.audit.writer import AuditWriter
from keyward_proxy.auth.reviewer import KubernetesTokenReviewer
from keyward_proxy.aws.sts import BotoSTS
from keyward_proxy.clock import SystemClock
from keyward_proxy.commandline import OPERATOR_LEASE
from keyward_proxy.feed.lease import KubernetesLease
from keyward_proxy.feed.status import KubernetesStatusSink
from keyward_proxy.feed.watch import KubernetesPolicySource
from keyward_proxy.kubernetes_api import KubernetesAPI
from keyward_proxy.metrics import Metrics
from keyward_proxy.net.upstream import TLSConnector
from keyward_proxy.process import stop_on_signals

CA_DIRECTORY = Path("/etc/keyward/ca")
_ENVIRONMENT = {"POD_NAME": "metadata.name", "POD_IP": "status.podIP", "POD_NAMESPACE": "metadata.namespace"}


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
        operator_lease=arguments.operator_lease or OPERATOR_LEASE,
        ca_directory=arguments.ca_directory or CA_DIRECTORY,
        server_names=tuple(arguments.server_name),
        listen=arguments.listen,
        external_listen=arguments.external_listen,
        service_listen=arguments.service_listen,
        health=arguments.health_address,
    )


async def serve(settings: AgentSettings) -> None:
    """Run in the cluster until SIGTERM; raises what stops an agent from starting."""
    stop = stop_on_signals()
    namespace, name = settings.policy.split("/")
    lease_namespace, lease_name = settings.operator_lease.split("/")
    api, metrics, clock = KubernetesAPI.in_cluster(), Metrics(), SystemClock()
    sts = BotoSTS()
    outside = Dependencies(
        policy_source=KubernetesPolicySource(api, namespace=namespace, name=name),
        status_sink=KubernetesStatusSink(api, namespace=namespace, name=name, pod=settings.pod),
        operator_signs=KubernetesLease(api, namespace=lease_namespace, name=lease_name, clock=clock),
        reviewer=KubernetesTokenReviewer(api),
        sts=sts,
        check_identity=sts.check_identity,
        connector=TLSConnector(),
        audit=AuditWriter(sys.stdout.buffer, on_lost=metrics.audit_lost.inc),
        clock=clock,
        metrics=metrics,
    )
    try:
        await Agent(settings, outside).run(stop)
    finally:
        sts.close()
        await api.close()
