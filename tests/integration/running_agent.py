"""An agent outside Kubernetes: everything is real but the API server, which is one in miniature.

The agent runs on an event loop in a thread of this process, so that tests can use ordinary blocking drivers. Its AWS is
local AWS, reached by boto3's own settings and a web identity that is signed as a cluster signs it.
"""

from __future__ import annotations

import asyncio
import io
import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cassandra import ConsistencyLevel
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.policies import FallthroughRetryPolicy, WhiteListRoundRobinPolicy
from cryptography.hazmat.primitives import serialization
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from keyward_api.canonical import content_hash
from keyward_api.iam import agent_trust_policy, role_arn, trust_policy
from keyward_proxy.agent import Agent
from keyward_proxy.agent_settings import AgentSettings, Dependencies
from keyward_proxy.audit.writer import AuditWriter
from keyward_proxy.auth.reviewer import KubernetesTokenReviewer
from keyward_proxy.aws.sts import BotoSTS, require_injected_identity
from keyward_proxy.clock import SystemClock
from keyward_proxy.feed.status import KubernetesStatusSink
from keyward_proxy.feed.watch import KubernetesPolicySource
from keyward_proxy.kubernetes_api import KubernetesAPI
from keyward_proxy.metrics import Metrics
from keyward_proxy.net.upstream import TLSConnector
from local.iam_setup import Administrator, keyspaces_statement
from tests.integration.local_services import ACCOUNT, ADDRESS, ISSUER, LocalAws, LocalKeyspaces
from tests.unit.proxy.apiserver import MiniatureAPIServer
from tests.unit.proxy.net.authorities import make_authority, pem

AUDIENCE = "keyward.dev/payments/orders"
EXTERNAL_ID = "c1a5c0de-0000-4000-8000-000000000002/payments/orders"
AGENT_ROLE = role_arn(partition="aws", account_id=ACCOUNT, name="keyward-agent")
SECONDS = 20.0


def wait_for(condition: Callable[[], Any], what: str, seconds: float = SECONDS) -> Any:
    """The first true value of the condition; fails where there is none in time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.01)
    return value


def driver(
    port: int, provider: PlainTextAuthProvider, tls: ssl.SSLContext, server_name: str, **options: Any
) -> Cluster:
    """The Python driver at an agent on this machine, without a second try."""
    profile = ExecutionProfile(
        load_balancing_policy=WhiteListRoundRobinPolicy([ADDRESS]),
        retry_policy=FallthroughRetryPolicy(),
        consistency_level=ConsistencyLevel.LOCAL_QUORUM,
        request_timeout=20,
    )
    return Cluster(
        [ADDRESS],
        port=port,
        auth_provider=provider,
        ssl_context=tls,
        ssl_options={"server_hostname": server_name},
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        connect_timeout=20,
        control_connection_timeout=20,
        **options,
    )


class ClusterKeys:
    """Signs ServiceAccount tokens as a cluster does, and reviews them."""

    def __init__(self) -> None:
        self._key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
        self.deleted: set[str] = set()
        """User names whose ServiceAccount is gone."""

    def jwks(self) -> str:
        return json.dumps(KeySet([self._key]).as_dict(private=False))

    def token(self, account: str, *, audience: str = AUDIENCE, life: float = 600) -> str:
        """For `namespace/name`."""
        now = int(time.time())
        namespace, name = account.split("/")
        claims = {
            "iss": ISSUER,
            "aud": [audience],
            "sub": f"system:serviceaccount:{namespace}:{name}",
            "iat": now,
            "nbf": now - 60,
            "exp": now + int(life),
        }
        return jwt.encode({"alg": "RS256", "kid": self._key.kid}, claims, self._key)

    def review(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """A TokenReview's status."""
        try:
            claims = jwt.decode(spec["token"], self._key).claims
        except (JoseError, ValueError) as error:
            return {"authenticated": False, "error": str(error)}
        audiences = sorted(set(claims["aud"]) & set(spec["audiences"]))
        if claims["exp"] <= time.time() or claims["sub"] in self.deleted or not audiences:
            return {"authenticated": False}
        namespace = claims["sub"].split(":")[2]
        user = {
            "username": claims["sub"],
            "uid": content_hash(claims["sub"]),
            "groups": ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"],
        }
        return {"authenticated": True, "audiences": audiences, "user": user}


