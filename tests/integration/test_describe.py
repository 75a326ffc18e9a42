"""DESCRIBE in plain cqlsh, through the agent, at local Keyspaces."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
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

VERSION = "[cqlsh 6.2.2 | Cassandra 4.0.0 | CQL spec 3.4.4 | Native protocol v4]\n"
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


class Cqlsh:
    """Plain cqlsh, run once for many statements, since it takes its time to start."""

    def __init__(self, agent: RunningAgent, keys: ClusterKeys, folder: Path) -> None:
        self._agent = agent
        self._keys = keys
        self._folder = folder

    def __call__(self, *statements: str, account: str = READER) -> list[str]:
        """What it prints for each statement."""
        cqlshrc, credentials = self._folder / "cqlshrc", self._folder / "credentials"
        authority = self._agent._directory / "tls.crt"
        cqlshrc.write_text(CQLSHRC.format(address=ADDRESS, port=self._agent.agent.port, ca=authority))
        token = self._keys.token(account)
        credentials.write_text(f"[PlainTextAuthProvider]\nusername = KeyspacesDescriber\npassword = {token}\n")
        credentials.chmod(0o600)
        command = [Path(sys.executable).with_name("cqlsh"), "--cqlshrc", cqlshrc, "--credentials", credentials]
        done = subprocess.run(
            [*command, "--execute", "; SHOW VERSION; ".join(statements)],
            env={**os.environ, "HOME": str(self._folder)},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(OTHER_RELEASE)
        printed = done.stdout.removeprefix(OTHER_RELEASE).split(VERSION)
        assert len(printed) == len(statements)
        return printed


@pytest.fixture
def cqlsh(agent: RunningAgent, keys: ClusterKeys, tmp_path: Path) -> Cqlsh:
    return Cqlsh(agent, keys, tmp_path)


@pytest.fixture
def session(agent: RunningAgent, keys: ClusterKeys) -> Iterator[Session]:
    """A driver's session of READER."""
    with agent.cluster("KeyspacesDescriber", keys.token(READER)) as cluster:
        yield cluster.connect()


# The forms, as a person sees them


def test_lists_are_of_what_is_in_sight(cqlsh: Cqlsh) -> None:
    keyspaces, tables, types, functions, aggregates, _, in_use, types_in_use = cqlsh(
        "DESCRIBE KEYSPACES",
        "DESC TABLES",
        "DESCRIBE TYPES",
        "DESCRIBE FUNCTIONS",
        "DESCRIBE AGGREGATES",
        "USE depot",
        "DESCRIBE TABLES",
        "DESCRIBE TYPES",
    )
    assert {"depot", "system_schema"} <= set(keyspaces.split())
    assert not {"vault", "shop", "system", '"Odd"'} & set(keyspaces.split())
    assert re.search(r"Keyspace depot\n-+\ncounts  goods  \"Mixed\"  simple", tables), tables
    assert "gold" not in tables
    assert "Keyspace depot\n--------------\naddress  parcel\n" in types
    assert "seal" not in types
    assert (functions.strip(), aggregates.strip()) == ("", "")
    assert in_use.split() == ["counts", "goods", '"Mixed"', "simple"]
    assert types_in_use.split() == ["address", "parcel"]


