"""Local AWS in this process: boto3 signs as it does for real, its requests reach the service without a network."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from moto.iam.models import iam_backends

from local.aws.authentication import Authenticator
from local.aws.calls import CallLog
from local.aws.client import Credentials
from local.aws.faults import Faults
from local.aws.iam import Iam
from local.aws.keyspaces import KeyspacesAccess
from local.aws.principals import Credential, new_secret, root_principal
from local.aws.service import Service
from local.aws.sessions import SessionRegistry
from local.aws.sigv4 import ReceivedRequest
from local.aws.store import IamStore
from local.aws.sts import Sts
from local.aws.web_identity import IssuerKeys

ACCOUNT = "111122223333"
ISSUER = "https://kubernetes.default.svc.cluster.local"
_BOTO = boto3.session.Session()
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/kubernetes.default.svc.cluster.local"
AGENT_SUBJECT = "system:serviceaccount:keyward-agents:payments.orders"


def policy(*statements: dict[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    """A statement of an identity policy."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def trust(principal: Any, *actions: str, **condition: Any) -> str:
    """A trust policy of one statement."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": list(actions) or ["sts:AssumeRole"]}
    return policy(statement | ({"Condition": condition} if condition else {}))


@dataclass
class Clock:
    """Starts at the true time, because botocore signs with it."""

    now: float = field(default_factory=time.time)

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Account:
    """All of local AWS but its listeners."""

    service: Service
    access: KeyspacesAccess
    clock: Clock
    root: Credentials
    keys: dict[str, RSAKey | ECKey]
    jwks: Path
    faults: Faults

    @property
    def store(self) -> IamStore:
        return self.access.store

    @property
    def calls(self) -> list[dict[str, Any]]:
        return self.access.calls.as_json()

    def client(self, service: str, credentials: Credentials | None, *, region: str = "us-east-1") -> Any:
        """A boto3 client whose requests end here."""
        client = _BOTO.client(
            service,
            region_name=region,
            config=Config(
                retries={"total_max_attempts": 1},
                parameter_validation=False,
                **({} if credentials else {"signature_version": UNSIGNED}),
            ),
            aws_access_key_id=credentials.access_key_id if credentials else None,
            aws_secret_access_key=credentials.secret_access_key if credentials else None,
            aws_session_token=credentials.session_token if credentials else None,
        )
        client.meta.events.register("before-send", self._send)
        return client

    @property
    def iam(self) -> Any:
        return self.client("iam", self.root)

    def user(self, name: str, *statements: dict[str, Any]) -> Credentials:
        """Makes an IAM user with a key and an inline policy."""
        self.iam.create_user(UserName=name)
        if statements:
            self.iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(*statements))
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return Credentials(access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"])

    def role(self, name: str, trusted: str, *statements: dict[str, Any], **more: Any) -> str:
        """Makes a role with an inline policy; returns its ARN."""
        made = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted, **more)
        if statements:
            self.iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*statements))
        arn: str = made["Role"]["Arn"]
        return arn

    def session(self, caller: Credentials, role: str, name: str = "session", **more: Any) -> Credentials:
        """Assumes a role."""
        response = self.client("sts", caller).assume_role(RoleArn=role, RoleSessionName=name, **more)
        return Credentials.of_response(response)

    def token(self, *, key: str = "rsa", algorithm: str = "RS256", kid: str | None = None, **claims: Any) -> str:
        """A ServiceAccount token as Kubernetes makes them; a claim given as None is left out."""
        now = int(self.clock())
        body = {
            "iss": ISSUER,
            "sub": AGENT_SUBJECT,
            "aud": ["sts.amazonaws.com"],
            "iat": now,
            "nbf": now,
            "exp": now + 600,
        } | claims
        body = {name: value for name, value in body.items() if value is not None}
        header = {"alg": algorithm, "kid": kid or key}
        return jwt.encode(header, body, self.keys[key], algorithms=[algorithm])

    def _send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        answer = self.service.answer(received(request))
        return AWSResponse(request.url, answer.status, {"content-type": "text/xml"}, _Raw(answer.body.encode()))


class _Raw:
    """What botocore reads a response from."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> Iterator[bytes]:
        yield self._content


