"""IAM by boto3, in threads.

boto3 finds the operator's identity by its standard chain and honours the standard settings (AWS_ENDPOINT_URL_IAM,
AWS_CA_BUNDLE, ...). In a pod without an identity of its own the chain would end at the node's role: nothing is asked of
AWS unless an identity is set up. boto3 is imported at the first call: an operator that the platform keeps out of IAM
does without its memory.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self, TypeVar

from keyward_operator import metrics
from keyward_operator.clients.iam_errors import (
    IamAccessDeniedError,
    IamIdentityError,
    IamNotFoundError,
    IamUnavailableError,
    refusal,
)
from keyward_operator.iam.calls import IamCall
from keyward_operator.iam.role_state import Account, RoleState

THREADS = 2
"""IAM limits the rate of calls: more at once would only wait longer."""

ATTEMPTS = 3
"""Of one call, by boto3 with its own backoff; then the work queue's begins."""

_IDENTITIES = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
)
_REMOVALS = ("delete_role", "delete_role_policy", "detach_role_policy", "untag_role")
_LAST_REMOVALS = ("delete_role", "untag_role")
T = TypeVar("T")


class IamApi:
    """The IAM of the operator's own account. Every call raises IamError."""

    def __init__(self, *, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment
        self._making = threading.Lock()
        self._clients: dict[str, Any] = {}
        self._threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="iam")
        self._account: Account | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let calls under way end and take no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def account(self) -> Account:
        """The operator's own account, asked for once."""
        if self._account is None:
            answer = await self._run("sts", "get_caller_identity", lambda client: client.get_caller_identity())
            self._account = Account(partition=answer["Arn"].split(":")[1], account_id=answer["Account"])
        return self._account

    async def role(self, name: str, *, documents: bool) -> RoleState | None:
        """A role; None where there is none. `documents`: with those of its attached policies and boundary."""

        def read(client: Any) -> RoleState:  # noqa: ANN401 - boto3's clients have no types
            return _read_role(client, name, documents=documents)

        try:
            return await self._run("iam", "read_role", read)
        except IamNotFoundError:
            return None

    async def role_exists(self, name: str, arn: str) -> bool:
        """Whether there is a role of that name with that very ARN."""
        try:
            answer = await self._run("iam", "get_role", lambda client: client.get_role(RoleName=name))
        except IamNotFoundError:
            return False
        return bool(answer["Role"]["Arn"] == arn)

    async def role_names(self, path: str) -> list[str]:
        """Names of all roles below a path."""
        roles = await self._run(
            "iam", "list_roles", lambda client: _all(client, "list_roles", "Roles", PathPrefix=path)
        )
        return [str(role["RoleName"]) for role in roles]

    async def role_tags(self, name: str) -> dict[str, str] | None:
        """The tags of a role; None where there is none."""
        try:
            answer = await self._run("iam", "get_role", lambda client: client.get_role(RoleName=name))
        except IamNotFoundError:
            return None
        return _tags(answer["Role"])

    async def provider_exists(self, arn: str) -> bool:
        """Whether an OIDC provider is registered in the account."""
        try:
            await self._run(
                "iam",
                "get_open_id_connect_provider",
                lambda client: client.get_open_id_connect_provider(OpenIDConnectProviderArn=arn),
            )
        except IamNotFoundError:
            return False
        return True

    async def perform(self, call: IamCall) -> None:
        """Make a change. What is to be removed and is gone was removed, by a call whose answer was lost."""
        try:
            await self._run("iam", call.operation, lambda client: getattr(client, call.operation)(**call.parameters))
        except IamNotFoundError:
            if call.operation not in _REMOVALS:
                raise
        except IamAccessDeniedError:
            if not await self._has_let_go(call):
                raise

    async def _has_let_go(self, call: IamCall) -> bool:
        """Whether the role is gone, or the tags that were to go: rights that go by tags end with them."""
        if call.operation not in _LAST_REMOVALS:
            return False
        tags = await self.role_tags(call.parameters["RoleName"])
        return tags is None or (call.operation == "untag_role" and tags.keys().isdisjoint(call.parameters["TagKeys"]))

    async def _run(self, service: str, operation: str, work: Callable[[Any], T]) -> T:
        """Measured as one call: some operations are several of AWS', and boto3 tries each again."""
        begin, outcome = time.monotonic(), "error"
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._threads, self._in_thread, service, work)
            outcome = "success"
        finally:
            labels = metrics.CALL_SECONDS.labels(service=service, operation=operation, outcome=outcome)
            labels.observe(time.monotonic() - begin)
        return found

    def _in_thread(self, service: str, work: Callable[[Any], T]) -> T:
        self._require_identity()
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

        try:
            return work(self._client(service))
        except ClientError as error:
            raise refusal(error.response, error.operation_name) from error
        except NoCredentialsError as error:
            raise IamIdentityError("boto3 found no credentials for the operator where it was told to look") from error
        except NoRegionError as error:
            raise IamIdentityError("the operator is told no AWS region: set AWS_REGION for it (`extraEnv`)") from error
        except BotoCoreError as error:
            raise IamUnavailableError(f"AWS did not answer: {error}") from error

    def _require_identity(self) -> None:
        if not any(self._environment.get(name) for name in _IDENTITIES):
            raise IamIdentityError(
                "the operator has no AWS identity: annotate its ServiceAccount with eks.amazonaws.com/role-arn, and "
                "restart it"
            )

    def _client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes client classes at run time
        import boto3
        from botocore.config import Config

        with self._making:  # boto3's sessions are not thread-safe, its clients are
            if service not in self._clients:
                retries = {"mode": "standard", "total_max_attempts": ATTEMPTS}
                config = Config(connect_timeout=3, read_timeout=10, retries=retries, max_pool_connections=THREADS)
                # boto3 itself knows the second name only, and EKS' agents and webhook give one or the other.
                region = self._environment.get("AWS_REGION") or self._environment.get("AWS_DEFAULT_REGION")
                self._clients[service] = boto3.session.Session(region_name=region).client(service, config=config)
            return self._clients[service]


def _read_role(client: Any, name: str, *, documents: bool) -> RoleState:  # noqa: ANN401 - boto3's clients have no types
    role = client.get_role(RoleName=name)["Role"]
    inline = _all(client, "list_role_policies", "PolicyNames", RoleName=name)
    attached = [p["PolicyArn"] for p in _all(client, "list_attached_role_policies", "AttachedPolicies", RoleName=name)]
    boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    wanted = [*attached, *([boundary] if boundary else [])] if documents else []
    return RoleState(
        name=name,
        arn=role["Arn"],
        path=role["Path"],
        description=role.get("Description", ""),
        max_session_seconds=role["MaxSessionDuration"],
        tags=_tags(role),
        boundary=boundary,
        trust=role["AssumeRolePolicyDocument"],
        inline={p: client.get_role_policy(RoleName=name, PolicyName=p)["PolicyDocument"] for p in inline},
        attached=frozenset(attached),
        managed={arn: _managed(client, arn) for arn in wanted},
    )


def _tags(role: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in role.get("Tags", ())}


def _managed(client: Any, arn: str) -> Any:  # noqa: ANN401 - boto3's clients have no types
    version = client.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return client.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]


def _all(client: Any, operation: str, member: str, **parameters: str) -> list[Any]:  # noqa: ANN401 - as above
    pages = client.get_paginator(operation).paginate(**parameters)
    return [item for page in pages for item in page[member]]
