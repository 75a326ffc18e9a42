"""Where the tests find what `python -m local up` brought up: the cluster's programs, local AWS, local Keyspaces."""

import json
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cassandra import ConsistencyLevel
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, Session
from cassandra.policies import WhiteListRoundRobinPolicy

from local.aws.client import AdminClient, BotoClient, Credentials, boto_client
from local.cluster import jwks, kind, servers, steps
from local.iam_setup import Administrator
from tests.e2e.kube import Kubectl
from tests.integration.local_services import SigV4


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """One machine with a cluster, local AWS and local Keyspaces."""

    state: Path
    kubeconfig: Path
    programs: Path
    endpoints: servers.Endpoints

    @classmethod
    def found(cls) -> "Surroundings":
        """What runs for this checkout; raises FileNotFoundError where nothing does."""
        place = steps.HERE
        state = servers.folder(place.state)
        if not place.kubeconfig.exists() or not (state / "endpoints.json").exists():
            raise FileNotFoundError("there is no cluster of this checkout: `make e2e`, or `python -m local up` first")
        endpoints = servers.Endpoints(**json.loads((state / "endpoints.json").read_text()))
        return cls(state=state, kubeconfig=place.kubeconfig, programs=place.programs, endpoints=endpoints)

    @property
    def authority(self) -> str:
        """PEM of the authority that signed local AWS's and local Keyspaces' certificates."""
        return (self.state / "ca.pem").read_text()

    def kubectl(self) -> Kubectl:
        """The cluster's administrator."""
        return Kubectl(program=self.programs / "kubectl", kubeconfig=self.kubeconfig)

    def aws_client(self, service: str, credentials: Credentials | None) -> BotoClient:
        """boto3 for local AWS."""
        endpoint = f"https://127.0.0.1:{self.endpoints.aws_port}"
        return boto_client(service, endpoint=endpoint, ca=self.state / "ca.pem", credentials=credentials)

    def administrator(self) -> Administrator:
        """Whoever sets up IAM; the cluster's OIDC provider is registered."""
        administrator = Administrator(self.aws_client("iam", Credentials.of_root(self.state)))
        administrator.trust_cluster(jwks.ISSUER)
        return administrator

    def aws_calls(self) -> list[dict[str, Any]]:
        """What AWS saw, oldest first."""
        return AdminClient.of_state(f"http://127.0.0.1:{self.endpoints.admin_port}", self.state).calls()

    @contextmanager
    def keyspaces(self) -> Iterator[Session]:
        """A login of the account's root, straight to local Keyspaces and past every agent."""
        context = ssl.create_default_context(cafile=str(self.state / "ca.pem"))
        profile = ExecutionProfile(
            load_balancing_policy=WhiteListRoundRobinPolicy([self.endpoints.gateway]),
            consistency_level=ConsistencyLevel.LOCAL_QUORUM,
            request_timeout=30,
        )
        cluster = Cluster(
            [self.endpoints.gateway],
            port=self.endpoints.keyspaces_port,
            ssl_context=context,
            ssl_options={"server_hostname": "keyspaces.keyward-local.svc"},
            auth_provider=SigV4(Credentials.of_root(self.state)),
            protocol_version=4,
            execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        )
        with cluster:
            yield cluster.connect()


def on_node(*command: str) -> str:
    """Run a program on the cluster's node, as whoever owns the machine may; returns its output."""
    done = subprocess.run(["docker", "exec", kind.NODE, *command], capture_output=True, check=True)
    return done.stdout.decode(errors="replace")
