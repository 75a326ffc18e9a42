"""Local AWS and local Keyspaces as processes on 127.0.0.1, as tests use them."""

import contextlib
import json
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from cassandra import ConsistencyLevel
from cassandra.auth import AuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, Session
from cassandra.policies import FallthroughRetryPolicy, WhiteListRoundRobinPolicy
from cassandra_sigv4.auth import SigV4Authenticator, SigV4AuthProvider

from local.aws.client import REGION, AdminClient, BotoClient, Credentials, boto_client
from local.certificates import LocalCertificates, ensure
from local.keyspaces.configuration import LOG

ADDRESS = "127.0.0.1"
ACCOUNT = "111122223333"
ISSUER = "https://kubernetes.default.svc.cluster.local"
ARN = f"arn:aws:cassandra:{REGION}:{ACCOUNT}:/keyspace/"

Statement = Mapping[str, Any]


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        port: int = probe.getsockname()[1]
        return port


def allow(actions: str | list[str], resources: str | list[str]) -> Statement:
    """A statement of a policy."""
    return {"Effect": "Allow", "Action": actions, "Resource": resources}


def policy(*statements: Statement) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


TO_CONNECT = allow("cassandra:Select", f"{ARN}system*")
"""What every driver needs."""


@dataclass(kw_only=True, slots=True)
class Program:
    """A Python program in a process of its own, its output in a file."""

    command: tuple[str, ...]
    output: Path
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Start it and wait until `ready`; a process that is not, in time, is ended."""
        with self.output.open("wb") as output:
            self.process = subprocess.Popen([sys.executable, *self.command], stdout=output, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + seconds
        while not ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"{self.command[:2]} did not start:\n{self.output.read_text()[-3000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it by SIGTERM."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalAws:
    """STS and IAM."""

    program: Program
    state: Path
    url: str
    """Of the public APIs."""
    admin_url: str
    certificates: LocalCertificates
    jwks: Path
    """The keys of ISSUER; whoever mints web identity tokens writes this file."""
    root: Credentials
    """May do everything in the account, but not assume roles."""
    iam: BotoClient
    """Root's; made once, because boto3 takes its time for it."""

    @classmethod
    def start(cls, state: Path) -> "LocalAws":
        """Start it and wait until it answers."""
        public, admin = f"{ADDRESS}:{free_port()}", f"{ADDRESS}:{free_port()}"
        certificates, jwks = ensure(state), state / "jwks.json"
        options = ["--state", str(state), "--listen", public, "--admin", admin, "--oidc", f"{ISSUER}={jwks}"]
        program = Program(command=("-m", "local.aws", *options), output=state / "aws.log")
        program.start(AdminClient(f"http://{admin}", "").healthz, seconds=240)
        root = Credentials.of_root(state)
        return cls(
            program=program,
            state=state,
            url=f"https://{public}",
            admin_url=f"http://{admin}",
            certificates=certificates,
            jwks=jwks,
            root=root,
            iam=boto_client("iam", endpoint=f"https://{public}", ca=certificates.ca, credentials=root),
        )

    def stop(self) -> None:
        """End the process."""
        self.program.stop()

    @property
    def admin(self) -> AdminClient:
        """The admin API."""
        return AdminClient.of_state(self.admin_url, self.state)

    def client(self, service: str, credentials: Credentials | None) -> BotoClient:
        """A boto3 client of `iam` or `sts`."""
        return boto_client(service, endpoint=self.url, ca=self.certificates.ca, credentials=credentials)

    def user(self, name: str, *statements: Statement) -> Credentials:
        """A new IAM user with these rights and its access key."""
        self.iam.create_user(UserName=name)
        self.set_policy(name, *statements)
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return Credentials(access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"])

    def set_policy(self, user: str, *statements: Statement) -> None:
        """Replace all the rights of a user."""
        self.iam.put_user_policy(UserName=user, PolicyName="test", PolicyDocument=policy(*statements))


class SigV4(SigV4AuthProvider):  # type: ignore[misc] # untyped package
    """AWS's own plug-in, around its one fault.

    It rounds milliseconds up to 1000 in the last half millisecond of a second, and signs a date that is none.
    """

    def __init__(self, credentials: Credentials) -> None:
        super().__init__(
            boto3.Session(
                aws_access_key_id=credentials.access_key_id,
                aws_secret_access_key=credentials.secret_access_key,
                aws_session_token=credentials.session_token,
                region_name=REGION,
            )
        )

    def new_authenticator(self, host: object) -> SigV4Authenticator:
        """For one connection."""
        return _Careful(self.session)


class _Careful(SigV4Authenticator):  # type: ignore[misc] # untyped package
    def evaluate_challenge(self, challenge: bytes) -> object:
        while datetime.now(UTC).microsecond >= 990_000:
            continue
        return super().evaluate_challenge(challenge)


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalKeyspaces:
    """A Cassandra that behaves as Amazon Keyspaces."""

    program: Program
    aws: LocalAws
    state: Path
    port: int

    @classmethod
    def start(cls, state: Path, aws: LocalAws, *init_cql: Path) -> "LocalKeyspaces":
        """Start it and wait until clients can log in."""
        port = free_port()
        options = {
            "--state": state,
            "--listen": ADDRESS,
            "--port": port,
            "--aws-admin": aws.admin_url,
            "--aws-admin-token-file": aws.state / "admin-token",
            "--certificate": aws.certificates.keyspaces_cert,
            "--key": aws.certificates.keyspaces_key,
        }
        arguments = [str(word) for option in options.items() for word in option]
        arguments += [word for path in init_cql for word in ("--init-cql", str(path))]
        program = Program(command=("-m", "local.keyspaces", *arguments), output=state / "keyspaces.log")
        keyspaces = cls(program=program, aws=aws, state=state, port=port)
        keyspaces.begin()
        return keyspaces

    def begin(self) -> None:
        """Start the process, again after `stop`: on the same port, with the same data."""
        self.program.start(lambda: "local keyspaces is ready" in self.program.output.read_text(), seconds=240)

    def stop(self) -> None:
        """End the process by SIGTERM."""
        self.program.stop()

    @property
    def log(self) -> Path:
        """Cassandra's."""
        return self.state / LOG

    def tls(self) -> ssl.SSLContext:
        """Trusts the local CA, checks names."""
        return ssl.create_default_context(cafile=str(self.aws.certificates.ca))

    def cluster(
        self,
        provider: AuthProvider,
        *,
        consistency: int = ConsistencyLevel.LOCAL_QUORUM,
        negotiate: bool = False,
    ) -> Cluster:
        """A driver that stays on this address and takes each refusal as final.

        With `negotiate` it finds the protocol version and reads the schema, as drivers do that are told nothing.
        """
        haste = {} if negotiate else {"protocol_version": 4, "schema_metadata_enabled": False}
        profile = ExecutionProfile(
            load_balancing_policy=WhiteListRoundRobinPolicy([ADDRESS]),
            retry_policy=FallthroughRetryPolicy(),
            consistency_level=consistency,
            request_timeout=20,
        )
        return Cluster(
            [ADDRESS],
            port=self.port,
            auth_provider=provider,
            ssl_context=self.tls(),
            ssl_options={"server_hostname": ADDRESS},
            execution_profiles={EXEC_PROFILE_DEFAULT: profile},
            connect_timeout=20,
            control_connection_timeout=20,
            **haste,
        )

    @contextlib.contextmanager
    def session(
        self, credentials: Credentials, *, consistency: int = ConsistencyLevel.LOCAL_QUORUM
    ) -> Iterator[Session]:
        """Log in with AWS's plug-in; the connection ends with the block."""
        with self.cluster(SigV4(credentials), consistency=consistency) as cluster:
            yield cluster.connect()
