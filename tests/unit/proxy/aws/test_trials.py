"""Each granted role is tried once a revision; refusals are tried again until they are mended."""

from __future__ import annotations

import asyncio
import json

import pytest

from keyward_proxy.aws import trials as trials_module
from keyward_proxy.aws.credentials import AssumeRoleRequest, Credentials
from keyward_proxy.aws.errors import AWSError
from keyward_proxy.aws.trials import RoleTrials
from keyward_proxy.session.secret import Secret
from keyward_proxy.tasks import TaskHolder
from tests.unit.proxy.support import policy, until


class JudgingSTS:
    """Refuses the roles that it is told to refuse."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.calls: list[AssumeRoleRequest] = []

    async def assume_role(self, request: AssumeRoleRequest) -> Credentials:
        self.calls.append(request)
        await asyncio.sleep(0)
        if request.role_arn.rpartition("/")[2] in self.refused:
            raise AWSError("the trust policy must name the agent", reason="AccessDenied")
        return Credentials(access_key_id="A", secret_access_key=Secret("s"), session_token=None, expires=0)

    async def caller_identity(self, region: str) -> str:
        return f"arn:aws:sts::111122223333:assumed-role/keyward-agent/{region}"


@pytest.fixture
def changes() -> list[None]:
    return []


@pytest.fixture
def sts() -> JudgingSTS:
    return JudgingSTS()


@pytest.fixture
async def trials(
    sts: JudgingSTS, changes: list[None], tasks: TaskHolder, monkeypatch: pytest.MonkeyPatch
) -> RoleTrials:
    monkeypatch.setattr(trials_module, "FIRST_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(trials_module, "MAXIMUM_RETRY_SECONDS", 0.02)
    made = RoleTrials(sts=sts, pod="agent-0", on_change=lambda: changes.append(None))
    tasks.start(made.run(), name="trials")
    return made


async def test_every_role_is_tried_once_for_a_revision(
    trials: RoleTrials, sts: JudgingSTS, changes: list[None]
) -> None:
    trials.begin(policy(db_users=("Reader", "Writer")))
    await until(lambda: len(changes) == 1)
    assert {name: report.assumable for name, report in trials.reports.items()} == {"Reader": True, "Writer": True}
    assert trials.identity.startswith("arn:aws:sts::111122223333:assumed-role/keyward-agent/")
    await asyncio.sleep(0.05)
    assert len(sts.calls) == 2
    trials.begin(policy(revision="r2", db_users=("Reader",)))
    await until(lambda: len(changes) == 2)
    assert set(trials.reports) == {"Reader"}
    assert len(sts.calls) == 3


async def test_a_trial_asks_as_a_login_does_and_gains_nothing(
    trials: RoleTrials, sts: JudgingSTS, changes: list[None]
) -> None:
    trials.begin(policy())
    await until(lambda: bool(changes))
    [request] = sts.calls
    assert request.external_id == "c1a5c0de-0000-4000-8000-000000000002/payments/orders"
    assert request.session_name == "agent-0"
    assert dict(request.tags)["keyward:user"] == "agent-0"
    assert [statement["Effect"] for statement in json.loads(request.policy)["Statement"]] == ["Deny"]


async def test_a_refused_role_is_told_and_tried_until_it_is_mended(trials: RoleTrials, sts: JudgingSTS) -> None:
    sts.refused = {"Writer"}
    trials.begin(policy(db_users=("Reader", "Writer")))
    await until(lambda: len(sts.calls) >= 4)
    assert trials.reports["Reader"].assumable
    assert trials.reports["Writer"].reason == "AccessDenied: the trust policy must name the agent"
    assert [call.role_arn.rpartition("/")[2] for call in sts.calls].count("Reader") == 1
    sts.refused = set()
    await until(lambda: trials.reports["Writer"].assumable)
    assert trials.reports["Writer"].reason == ""