@dataclass(kw_only=True, slots=True)
class Grants:
    """What a policy grants: by account, by IAM role, permissions on `keyspace.table` patterns."""

    rules: dict[str, dict[str, list[tuple[str, str, str]]]] = field(default_factory=dict)
    locks: list[dict[str, Any]] = field(default_factory=list)
    database: dict[str, Any] = field(default_factory=dict)
    """What is asked of the database beside where it is."""

    def allow(self, account: str, db_user: str, permission: str, keyspace: str, table: str = "*") -> Grants:
        self.rules.setdefault(account, {}).setdefault(db_user, []).append((permission, keyspace, table))
        return self

    def lock(self, **lock: Any) -> Grants:
        self.locks.append(lock)
        return self

    def spec(self, keyspaces: LocalKeyspaces) -> dict[str, Any]:
        """The policy's spec, as the operator would write it."""
        grants, identities = [], []
        for account, roles in self.rules.items():
            ids = []
            for db_user, rules in roles.items():
                ids.append(content_hash([account, db_user], length=16))
                grants.append(_grant(ids[-1], account, db_user, rules))
            namespace, name = account.split("/")
            identities.append({"kind": "ServiceAccount", "namespace": namespace, "name": name, "grants": ids})
        spec = {
            "database": _database(keyspaces) | self.database,
            "grants": grants,
            "identities": identities,
            "locks": self.locks,
        }
        return spec | {"revision": content_hash(spec)}


def _grant(grant_id: str, account: str, db_user: str, rules: list[tuple[str, str, str]]) -> dict[str, Any]:
    return {
        "id": grant_id,
        "user": account.replace("/", "-"),
        "dbUser": db_user,
        "roleARN": role_arn(partition="aws", account_id=ACCOUNT, name=db_user),
        "allow": [
            {"source": f"role/allow/{n}", "permissions": [permission], "keyspaces": [keyspace], "tables": [table]}
            for n, (permission, keyspace, table) in enumerate(rules)
        ],
    }


def _database(keyspaces: LocalKeyspaces) -> dict[str, Any]:
    return {
        "namespace": "payments",
        "name": "orders",
        "uid": "8f3d2c1e-0000-4000-8000-000000000001",
        "clusterUID": "c1a5c0de-0000-4000-8000-000000000002",
        "accountID": ACCOUNT,
        "region": "us-east-1",
        "partition": "aws",
        "endpoint": {
            "address": ADDRESS,
            "port": keyspaces.port,
            "serverName": "localhost",
            "caBundle": keyspaces.aws.certificates.ca.read_text(),
        },
        "agentRoleARN": AGENT_ROLE,
        "externalID": EXTERNAL_ID,
        "audience": AUDIENCE,
        "serviceAddress": ADDRESS,
    }


def set_up_iam(aws: LocalAws, keys: ClusterKeys, roles: Mapping[str, list[str]]) -> None:
    """The agents' role and the roles that it may assume: by name, actions on everything."""
    aws.jwks.write_text(keys.jwks())
    administrator = Administrator(aws.client("iam", aws.root))
    administrator.trust_cluster(ISSUER)
    trust = agent_trust_policy(
        issuer=ISSUER, agent_role_arn=AGENT_ROLE, namespace="keyward-agents", service_account="orders"
    )
    administrator.agent_role("keyward-agent", trust_policy=trust, assumes=[f"arn:aws:iam::{ACCOUNT}:role/Keyspaces*"])
    for name, actions in roles.items():
        administrator.database_role(
            name,
            trust_policy=trust_policy(agent_role_arn=AGENT_ROLE, external_id=EXTERNAL_ID),
            statements=[keyspaces_statement(*actions, account=ACCOUNT, region="us-east-1", tables=["*/*"])],
        )


