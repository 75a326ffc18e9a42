"""The agent of the test entry point: the real one, with a policy from manifests and tokens verified by their key."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives import serialization

from keyward_api.compiler import compile_policy
from keyward_api.identities import CallerIdentity
from keyward_api.resources.database import KeyspacesDatabase
from keyward_api.resources.policy import AgentReport, KeyspacesPolicySpec
from keyward_proxy.agent import Agent, AgentSettings, Dependencies
from keyward_proxy.audit.writer import AuditWriter
from keyward_proxy.auth.reviewer import identity_of
from keyward_proxy.aws.sts import BotoSTS, require_injected_identity
from keyward_proxy.clock import SystemClock
from keyward_proxy.metrics import Metrics
from keyward_proxy.net.upstream import TLSConnector
from keyward_proxy.session.secret import Secret
from tests.integration.running_agent import ClusterKeys
from tests.unit.proxy.net.authorities import make_authority, pem

CLUSTER_UID = "c1a5c0de-0000-4000-8000-000000000002"


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifests:
    """A policy source: what a folder of manifests holds, once."""

    folder: Path
    address: str
    """Of the agent, for drivers."""

    async def policies(self) -> AsyncIterator[KeyspacesPolicySpec | None]:
        """See keyward_proxy.feed.watch.PolicySource."""
        yield compiled(self.folder, self.address)
        await asyncio.Event().wait()


def compiled(folder: Path, address: str) -> KeyspacesPolicySpec:
    """The policy of the folder's one database."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(folder.glob("*.yaml")):
        document = yaml.safe_load(path.read_text())
        found.setdefault(document["kind"], []).append(document)
    result = compile_policy(
        database=KeyspacesDatabase.model_validate(found["KeyspacesDatabase"][0]),
        roles=found["KeyspacesRole"],
        users=found["KeyspacesUser"],
        cluster_uid=CLUSTER_UID,
        service_address=address,
    )
    if result.problems:
        raise ValueError("; ".join(problem.message for problem in result.problems))
    return result.spec


class _Reviewer:
    def __init__(self, keys: ClusterKeys) -> None:
        self._keys = keys

    async def review(self, token: Secret, *, audience: str) -> CallerIdentity:
        return identity_of(self._keys.review({"token": token.reveal(), "audiences": [audience]}), audience)


class _NoStatus:
    async def apply(self, report: AgentReport | None) -> None:
        """Nobody reads it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where an agent listens and what it reads."""

    address: str
    port: int
    state: Path
    manifests: Path

    def write_authority(self) -> Path:
        """Make the CA that the agent signs itself a certificate with; the file that clients trust."""
        authority = make_authority()
        self.state.joinpath("tls.crt").write_text(pem(authority))
        self.state.joinpath("tls.key").write_bytes(
            authority.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return self.state / "tls.crt"

    def agent(self, keys: ClusterKeys, audit: AuditWriter) -> Agent:
        """Must be called inside the event loop."""
        settings = AgentSettings(
            pod="orders-agent-0",
            pod_ip=self.address,
            policy="payments/orders",
            ca_directory=self.state,
            server_names=("localhost",),
            listen=(self.address, self.port),
            health=(self.address, 0),
            endpoints_seconds=0.0,
            drain_seconds=1.0,
        )
        dependencies = Dependencies(
            policy_source=Manifests(folder=self.manifests, address=self.address),
            status_sink=_NoStatus(),
            reviewer=_Reviewer(keys),
            sts=BotoSTS(),
            check_identity=require_injected_identity,
            connector=TLSConnector(),
            audit=audit,
            clock=SystemClock(),
            metrics=Metrics(),
        )
        return Agent(settings, dependencies)
