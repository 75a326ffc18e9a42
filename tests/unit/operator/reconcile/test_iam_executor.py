from typing import Any, cast

import pytest

from keyward_operator.clients.iam_api import IamApi
from keyward_operator.clients.iam_errors import (
    IamAccessDeniedError,
    IamError,
    IamIdentityError,
    IamNameTakenError,
    IamUnavailableError,
)
from keyward_operator.iam import calls
from keyward_operator.iam.calls import Aspect, IamCall
from keyward_operator.iam.role_state import Account, RoleState
from keyward_operator.reconcile.iam_executor import IamExecutor
from tests.unit.operator.iam_roles import ACCOUNT, AGENT, role, use

HERE = Account(partition="aws", account_id=ACCOUNT)


class Iam:
    """IAM that answers as it is told to."""

    def __init__(self, **refusals: IamError) -> None:
        self._refusals = refusals
        self.asked: list[str] = []

    def _answer(self, operation: str) -> None:
        self.asked.append(operation)
        if operation in self._refusals:
            raise self._refusals[operation]

    async def account(self) -> Account:
        self._answer("account")
        return HERE

    async def role(self, name: str, *, documents: bool) -> RoleState:
        self._answer("role")
        return role(name=name)

    async def role_exists(self, name: str, arn: str) -> bool:
        self._answer("role_exists")
        return arn == AGENT

    async def perform(self, call: IamCall) -> None:
        self._answer(call.operation)


def executor(iam: Iam) -> IamExecutor:
    return IamExecutor(cast(IamApi, iam))


async def test_a_role_of_another_account_is_not_asked_for() -> None:
    iam = Iam()
    reading = await executor(iam).read(role_name="r", account_id="9" * 12, documents=False)
    assert (reading.account, reading.role, reading.unreadable) == (HERE, None, None)
    assert iam.asked == ["account"]


@pytest.mark.parametrize(
    ("refusals", "account", "reason"),
    [
        ({"role": IamAccessDeniedError("no")}, HERE, "AccessDenied"),
        ({"account": IamIdentityError("no")}, None, "NoAWSIdentity"),
    ],
)
async def test_what_cannot_be_read_is_told(refusals: dict[str, Any], account: Account | None, reason: str) -> None:
    reading = await executor(Iam(**refusals)).read(role_name="r", account_id=ACCOUNT, documents=False)
    assert (reading.account, reading.role) == (account, None)
    assert reading.unreadable is not None
    assert (reading.unreadable.reason, reading.unreadable.message) == (reason, "no")


async def test_every_call_is_tried_and_each_refusal_told() -> None:
    iam = Iam(put_role_policy=IamAccessDeniedError("not that"), create_role=IamNameTakenError("taken"))
    steps = [
        calls.put_policy("r", "{}"),
        IamCall(operation="create_role", parameters={"RoleName": "r"}, aspect=Aspect.EXISTENCE, says=""),
        calls.set_trust("r", "{}"),
    ]
    troubles = await executor(iam).carry_out(steps)
    assert iam.asked == ["put_role_policy", "create_role", "update_assume_role_policy"]
    assert [(t.aspect, t.reason, t.message, t.passes) for t in troubles] == [
        (Aspect.PERMISSIONS, "AccessDenied", "not that", False),
        (Aspect.EXISTENCE, "NameTaken", "taken", True),
    ]


async def test_what_may_work_later_ends_the_attempt() -> None:
    iam = Iam(put_role_policy=IamUnavailableError("Rate exceeded"))
    with pytest.raises(IamUnavailableError):
        await executor(iam).carry_out([calls.put_policy("r", "{}"), calls.set_trust("r", "{}")])
    assert iam.asked == ["put_role_policy"]


async def test_agents_roles_are_looked_for_where_iam_can_tell() -> None:
    elsewhere = AGENT.replace(ACCOUNT, "9" * 12)
    uses = (use("a"), use("b", agent_role_arn=f"{AGENT}-2"), use("c", agent_role_arn=elsewhere))
    found = await executor(Iam()).look_for_agent_roles(uses, HERE)
    assert [each.agent_role_exists for each in found] == [True, False, True]
    blind = await executor(Iam(role_exists=IamAccessDeniedError("no"))).look_for_agent_roles(uses, HERE)
    assert all(each.agent_role_exists for each in blind)