def environment(aws: LocalAws, keys: ClusterKeys, directory: Path) -> dict[str, str]:
    """What the pod identity webhook and the platform give an agent's pod."""
    token = directory / "web-identity-token"
    token.write_text(keys.token("keyward-agents/orders", audience="sts.amazonaws.com", life=86400))
    return {
        "AWS_ROLE_ARN": AGENT_ROLE,
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
        "AWS_ENDPOINT_URL_STS": aws.url,
        "AWS_CA_BUNDLE": str(aws.certificates.ca),
    }


class RunningAgent:
    """An agent in a thread. AWS settings must be in the process' environment before it is made."""

    def __init__(self, keys: ClusterKeys, keyspaces: LocalKeyspaces, directory: Path) -> None:
        self.keys = keys
        self.keyspaces = keyspaces
        self.audit = io.BytesIO()
        self.metrics = Metrics()
        self.server = MiniatureAPIServer()
        self.server.review = keys.review
        self._directory = directory
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="agent", daemon=True)

    def start(self) -> None:
        authority = make_authority()
        self._directory.joinpath("tls.crt").write_text(pem(authority))
        self._directory.joinpath("tls.key").write_bytes(
            authority.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        self._thread.start()
        assert self._started.wait(SECONDS)
        wait_for(lambda: self.agent.port, "the listener")

    def stop(self) -> None:
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(SECONDS)
        assert not self._thread.is_alive()

    def apply(self, grants: Grants) -> None:
        """Put a policy into the API server."""
        spec = grants.spec(self.keyspaces)
        self._loop.call_soon_threadsafe(self.server.put, spec)
        wait_for(lambda: self.agent._view and self.agent._view.revision == spec["revision"], "the policy")

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await self.server.start()
        api = KubernetesAPI(self.server.configuration())
        sts = BotoSTS()
        settings = AgentSettings(
            pod="orders-agent-0",
            pod_ip=ADDRESS,
            policy="keyward-agents/payments.orders",
            ca_directory=self._directory,
            server_names=("keyward-orders.payments.svc",),
            listen=(ADDRESS, 0),
            health=(ADDRESS, 0),
            endpoints_seconds=0.2,
            settling_seconds=0.0,
        )
        self.agent = Agent(settings, self._dependencies(api, sts))
        self._started.set()
        try:
            await self.agent.run(self._stop)
        finally:
            sts.close()
            await api.close()
            await self.server.stop()

    def _dependencies(self, api: KubernetesAPI, sts: BotoSTS) -> Dependencies:
        place = {"namespace": "keyward-agents", "name": "payments.orders"}
        return Dependencies(
            policy_source=KubernetesPolicySource(api, **place),
            status_sink=KubernetesStatusSink(api, **place, pod="orders-agent-0"),
            reviewer=KubernetesTokenReviewer(api),
            sts=sts,
            check_identity=require_injected_identity,
            connector=TLSConnector(),
            audit=AuditWriter(self.audit, on_lost=self.metrics.audit_lost.inc),
            clock=SystemClock(),
            metrics=self.metrics,
        )

    # What clients use.

    def tls(self) -> ssl.SSLContext:
        """Trusts the database's CA, checks names."""
        return ssl.create_default_context(cafile=str(self._directory / "tls.crt"))

    def cluster(self, username: str, token: str, **options: Any) -> Cluster:
        """A driver as an application configures it; each refusal is final."""
        provider = PlainTextAuthProvider(username, token)
        return driver(self.agent.port, provider, self.tls(), "keyward-orders.payments.svc", **options)

    def records(self, event: str = "") -> list[dict[str, Any]]:
        """The audit trail so far."""
        lines = [json.loads(line) for line in self.audit.getvalue().splitlines()]
        return [line for line in lines if not event or line["event"] == event]

    def status(self) -> dict[str, Any]:
        """The agent's entry as last applied."""
        return self.server.applied[-1][1]["status"]["agents"][0] if self.server.applied else {}
