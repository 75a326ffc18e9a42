"""Whether each granted role can be assumed: tried once for every policy revision, refusals again and again.

A trial asks for exactly what a login asks for, in the agent's own name and with a session policy that denies
everything: the credentials are of no use, and AWS' answer is that which callers would get. Refusals are tried again
since trust policies are mended without a change of the policy here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from keyward_api.canonical import canonical_json
from keyward_api.iam import POLICY_VERSION, SESSION_TAGS
from keyward_api.identities import session_name
from keyward_api.resources.policy import KeyspacesPolicySpec, RoleReport, reported_roles
from keyward_proxy.aws.credentials import AssumeRoleRequest
from keyward_proxy.aws.errors import AWSError
from keyward_proxy.aws.sts import SecurityTokenService

logger = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 1.0
MAXIMUM_RETRY_SECONDS = 30.0
"""Refusals are tried again after 1, 2, 4, ... 30 s: roles are often made just after the database."""

AT_ONCE = 4
REASON_LIMIT = 1024
DENY_EVERYTHING = canonical_json(
    {"Version": POLICY_VERSION, "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
)
MINIMUM_DURATION_SECONDS = 900


class RoleTrials:
    """Tries roles, and remembers how that went."""

    def __init__(self, *, sts: SecurityTokenService, pod: str, on_change: Callable[[], None]) -> None:
        self._sts = sts
        self._pod = pod
        self._on_change = on_change
        self._policy: KeyspacesPolicySpec | None = None
        self._wake = asyncio.Event()
        self._settled: set[tuple[str, str]] = set()
        """Revision and role: tried and found assumable."""
        self.identity = ""
        """The agent's own ARN, once STS told it."""
        self.reports: dict[str, RoleReport] = {}
        """By short name of the role."""

    def begin(self, policy: KeyspacesPolicySpec) -> None:
        """A new revision: every role that it names is to be tried."""
        self._policy = policy
        self._wake.set()

    async def run(self) -> None:
        """Try what is to be tried, until cancelled."""
        retry = FIRST_RETRY_SECONDS
        while True:
            self._wake.clear()
            if self._policy:
                await self._try_all(self._policy)
            settled = self.identity and all(report.assumable for report in self.reports.values())
            try:
                async with asyncio.timeout(None if settled or not self._policy else retry):
                    await self._wake.wait()
                retry = FIRST_RETRY_SECONDS
            except TimeoutError:
                retry = min(2 * retry, MAXIMUM_RETRY_SECONDS)

    async def _try_all(self, policy: KeyspacesPolicySpec) -> None:
        await self._learn_identity(policy.database.region)
        arns = reported_roles(policy.grants)
        slots = asyncio.Semaphore(AT_ONCE)

        async def attempt(name: str) -> None:
            async with slots:
                self.reports[name] = await self._try(name, arns[name], policy)
                if self.reports[name].assumable:
                    self._settled.add((policy.revision, name))

        async with asyncio.TaskGroup() as group:
            for name in arns:
                if (policy.revision, name) not in self._settled:
                    group.create_task(attempt(name))
        self._settled = {(policy.revision, name) for name in arns if (policy.revision, name) in self._settled}
        self.reports = {name: self.reports[name] for name in arns}
        self._on_change()

    async def _learn_identity(self, region: str) -> None:
        if self.identity:
            return
        try:
            self.identity = await self._sts.caller_identity(region)
        except AWSError as error:
            logger.warning("own AWS identity not known", extra={"reason": error.reason, "error": str(error)})

    async def _try(self, name: str, arn: str, policy: KeyspacesPolicySpec) -> RoleReport:
        try:
            await self._sts.assume_role(self._request(arn, policy))
        except AWSError as error:
            logger.warning("role not assumable", extra={"roleARN": arn, "reason": error.reason, "error": str(error)})
            return RoleReport(db_user=name, assumable=False, reason=f"{error.reason}: {error}"[:REASON_LIMIT])
        return RoleReport(db_user=name, assumable=True)

    def _request(self, arn: str, policy: KeyspacesPolicySpec) -> AssumeRoleRequest:
        database = policy.database
        values = (database.namespace, database.name, self._pod)
        return AssumeRoleRequest(
            region=database.region,
            role_arn=arn,
            session_name=session_name(self._pod),
            tags=tuple(zip(SESSION_TAGS, values, strict=True)),
            external_id=database.external_id,
            policy=DENY_EVERYTHING,
            duration_seconds=MINIMUM_DURATION_SECONDS,
        )
