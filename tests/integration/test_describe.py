"""DESCRIBE in plain cqlsh, through the agent, at local Keyspaces."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cassandra import InvalidRequest
from cassandra.cluster import Session

from tests.integration.local_services import ADDRESS, LocalAws, LocalKeyspaces
from tests.integration.running_agent import ClusterKeys, Grants, RunningAgent, environment, set_up_iam, wait_for

READER, OWNER, CLERK = "payments/reader", "payments/owner", "payments/clerk"
KEYSPACES = ("depot", "vault", '"Odd"')
WIDE_TABLES = 32

SCHEMA = '''
CREATE TYPE depot.address (street text, number int);
CREATE TYPE depot.parcel (sender frozen<address>, labels map<text, text>);
CREATE TABLE depot.goods (id uuid, year int, day int, owner text static, name text, tags set<text>,
    sent frozen<parcel>, prices map<text, decimal>, stops list<frozen<address>>,
    PRIMARY KEY ((id, year), day, name)) WITH CLUSTERING ORDER BY (day DESC, name ASC)
    AND comment = 'it''s "odd"' AND default_time_to_live = 3600;
CREATE TABLE depot.simple (k text PRIMARY KEY, v blob);
CREATE TABLE depot.counts (k int PRIMARY KEY, n counter);
CREATE TABLE depot."Mixed" ("Key ""1""" int PRIMARY KEY, "select" text);
CREATE TABLE vault.gold (id int PRIMARY KEY, bars int);
CREATE TYPE vault.seal (wax text);
CREATE TABLE "Odd".t (id int PRIMARY KEY);
'''

CQLSHRC = """\
[connection]
hostname = {address}
port = {port}
ssl = true

[ssl]
certfile = {ca}
validate = true
"""

OTHER_RELEASE = "WARNING: cqlsh was built against 5.0.0, but this server is 4.0.0.  All features may not work!\n"


@pytest.fixture(scope="module")
def keys() -> ClusterKeys:
    return ClusterKeys()


@pytest.fixture(scope="module")
def agent(
    local_aws: LocalAws, local_keyspaces: LocalKeyspaces, keys: ClusterKeys, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningAgent]:
    """READER may read `depot`, CLERK one table of it, OWNER everything."""
    directory: Path = tmp_path_factory.mktemp("describing-agent")
    set_up_iam(local_aws, keys, {"KeyspacesDescriber": ["Select", "Modify", "Create", "Alter", "Drop"]})
    with local_keyspaces.session(local_aws.root) as session:
        for keyspace in KEYSPACES:
            session.execute(f"CREATE KEYSPACE {keyspace} WITH REPLICATION = {{'class': 'SingleRegionStrategy'}}")
        for statement in SCHEMA.strip().split(";\n"):
            session.execute(statement.removesuffix(";"))
    grants = Grants()
    grants.allow(READER, "KeyspacesDescriber", "Select", "depot")
    grants.allow(CLERK, "KeyspacesDescriber", "Select", "depot", "simple")
    grants.allow(OWNER, "KeyspacesDescriber", "Select", "*")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(local_aws, keys, directory).items():
            patch.setenv(name, value)
        made = RunningAgent(keys, local_keyspaces, directory)
        made.start()
        made.apply(grants)
        yield made
        made.stop()


@pytest.fixture
def cqlsh(agent: RunningAgent, keys: ClusterKeys, tmp_path: Path) -> Callable[..., str]:
    """What plain cqlsh prints."""

    def run(statements: str, *options: str, account: str = READER) -> str:
        cqlshrc = tmp_path / "cqlshrc"
        authority = agent._directory / "tls.crt"
        cqlshrc.write_text(CQLSHRC.format(address=ADDRESS, port=agent.agent.port, ca=authority))
        program = Path(sys.executable).with_name("cqlsh")
        credentials = tmp_path / "credentials"
        credentials.write_text(
            f"[PlainTextAuthProvider]\nusername = KeyspacesDescriber\npassword = {keys.token(account)}\n"
        )
        credentials.chmod(0o600)
        command = [program, "--cqlshrc", cqlshrc, "--credentials", credentials, *options]
        environment = {**os.environ, "HOME": str(tmp_path)}
        done = subprocess.run(
            [*command, "--execute", statements], env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.stdout.startswith(OTHER_RELEASE)
        return done.stdout.removeprefix(OTHER_RELEASE) + done.stderr

    return run


@pytest.fixture
def session(agent: RunningAgent, keys: ClusterKeys) -> Iterator[Session]:
    """A driver's session of READER."""
    with agent.cluster("KeyspacesDescriber", keys.token(READER)) as cluster:
        yield cluster.connect()


Cqlsh = Callable[..., str]


# The forms, as a person sees them


def test_cqlsh_says_what_it_talks_to(cqlsh: Cqlsh) -> None:
    printed = cqlsh("SHOW VERSION")
    assert "Cassandra 4.0.0 | CQL spec 3.4.4 | Native protocol v4" in printed


def test_keyspaces_are_those_in_sight(cqlsh: Cqlsh) -> None:
    names = cqlsh("DESCRIBE KEYSPACES").split()
    assert {"depot", "system_schema"} <= set(names)
    assert not {"vault", "shop", "system", '"Odd"'} & set(names)
    assert {"depot", "vault", "shop", '"Odd"'} <= set(cqlsh("DESC KEYSPACES", account=OWNER).split())


def test_tables_are_those_in_sight(cqlsh: Cqlsh) -> None:
    printed = cqlsh("DESCRIBE TABLES")
    assert re.search(r"Keyspace depot\n-+\ncounts  goods  \"Mixed\"  simple", printed), printed
    assert "gold" not in printed
    assert cqlsh("DESCRIBE TABLES", "-k", "depot").split() == ["counts", "goods", '"Mixed"', "simple"]
    assert cqlsh("DESCRIBE TABLES", "-k", "depot", account=CLERK).split() == ["simple"]


def test_types_are_listed_and_written(cqlsh: Cqlsh) -> None:
    assert cqlsh("DESCRIBE TYPES", "-k", "depot").split() == ["address", "parcel"]
    assert cqlsh("DESCRIBE TYPE depot.parcel") == (
        "\nCREATE TYPE depot.parcel (\n    sender frozen<address>,\n    labels map<text, text>\n);\n"
    )


def test_a_table_is_written_with_its_options(cqlsh: Cqlsh) -> None:
    printed = cqlsh("DESCRIBE TABLE depot.goods")
    assert printed.startswith(
        "\nCREATE TABLE depot.goods (\n    id uuid,\n    year int,\n    day int,\n    name text,\n"
    )
    assert "owner text static" in printed
    assert "PRIMARY KEY ((id, year), day, name)" in printed
    assert "CLUSTERING ORDER BY (day DESC, name ASC)" in printed
    assert "comment = 'it''s \"odd\"'" in printed
    assert 'CREATE TABLE depot."Mixed" (\n    "Key ""1""" int PRIMARY KEY,\n' in cqlsh('DESC depot."Mixed"')


def test_a_keyspace_is_written_with_all_that_is_in_sight(cqlsh: Cqlsh) -> None:
    printed = cqlsh("DESCRIBE KEYSPACE depot")
    found = re.findall(r"CREATE (\w+) (\S+)", printed)
    assert found == [
        ("KEYSPACE", "depot"),
        ("TYPE", "depot.address"),
        ("TYPE", "depot.parcel"),
        ("TABLE", "depot.counts"),
        ("TABLE", "depot.goods"),
        ("TABLE", 'depot."Mixed"'),
        ("TABLE", "depot.simple"),
    ]
    assert re.findall(r"CREATE TABLE (\S+)", cqlsh("DESCRIBE KEYSPACE", "-k", "depot", account=CLERK)) == [
        "depot.simple"
    ]
    assert re.findall(r"CREATE (\w+)", cqlsh("DESCRIBE ONLY KEYSPACE depot")) == ["KEYSPACE"]
    odd = cqlsh('DESCRIBE KEYSPACE "Odd"', account=OWNER)
    assert 'CREATE TABLE "Odd".t (' in odd


def test_the_schema_is_that_of_the_keyspaces_in_sight(cqlsh: Cqlsh) -> None:
    printed = cqlsh("DESCRIBE SCHEMA")
    assert set(re.findall(r"CREATE KEYSPACE (\S+)", printed)) == {"depot"}
    assert "CREATE TABLE system_schema.tables" in cqlsh("DESCRIBE FULL SCHEMA")


def test_the_cluster_and_a_bare_name_are_described(cqlsh: Cqlsh) -> None:
    assert "Cluster: Amazon Keyspaces\nPartitioner: Murmur3Partitioner\n" in cqlsh("DESCRIBE CLUSTER", "-k", "depot")
    assert "CREATE TABLE depot.simple" in cqlsh("DESCRIBE simple", "-k", "depot")
    assert cqlsh("DESC depot") == cqlsh("DESC KEYSPACE depot")
    for nothing in ("FUNCTIONS", "AGGREGATES"):
        assert cqlsh(f"DESCRIBE {nothing}").strip() == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("DESCRIBE KEYSPACE vault", "'vault' not found in keyspaces"),
        ("DESCRIBE KEYSPACE nowhere", "'nowhere' not found in keyspaces"),
        ("DESCRIBE TABLE vault.gold", "'vault' not found in keyspaces"),
        ("DESCRIBE TYPE vault.seal", "'vault' not found in keyspaces"),
        ("DESCRIBE vault", "'vault' not found in keyspaces"),
        ("DESCRIBE TABLE depot.nothing", "Table 'nothing' not found in keyspace 'depot'"),
        ("DESCRIBE depot.nothing", "'nothing' not found in keyspace 'depot'"),
        ("DESCRIBE TYPE depot.nothing", "User defined type 'nothing' not found in 'depot'"),
        ("DESCRIBE TABLE simple", "No keyspace specified and no current keyspace"),
        ("DESCRIBE TABLE system.local", "'system' not found in keyspaces"),
    ],
)
def test_what_is_out_of_sight_does_not_exist(session: Session, text: str, says: str) -> None:
    with pytest.raises(InvalidRequest, match=re.escape(says)):
        session.execute(text)


def test_a_table_out_of_sight_does_not_exist(agent: RunningAgent, keys: ClusterKeys) -> None:
    with agent.cluster("KeyspacesDescriber", keys.token(CLERK)) as cluster:
        session = cluster.connect("depot")
        assert session.execute("DESCRIBE simple").one().name == "simple"
        with pytest.raises(InvalidRequest, match="Table 'goods' not found in keyspace 'depot'"):
            session.execute("DESCRIBE TABLE goods")


# What is written can be run


@pytest.mark.parametrize("table", ["goods", "simple", "counts", '"Mixed"'])
def test_what_is_written_makes_the_same_table_again(
    session: Session, local_aws: LocalAws, local_keyspaces: LocalKeyspaces, table: str
) -> None:
    copy = "copy_of_" + re.sub(r"\W", "", table).lower()
    written = session.execute(f"DESCRIBE TABLE depot.{table}").one().create_statement
    again = written.replace(f"depot.{table}", f"depot.{copy}")
    with local_keyspaces.session(local_aws.root) as root:
        root.execute(again.removesuffix(";"))
    try:
        assert session.execute(f"DESCRIBE TABLE depot.{copy}").one().create_statement == again
    finally:
        with local_keyspaces.session(local_aws.root) as root:
            root.execute(f"DROP TABLE depot.{copy}")


# The trail


def whole(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records once there are two: they are written a moment later than the client is answered."""
    return records if len(records) >= 2 else []


def test_a_description_is_one_statement_of_the_trail(agent: RunningAgent, session: Session) -> None:
    before = len(agent.records("statement"))
    session.execute("DESCRIBE TABLE depot.simple")
    with pytest.raises(InvalidRequest):
        session.execute("DESCRIBE TABLE depot.nothing")
    answered, failed = wait_for(lambda: whole(agent.records("statement")[before:]), "the records")
    told = (answered["form"], answered["outcome"], answered["answeredBy"], answered["rows"])
    assert told == ("DESCRIBE", "ok", "agent", 1)
    assert answered["statement"] == "DESCRIBE TABLE depot.simple"
    assert (failed["outcome"], failed["errorCode"], failed["decision"]["allowed"]) == ("error", "0x2200", True)


# Time


@pytest.fixture(scope="module")
def wide(local_aws: LocalAws, local_keyspaces: LocalKeyspaces) -> str:
    """A keyspace of many tables; Cassandra takes too long over more of them (256 are described in the unit tests)."""
    columns = ", ".join(f"c{n} text" for n in range(20))
    with local_keyspaces.session(local_aws.root) as root:
        root.execute("CREATE KEYSPACE wide WITH REPLICATION = {'class': 'SingleRegionStrategy'}")
        for n in range(WIDE_TABLES):
            root.execute(f"CREATE TABLE wide.t{n:03} (id int PRIMARY KEY, {columns})")
    return "wide"


def test_a_large_schema_is_described_in_time_and_delays_nobody(
    agent: RunningAgent, keys: ClusterKeys, wide: str
) -> None:
    latencies: list[float] = []
    with (
        agent.cluster("KeyspacesDescriber", keys.token(READER)) as readers,
        agent.cluster("KeyspacesDescriber", keys.token(OWNER)) as owners,
    ):
        reader, owner = readers.connect(), owners.connect()
        owner.execute(f"DESCRIBE ONLY KEYSPACE {wide}")
        done = False

        def read() -> None:
            while not done:
                began = time.perf_counter()
                reader.execute("SELECT v FROM depot.simple WHERE k = 'a'")
                latencies.append(time.perf_counter() - began)

        thread = Thread(target=read)
        thread.start()
        began = time.perf_counter()
        rows = owner.execute(f"DESCRIBE KEYSPACE {wide}").all()
        took = time.perf_counter() - began
        done = True
        thread.join()
    assert len(rows) == 1 + WIDE_TABLES
    print(f"{took:.2f} s; others: {len(latencies)} reads, the longest {max(latencies) * 1000:.0f} ms")
    assert took < 10
    assert max(latencies) < 1
