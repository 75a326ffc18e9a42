"""AssumeRole by boto3, in threads, with its refusals put into words.

boto3 finds the agent's own credentials by its standard chain (on EKS: the web identity that the webhook injects,
whose token file it reads again at each refresh) and honours the standard settings AWS_ENDPOINT_URL_STS and
AWS_CA_BUNDLE. In a pod nothing is asked of AWS before the identity is known to be injected: the chain would
end at the node's own role. Outside Kubernetes the chain's end is what is wanted: the role of the machine.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from keyward_api.names import Reason
from keyward_proxy.aws.credentials import AssumeRoleRequest, Credentials
from keyward_proxy.aws.errors import AWSError, IdentityNotInjected
from keyward_proxy.session.secret import Secret

THREADS = 8
T = TypeVar("T")

TOKEN_FILE = "AWS_WEB_IDENTITY_TOKEN_FILE"  # noqa: S105  (the name of a setting, not a password)
ROLE_ARN = "AWS_ROLE_ARN"

_OUTAGES = frozenset({"IDPCommunicationError", "InternalFailure", "ServiceUnavailable"})
_THROTTLES = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"})


class SecurityTokenService(Protocol):
    """Gives credentials; every method raises AWSError."""

    async def assume_role(self, request: AssumeRoleRequest) -> Credentials:
        """Credentials of the role, for one session name."""

    async def caller_identity(self, region: str) -> str:
        """The agent's own ARN, as STS of this region tells it."""


def require_injected_identity(environment: Mapping[str, str] = os.environ) -> None:
    """Raises IdentityNotInjected unless the pod identity webhook gave this pod a role and a token."""
    missing = [name for name in (ROLE_ARN, TOKEN_FILE) if not environment.get(name)]
    if missing:
        raise IdentityNotInjected(
            f"{' and '.join(missing)} not set: the EKS pod identity webhook did not change this pod; check the "
            "annotation eks.amazonaws.com/role-arn of its ServiceAccount, then delete the pod"
        )
    if not Path(environment[TOKEN_FILE]).is_file():
        raise IdentityNotInjected(f"{TOKEN_FILE} names {environment[TOKEN_FILE]}, which does not exist")


def any_identity() -> None:
    """Whatever the chain finds will do; that it finds nothing shows when it is asked, see `BotoSTS.check_identity`."""


class BotoSTS:
    """STS by boto3."""

    def __init__(self, *, required: Callable[[], None] = require_injected_identity) -> None:
        """`required` raises IdentityNotInjected where the chain must not even be asked."""
        self._required = required
        self._missing: IdentityNotInjected | None = None
        self._clients: dict[str, Any] = {}
        self._making = threading.Lock()
        self._threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="sts")

    def close(self) -> None:
        """Let calls under way end and take no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def check_identity(self) -> None:
        """Raises IdentityNotInjected while there is no identity, as far as is known without asking."""
        self._required()
        if self._missing:
            raise self._missing

    async def assume_role(self, request: AssumeRoleRequest) -> Credentials:
        """See `SecurityTokenService.assume_role`."""
        answer = await self._call(request.region, lambda client: client.assume_role(**_parameters(request)), request)
        found = answer["Credentials"]
        return Credentials(
            access_key_id=found["AccessKeyId"],
            secret_access_key=Secret(found["SecretAccessKey"]),
            session_token=Secret(found["SessionToken"]),
            expires=found["Expiration"].timestamp(),
        )

    async def caller_identity(self, region: str) -> str:
        """See `SecurityTokenService.caller_identity`."""
        answer = await self._call(region, lambda client: client.get_caller_identity(), None)
        return str(answer["Arn"])

    async def _call(self, region: str, call: Callable[[Any], T], request: AssumeRoleRequest | None) -> T:
        self._required()
        loop = asyncio.get_running_loop()
        try:
            client = await loop.run_in_executor(self._threads, self._client, region)
            self._missing = None
            return await loop.run_in_executor(self._threads, call, client)
        except NoCredentialsError as error:
            self._missing = IdentityNotInjected(
                "boto3 found no AWS credentials for this agent: give the machine an instance profile (its metadata "
                "service must be reachable from here), or set AWS_PROFILE, AWS_WEB_IDENTITY_TOKEN_FILE with "
                "AWS_ROLE_ARN, or AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY"
            )
            raise self._missing from error
        except ClientError as error:
            raise _refused(error, request) from error
        except BotoCoreError as error:
            raise AWSError(f"STS did not answer: {error}; try again", reason=Reason.STS_UNAVAILABLE) from error

    def _client(self, region: str) -> Any:  # noqa: ANN401  (boto3 makes client classes at run time)
        with self._making:  # boto3's sessions are not thread-safe, its clients are
            if region not in self._clients:
                config = Config(
                    connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}
                )
                session = boto3.session.Session(region_name=region)
                if session.get_credentials() is None:
                    raise NoCredentialsError  # A client made without credentials would never look for them again.
                self._clients[region] = session.client("sts", config=config)
            return self._clients[region]


def _refused(error: ClientError, request: AssumeRoleRequest | None) -> AWSError:
    details = error.response.get("Error", {})
    code, said = details.get("Code", "Unknown"), details.get("Message", "no message")
    own_role = os.environ.get(ROLE_ARN, "the agent's role")
    if code in _THROTTLES:
        return AWSError(f"STS limits the rate of calls ({code}); try again", reason=Reason.STS_THROTTLED)
    if code in _OUTAGES or error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
        return AWSError(f"STS could not answer: {code}: {said}; try again", reason=Reason.STS_UNAVAILABLE)
    if error.operation_name == "AssumeRoleWithWebIdentity" and code == "InvalidIdentityToken":
        return AWSError(
            f"AWS does not take the agent's web identity for {own_role}: {code}: {said}. The account of that role "
            "needs an IAM OIDC provider for the issuer of the cluster's tokens, with the client ID sts.amazonaws.com",
            reason="WebIdentityDenied",
        )
    if error.operation_name == "AssumeRoleWithWebIdentity":
        return AWSError(
            f"AWS refused the agent's own web identity for {own_role}: {code}: {said}. Its trust policy must allow "
            "sts:AssumeRoleWithWebIdentity to the agent's ServiceAccount: status.identity.agentTrustPolicy of the "
            "KeyspacesDatabase is the policy to set",
            reason="WebIdentityDenied",
        )
    if code == "AccessDenied" and request is not None:
        return AWSError(
            f"AWS does not let the agent assume {request.role_arn}. The role's trust policy must allow sts:AssumeRole "
            f"(with the condition sts:ExternalId = '{request.external_id}'), sts:SetSourceIdentity and sts:TagSession "
            f"to {own_role}, and that role's own policy must allow these three on {request.role_arn}. "
            f"STS said: {said}",
            reason="AccessDenied",
        )
    return AWSError(f"STS refused: {code}: {said}", reason=code)


def _parameters(request: AssumeRoleRequest) -> dict[str, Any]:
    return {
        "RoleArn": request.role_arn,
        "RoleSessionName": request.session_name,
        "SourceIdentity": request.session_name,
        "Tags": [{"Key": key, "Value": value} for key, value in request.tags],
        "ExternalId": request.external_id,
        "Policy": request.policy,
        "DurationSeconds": request.duration_seconds,
    }
