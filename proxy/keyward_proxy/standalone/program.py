"""An agent without Kubernetes, put together from the command line."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import logging
import signal
import socket
import sys

from keyward_proxy.agent import Agent
from keyward_proxy.agent_settings import AgentSettings, Dependencies
from keyward_proxy.audit.writer import AuditWriter
from keyward_proxy.auth.token import WantedToken
from keyward_proxy.aws.sts import BotoSTS, any_identity
from keyward_proxy.clock import SystemClock
from keyward_proxy.metrics import Metrics
from keyward_proxy.net.upstream import TLSConnector
from keyward_proxy.pod import CA_DIRECTORY
from keyward_proxy.process import stop_on_signals
from keyward_proxy.standalone.callers import NO_TOKEN, client_authority, token_issuer, token_reviewer
from keyward_proxy.standalone.policy import PolicySettings, load_policy, no_effect
from keyward_proxy.standalone.printing import printed
from keyward_proxy.standalone.problem import ManifestsError
from keyward_proxy.standalone.source import DirectoryPolicySource
from keyward_proxy.standalone.status import LoggedStatus

logger = logging.getLogger(__name__)

_FAR_AWAY = ("192.0.2.1", 9)
"""TEST-NET-1 (RFC 5737). Nothing is sent there: connecting a datagram socket only looks up the route."""


def policy_settings(arguments: argparse.Namespace, advertised: str = "") -> PolicySettings:
    """Where the policy comes from."""
    return PolicySettings(
        directory=arguments.manifests,
        database=arguments.database or "",
        cluster_uid=arguments.cluster_uid or "",
        advertise_address=advertised,
    )


def settings_from(arguments: argparse.Namespace, *, advertised: str) -> AgentSettings:
    """What the agent is told."""
    files = (arguments.tls_certificate, arguments.tls_key) if arguments.tls_certificate else None
    return AgentSettings(
        pod=arguments.agent_name or socket.gethostname(),
        pod_ip=advertised,
        policy=str(arguments.manifests),
        ca_directory=arguments.ca_directory or CA_DIRECTORY,
        server_names=tuple(arguments.server_name),
        certificate_files=files,
        clients=client_authority(arguments),
        listen=arguments.listen,
        health=arguments.health_address,
    )


def advertised_address(arguments: argparse.Namespace) -> str:
    """What drivers see as the node's address; raises ValueError where there is none to be found."""
    if arguments.advertise_address:
        return str(arguments.advertise_address)
    host = arguments.listen[0]
    try:
        if not ipaddress.ip_address(host).is_unspecified:
            return str(host)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(_FAR_AWAY)
            return str(probe.getsockname()[0])
    except (OSError, ValueError):
        raise ValueError("this machine's address is not known: give --advertise-address") from None


def tell(arguments: argparse.Namespace) -> int:
    """--check and --print: read the manifests, say what was asked for; returns the exit status."""
    try:
        policy = load_policy(policy_settings(arguments))
    except ManifestsError as error:
        for line in (*error.problems, *error.notes):
            print(line, file=sys.stderr)
        return 1
    for resource in policy.ignored:
        print(no_effect(resource), file=sys.stderr)
    if arguments.print:
        print(printed(arguments.print, policy.spec))
    else:
        spec = policy.spec
        where = f"{spec.database.namespace}/{spec.database.name}"
        print(f"{where} is in order; grants: {len(spec.grants)}, subjects: {len(spec.identities)}")
    return 0


async def serve(arguments: argparse.Namespace) -> None:
    """Run until SIGTERM; raises what stops an agent from starting."""
    stop = stop_on_signals()
    advertised = advertised_address(arguments)
    metrics, clock, sts = Metrics(), SystemClock(), BotoSTS(required=any_identity)
    source = DirectoryPolicySource(policy_settings(arguments, advertised), metrics=metrics)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, source.look_now)
    issuer = token_issuer(arguments)
    wanted: WantedToken = issuer.wanted if issuer else NO_TOKEN
    outside = Dependencies(
        policy_source=source,
        status_sink=LoggedStatus(),
        reviewer=token_reviewer(issuer, arguments.token_jwks, clock),
        wanted_token=wanted,
        sts=sts,
        check_identity=sts.check_identity,
        connector=TLSConnector(),
        audit=AuditWriter(sys.stdout.buffer, on_lost=metrics.audit_lost.inc),
        clock=clock,
        metrics=metrics,
        warnings=source.warnings,
    )
    try:
        await Agent(settings_from(arguments, advertised=advertised), outside).run(stop)
    finally:
        sts.close()