def received(request: Any) -> ReceivedRequest:
    """A prepared request of botocore, as it would arrive."""
    head, _, query = request.url.partition("?")
    host, _, path = head.removeprefix("https://").partition("/")
    headers = [(name, value.decode() if isinstance(value, bytes) else value) for name, value in request.headers.items()]
    if not any(name.lower() == "host" for name, _ in headers):
        headers.append(("Host", host))
    body = request.body or b""
    return ReceivedRequest(
        method=request.method,
        path=f"/{path}",
        query=query,
        headers=headers,
        body=body if isinstance(body, bytes) else body.encode(),
    )


def _empty_store(clock: Clock) -> IamStore:
    """moto keeps one IAM per account and process, and is slow to read AWS's managed policies again."""
    store = IamStore(ACCOUNT, clock=clock)
    backend = iam_backends[ACCOUNT]["aws"]
    for entities in (backend.roles, backend.users, backend.groups, backend.open_id_providers):
        entities.clear()
    for arn in [arn for arn in backend.managed_policies if f"::{ACCOUNT}:" in arn]:
        del backend.managed_policies[arn]
    return store


@pytest.fixture(scope="session")
def signing_keys() -> dict[str, RSAKey | ECKey]:
    """Of the cluster (`rsa`, `ec`) and of somebody else."""
    return {
        "rsa": RSAKey.generate_key(2048, {"kid": "rsa"}),
        "ec": ECKey.generate_key("P-256", {"kid": "ec"}),
        "stranger": RSAKey.generate_key(2048, {"kid": "rsa"}),
    }


@pytest.fixture
def account(signing_keys: dict[str, RSAKey | ECKey], tmp_path: Path) -> Account:
    """An empty account with the cluster's keys at hand."""
    jwks = tmp_path / "jwks.json"
    jwks.write_text(json.dumps(KeySet([signing_keys["rsa"], signing_keys["ec"]]).as_dict(private=False)))
    clock, sessions, calls, faults = Clock(), SessionRegistry(), CallLog(), Faults()
    store = _empty_store(clock)
    root = Credential(
        access_key_id="AKIAROOTROOTROOTROOT", secret_access_key=new_secret(), principal=root_principal(ACCOUNT)
    )
    authenticator = Authenticator(root=root, store=store, sessions=sessions, region="us-east-1")
    service = Service(
        authenticator=authenticator,
        sts=Sts(account=ACCOUNT, store=store, sessions=sessions, keys=IssuerKeys({ISSUER: jwks})),
        iam=Iam(account=ACCOUNT, store=store, faults=faults),
        calls=calls,
        faults=faults,
        clock=clock,
    )
    return Account(
        service=service,
        access=KeyspacesAccess(authenticator=authenticator, store=store, calls=calls, clock=clock),
        clock=clock,
        root=Credentials(access_key_id=root.access_key_id, secret_access_key=root.secret_access_key),
        keys=signing_keys,
        jwks=jwks,
        faults=faults,
    )


@pytest.fixture
def federated(account: Account) -> Account:
    """The account with the cluster's OIDC provider and the role `agent` for one ServiceAccount."""
    account.iam.create_open_id_connect_provider(
        Url=ISSUER, ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40]
    )
    issuer = ISSUER.removeprefix("https://")
    account.role(
        "agent",
        trust(
            {"Federated": PROVIDER},
            "sts:AssumeRoleWithWebIdentity",
            StringEquals={f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": AGENT_SUBJECT},
        ),
        allow(["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]),
    )
    return account


@pytest.fixture
def refused() -> Callable[[Callable[[], Any]], tuple[str, int, str]]:
    """Makes a call that must fail; returns its code, HTTP status and message."""
    from botocore.exceptions import ClientError

    def call(action: Callable[[], Any]) -> tuple[str, int, str]:
        with pytest.raises(ClientError) as caught:
            action()
        error = caught.value.response["Error"]
        return error["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"], error["Message"]

    return call
