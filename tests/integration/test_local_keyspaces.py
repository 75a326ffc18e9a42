"""What local Keyspaces shows and what it refuses, as AWS documents it; seen by the Python driver and AWS's plug-in."""

import pytest
from cassandra import ConsistencyLevel, InvalidRequest, Unauthorized
from cassandra.cluster import Session
from cassandra.query import BatchStatement, SimpleStatement

from tests.integration.local_services import ADDRESS, LocalKeyspaces, SigV4


def test_a_driver_steps_down_to_protocol_4_and_finds_amazon_keyspaces(local_keyspaces: LocalKeyspaces) -> None:
    with local_keyspaces.cluster(SigV4(local_keyspaces.aws.root), negotiate=True) as cluster:
        cluster.connect()
        assert cluster.protocol_version == 4
        assert cluster.metadata.cluster_name == "Amazon Keyspaces"
        assert cluster.metadata.keyspaces["shop"].tables["items"].columns.keys() == {"id", "name", "stock"}


def test_system_local_is_that_of_keyspaces(root: Session) -> None:
    local = root.execute("SELECT * FROM system.local").one()
    assert (local.release_version, local.cql_version, local.native_protocol_version) == ("3.11.2", "3.4.4", "4")
    assert (local.data_center, local.rack, local.rpc_address) == ("us-east-1", "us-east-1", "127.0.0.1")
    assert local.tokens is None


def test_peers_are_the_nine_of_the_public_endpoint(root: Session) -> None:
    local = root.execute("SELECT host_id, schema_version FROM system.local WHERE key = 'local'").one()
    peers = list(root.execute("SELECT * FROM system.peers"))
    assert len(peers) == 9
    assert {(peer.data_center, peer.rack, peer.release_version) for peer in peers} == {
        ("us-east-1", "us-east-1", "3.11.2")
    }
    assert {peer.schema_version for peer in peers} == {local.schema_version}
    assert len({token for peer in peers for token in peer.tokens}) == 9
    assert [peer.peer for peer in peers if peer.host_id == local.host_id] == [ADDRESS]
    assert peers[0]._fields == (
        *("peer", "data_center", "host_id", "preferred_ip", "rack"),
        *("release_version", "rpc_address", "schema_version", "tokens"),
    )


def test_system_tables_can_be_prepared_projected_and_read_after_use(root: Session) -> None:
    prepared = root.prepare("SELECT release_version AS v FROM system.local WHERE key = ?")
    assert root.execute(prepared, ["local"]).one().v == "3.11.2"
    peer = root.execute("SELECT peer FROM system.peers WHERE peer = %s", ["203.0.113.4"]).one()
    assert peer.peer == "203.0.113.4"


def test_schema_tables_hide_what_keyspaces_does_not_have(root: Session, scratch: str) -> None:
    keyspaces = {row.keyspace_name: row for row in root.execute("SELECT * FROM system_schema.keyspaces")}
    assert {"shop", scratch} <= keyspaces.keys()
    assert not {"system_auth", "system_traces", "system_distributed", "keyspaces_system"} & keyspaces.keys()
    assert dict(keyspaces["shop"].replication) == {
        "class": "org.apache.cassandra.locator.SimpleStrategy",
        "replication_factor": "3",
    }
    tables = list(root.execute("SELECT * FROM system_schema.tables"))
    assert {row.table_name for row in tables if row.keyspace_name == "system"} == {
        *("local", "peers", "size_estimates", "prepared_statements")
    }
    assert not {"memtable", "cdc", "read_repair"} & set(tables[0]._fields)


