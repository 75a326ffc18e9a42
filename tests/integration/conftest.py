"""Local AWS and local Keyspaces, started once for all integration tests that ask for them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cassandra.cluster import Session

from tests.integration.local_services import LocalAws, LocalKeyspaces

SEED = """\
-- What is there before the first client; the agent's tests read it too.
CREATE KEYSPACE IF NOT EXISTS shop WITH REPLICATION = {'class': 'SingleRegionStrategy'};
CREATE TABLE IF NOT EXISTS shop.items (id int PRIMARY KEY, name text, stock int);
INSERT INTO shop.items (id, name, stock) VALUES (1, 'nuts; bolts', 12);
INSERT INTO shop.items (id, name, stock) VALUES (2, 'hammers', 3);
"""


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """STS and IAM; every test makes principals of its own."""
    aws = LocalAws.start(tmp_path_factory.mktemp("aws"))
    yield aws
    aws.stop()


@pytest.fixture(scope="session")
def local_keyspaces(local_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKeyspaces]:
    """Keyspaces with the keyspace `shop` (see SEED); a test that writes uses tables of its own."""
    state: Path = tmp_path_factory.mktemp("keyspaces")
    seed = state / "seed.cql"
    seed.write_text(SEED)
    keyspaces = LocalKeyspaces.start(state, local_aws, seed)
    yield keyspaces
    keyspaces.stop()


@pytest.fixture(scope="module")
def root(local_keyspaces: LocalKeyspaces) -> Iterator[Session]:
    """A session at local Keyspaces that may do everything."""
    with local_keyspaces.session(local_keyspaces.aws.root) as session:
        yield session


@pytest.fixture(scope="module")
def scratch(root: Session) -> str:
    """A keyspace to write into, with a table `t` and a type `y`."""
    replication = "{'class': 'SimpleStrategy', 'replication_factor': 3}"
    root.execute(f"CREATE KEYSPACE IF NOT EXISTS scratch WITH REPLICATION = {replication}")
    root.execute("CREATE TABLE IF NOT EXISTS scratch.t (a int PRIMARY KEY, b int)")
    root.execute("CREATE TYPE IF NOT EXISTS scratch.y (a int)")
    return "scratch"
