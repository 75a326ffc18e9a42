"""A driver, the agent, local AWS and local Keyspaces: the whole way of a statement."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.local_services import LocalAws, LocalKeyspaces
from tests.integration.running_agent import ClusterKeys, Grants, RunningAgent, environment, set_up_iam

APP = "payments/app"


@pytest.fixture(scope="module")
def keys() -> ClusterKeys:
    return ClusterKeys()


@pytest.fixture(scope="module")
def agent(
    local_aws: LocalAws,
    local_keyspaces: LocalKeyspaces,
    keys: ClusterKeys,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningAgent]:
    directory: Path = tmp_path_factory.mktemp("agent")
    set_up_iam(local_aws, keys, {"KeyspacesReader": ["Select"], "KeyspacesWriter": ["Select", "Modify"]})
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(local_aws, keys, directory).items():
            patch.setenv(name, value)
        running = RunningAgent(keys, local_keyspaces, directory)
        running.start()
        yield running
        running.stop()


def test_a_granted_select_returns_rows(agent: RunningAgent, keys: ClusterKeys) -> None:
    agent.apply(Grants().allow(APP, "KeyspacesReader", "Select", "shop"))
    with agent.cluster("KeyspacesReader", keys.token(APP)) as cluster:
        session = cluster.connect()
        assert session.execute("SELECT name FROM shop.items WHERE id = 1").one().name == "nuts; bolts"