def test_a_table_is_active_as_soon_as_its_creation_is_answered(root: Session, scratch: str) -> None:
    row = root.execute(
        "SELECT status FROM system_schema_mcs.tables WHERE keyspace_name = %s AND table_name = 't'", [scratch]
    ).one()
    assert row.status == "ACTIVE"


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("SELECT * FROM system.peers_v2", "unconfigured table system.peers_v2"),
        ("SELECT * FROM system_views.clients", "unconfigured keyspace system_views"),
        ("SELECT * FROM system_virtual_schema.keyspaces", "unconfigured keyspace system_virtual_schema"),
        ("SELECT * FROM system_auth.roles", "unconfigured keyspace system_auth"),
        ("SELECT * FROM keyspaces_system.local", "unconfigured keyspace keyspaces_system"),
        ("SELECT * FROM shop.nothing", "unconfigured table shop.nothing"),
        ("UPDATE system_auth.roles SET can_login = true WHERE role = 'x'", "unconfigured keyspace system_auth"),
        (
            "BEGIN BATCH INSERT INTO system_auth.roles (role) VALUES ('x'); APPLY BATCH",
            "unconfigured keyspace system_auth",
        ),
        ("USE system_traces", "unconfigured keyspace system_traces"),
        ("DESCRIBE KEYSPACES", "DESCRIBE is not supported"),
        ("TRUNCATE shop.items", "TRUNCATE is not supported"),
        ("CREATE INDEX ON shop.items (name)", "CREATE INDEX is not supported"),
        ("ALTER TYPE scratch.y ADD b int", "ALTER TYPE is not supported"),
        ("CREATE ROLE r", "CREATE ROLE is not supported"),
        ("GRANT SELECT ON shop.items TO r", "GRANT is not supported"),
        ("LIST ROLES", "LIST ROLES is not supported"),
        ("DROP FUNCTION shop.f", "DROP FUNCTION is not supported"),
        ("DROP MATERIALIZED VIEW shop.v", "DROP VIEW is not supported"),
        ("SELECT max(id) FROM shop.items", "Aggregate functions are not supported"),
        (
            "BEGIN UNLOGGED BATCH INSERT INTO shop.items (id) VALUES (9) IF NOT EXISTS; APPLY BATCH",
            "Conditional statements are not supported in a batch",
        ),
        ("UPDATE scratch.t SET b = 1 WHERE a IN (1, 2)", "IN is supported in SELECT only"),
        ("DELETE FROM scratch.t WHERE a IN (1, 2)", "IN is supported in SELECT only"),
        (
            "BEGIN BATCH DELETE FROM scratch.t WHERE a IN (1, 2); APPLY BATCH",
            "IN is supported in SELECT only",
        ),
        ("RESTORE TABLE scratch.n FROM TABLE scratch.t", "RESTORE TABLE is not supported by local Keyspaces"),
        (
            "CREATE TABLE scratch.n (a int PRIMARY KEY) WITH CUSTOM_PROPERTIES = {'capacity_mode': {'a': 'b'}}",
            "CUSTOM_PROPERTIES is not supported by local Keyspaces",
        ),
        ("ALTER TABLE scratch.t ADD TAGS {'a': 'b'}", "TAGS is not supported by local Keyspaces"),
        (
            "CREATE TABLE scratch.n (a int PRIMARY KEY) WITH tags = {'a': 'b'}",
            "TAGS is not supported by local Keyspaces",
        ),
        (
            "UPDATE system.local SET partitioner = 'x' WHERE key = 'local'",
            "The partitioner of local Keyspaces cannot be changed",
        ),
        (
            "CREATE KEYSPACE k WITH REPLICATION = {'class': 'NetworkTopologyStrategy', 'us-east-1': 3}",
            "Replication by NetworkTopologyStrategy is not supported",
        ),
    ],
)
def test_what_keyspaces_does_not_have_is_invalid(root: Session, scratch: str, statement: str, text: str) -> None:
    with pytest.raises(InvalidRequest, match="code=2200") as refused:
        root.execute(statement)
    assert text in str(refused.value)


@pytest.mark.parametrize("statement", ["INSERT INTO system.local (key) VALUES ('x')", "DROP KEYSPACE system_schema"])
def test_system_keyspaces_are_read_only_even_for_root(root: Session, statement: str) -> None:
    with pytest.raises(Unauthorized, match="keyspace is not user-modifiable"):
        root.execute(statement)


def test_only_data_statements_can_be_prepared(root: Session) -> None:
    with pytest.raises(InvalidRequest, match="Preparing CREATE TABLE is not supported"):
        root.prepare("CREATE TABLE shop.t (a int PRIMARY KEY)")


def test_a_batch_has_at_most_thirty_statements(root: Session, scratch: str) -> None:
    batch = BatchStatement()
    for number in range(31):
        batch.add("INSERT INTO scratch.t (a) VALUES (%s)", [number])
    with pytest.raises(InvalidRequest, match="at most 30"):
        root.execute(batch)


# Consistency levels

READS = "ONE, LOCAL_QUORUM, LOCAL_ONE"


@pytest.mark.parametrize(
    ("statement", "level", "supported"),
    [
        ("SELECT * FROM shop.items", "QUORUM", READS),
        ("SELECT * FROM system.local", "ALL", READS),
        ('USE "shop"', "ANY", READS),
        ("INSERT INTO scratch.t (a) VALUES (1)", "ONE", "LOCAL_QUORUM"),
        ("BEGIN BATCH DELETE FROM scratch.t WHERE a = 1; APPLY BATCH", "LOCAL_ONE", "LOCAL_QUORUM"),
    ],
)
def test_other_consistency_levels_are_refused(
    root: Session, scratch: str, statement: str, level: str, supported: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        root.execute(SimpleStatement(statement, consistency_level=ConsistencyLevel.name_to_value[level]))
    assert (
        f"Consistency level {level} is not supported for this operation. "
        f'Supported consistency levels are: {supported}"' in str(refused.value)
    )


@pytest.mark.parametrize("level", READS.split(", "))
def test_reads_run_at_three_levels(root: Session, level: str) -> None:
    statement = SimpleStatement(
        "SELECT name FROM shop.items WHERE id = 1", consistency_level=ConsistencyLevel.name_to_value[level]
    )
    assert root.execute(statement).one().name == "nuts; bolts"
