"""Carries out what plans ask of IAM, and reads what they are made from."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from keyward_api.iam import parse_role_arn
from keyward_operator.clients.iam_api import IamApi
from keyward_operator.clients.iam_errors import (
    IamAccessDeniedError,
    IamError,
    IamIdentityError,
    IamNameTakenError,
    IamNotFoundError,
    IamUnavailableError,
)
from keyward_operator.iam.calls import Aspect, IamCall, Trouble
from keyward_operator.iam.role_state import Account, RoleState
from keyward_operator.plan.iam_role.observed import DatabaseUse
from keyward_operator.tasks import first_error

_PASSING = (IamNotFoundError, IamNameTakenError)
"""IAM said before that the role exists, or that it does not: the answers come from places that do not agree yet."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What IAM told of a role."""

    account: Account | None
    role: RoleState | None
    unreadable: Trouble | None


class IamExecutor:
    """Works on roles of the operator's own account. What may work later raises IamUnavailableError."""

    def __init__(self, api: IamApi) -> None:
        self._api = api

    async def read(self, *, role_name: str, account_id: str, documents: bool) -> Reading:
        """Look at a role, if it is in the operator's account; see IamApi.role for `documents`."""
        account = None
        try:
            account = await self._api.account()
            role = None
            if account.account_id == account_id:
                role = await self._api.role(role_name, documents=documents)
        except (IamAccessDeniedError, IamIdentityError) as error:
            trouble = _trouble(Aspect.EXISTENCE, error)
            return Reading(account=account, role=None, unreadable=trouble)
        return Reading(account=account, role=role, unreadable=None)

    async def look_for_agent_roles(self, uses: Iterable[DatabaseUse], account: Account) -> tuple[DatabaseUse, ...]:
        """The uses, with whether their agents' own roles exist: they do where IAM does not tell, on another account."""
        with first_error():
            async with asyncio.TaskGroup() as group:
                tasks = {use: group.create_task(self._agent_role_exists(use, account)) for use in uses}
        return tuple(replace(use, agent_role_exists=task.result()) for use, task in tasks.items())

    async def provider_exists(self, arn: str) -> bool:
        """Whether an OIDC provider is registered: it is where IAM does not tell."""
        try:
            return await self._api.provider_exists(arn)
        except IamAccessDeniedError:
            return True

    async def carry_out(
        self, calls: Iterable[IamCall], *, did: Callable[[str], None] = logger.info
    ) -> tuple[Trouble, ...]:
        """Try every call; what was refused. `did` is told of each that worked."""
        troubles = []
        for call in calls:
            try:
                await self._api.perform(call)
            except IamUnavailableError:
                raise
            except IamError as error:
                logger.warning("IAM refused %s of %s: %s", call.operation, call.parameters["RoleName"], error)
                troubles.append(_trouble(call.aspect, error))
            else:
                did(f"IAM role {call.parameters['RoleName']}: {call.says}")
        return tuple(troubles)

    async def _agent_role_exists(self, use: DatabaseUse, account: Account) -> bool:
        agent = parse_role_arn(use.agent_role_arn)
        if (agent.partition, agent.account_id) != (account.partition, account.account_id):
            return True
        try:
            return await self._api.role_exists(agent.name, use.agent_role_arn)
        except IamAccessDeniedError:
            return True


def _trouble(aspect: Aspect, error: IamError) -> Trouble:
    return Trouble(aspect=aspect, reason=error.reason, message=str(error), passes=isinstance(error, _PASSING))