def test_everything_is_written_as_statements(cqlsh: Cqlsh) -> None:
    keyspace, only, parcel, goods, mixed, schema, full, cluster, bare, _, in_use, simple = cqlsh(
        "DESCRIBE KEYSPACE depot",
        "DESCRIBE ONLY KEYSPACE depot",
        "DESCRIBE TYPE depot.parcel",
        "DESCRIBE TABLE depot.goods",
        'DESC depot."Mixed"',
        "DESCRIBE SCHEMA",
        "DESCRIBE FULL SCHEMA",
        "DESCRIBE CLUSTER",
        "DESC depot",
        "USE depot",
        "DESCRIBE KEYSPACE",
        "DESCRIBE simple",
    )
    assert re.findall(r"CREATE (\w+) (\S+)", keyspace) == [
        ("KEYSPACE", "depot"),
        ("TYPE", "depot.address"),
        ("TYPE", "depot.parcel"),
        ("TABLE", "depot.counts"),
        ("TABLE", "depot.goods"),
        ("TABLE", 'depot."Mixed"'),
        ("TABLE", "depot.simple"),
    ]
    assert keyspace == bare == in_use == schema
    assert re.findall(r"CREATE (\w+)", only) == ["KEYSPACE"]
    assert parcel == "\nCREATE TYPE depot.parcel (\n    sender frozen<address>,\n    labels map<text, text>\n);\n"
    assert goods.startswith("\nCREATE TABLE depot.goods (\n    id uuid,\n    year int,\n    day int,\n    name text,\n")
    assert "owner text static" in goods
    assert "PRIMARY KEY ((id, year), day, name)" in goods
    assert "CLUSTERING ORDER BY (day DESC, name ASC)" in goods
    assert "comment = 'it''s \"odd\"'" in goods
    assert 'CREATE TABLE depot."Mixed" (\n    "Key ""1""" int PRIMARY KEY,\n' in mixed
    assert "CREATE TABLE system_schema.tables" in full
    assert "Cluster: Amazon Keyspaces\nPartitioner: Murmur3Partitioner\n" in cluster
    assert "CREATE TABLE depot.simple" in simple


def test_others_see_more_or_less(cqlsh: Cqlsh) -> None:
    _, tables, keyspace = cqlsh("USE depot", "DESCRIBE TABLES", "DESCRIBE KEYSPACE", account=CLERK)
    assert tables.split() == ["simple"]
    assert re.findall(r"CREATE TABLE (\S+)", keyspace) == ["depot.simple"]
    keyspaces, odd = cqlsh("DESC KEYSPACES", 'DESCRIBE KEYSPACE "Odd"', account=OWNER)
    assert {"depot", "vault", "shop", '"Odd"'} <= set(keyspaces.split())
    assert 'CREATE TABLE "Odd".t (' in odd


NOT_FOUND = {
    "DESCRIBE KEYSPACE vault": "'vault' not found in keyspaces",
    "DESCRIBE KEYSPACE nowhere": "'nowhere' not found in keyspaces",
    "DESCRIBE TABLE vault.gold": "'vault' not found in keyspaces",
    "DESCRIBE TYPE vault.seal": "'vault' not found in keyspaces",
    "DESCRIBE vault": "'vault' not found in keyspaces",
    "DESCRIBE TABLE depot.nothing": "Table 'nothing' not found in keyspace 'depot'",
    "DESCRIBE depot.nothing": "'nothing' not found in keyspace 'depot'",
    "DESCRIBE TYPE depot.nothing": "User defined type 'nothing' not found in 'depot'",
    "DESCRIBE TABLE simple": "No keyspace specified and no current keyspace",
    "DESCRIBE TABLE system.local": "'system' not found in keyspaces",
}


def test_what_is_out_of_sight_does_not_exist(session: Session) -> None:
    for text, says in NOT_FOUND.items():
        with pytest.raises(InvalidRequest, match=re.escape(says)):
            session.execute(text)


def test_a_table_out_of_sight_does_not_exist(agent: RunningAgent, keys: ClusterKeys) -> None:
    with agent.cluster("KeyspacesDescriber", keys.token(CLERK)) as cluster:
        session = cluster.connect("depot")
        assert session.execute("DESCRIBE simple").one().name == "simple"
        with pytest.raises(InvalidRequest, match="Table 'goods' not found in keyspace 'depot'"):
            session.execute("DESCRIBE TABLE goods")


# What is written can be run


def test_what_is_written_makes_the_same_tables_again(
    session: Session, local_aws: LocalAws, local_keyspaces: LocalKeyspaces
) -> None:
    with local_keyspaces.session(local_aws.root) as root:
        for table in ("goods", "simple", "counts", '"Mixed"'):
            copy = "copy_of_" + re.sub(r"\W", "", table).lower()
            written = session.execute(f"DESCRIBE TABLE depot.{table}").one().create_statement
            again = written.replace(f"depot.{table}", f"depot.{copy}")
            root.execute(again.removesuffix(";"))
            try:
                assert session.execute(f"DESCRIBE TABLE depot.{copy}").one().create_statement == again
            finally:
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
