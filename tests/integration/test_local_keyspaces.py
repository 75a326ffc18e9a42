"""Local Keyspaces is what the fact sheets say of Amazon Keyspaces: seen by AWS's own plug-in, cqlsh and bare frames."""

import contextlib
import itertools
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cassandra import ConsistencyLevel, InvalidRequest, Unauthorized
from cassandra.auth import AuthProvider, PlainTextAuthProvider
from cassandra.cluster import NoHostAvailable, Session
from cassandra.query import BatchStatement, PreparedStatement, SimpleStatement

from local.aws.client import Credentials
from tests.integration.local_services import (
    ADDRESS,
    ARN,
    TO_CONNECT,
    LocalAws,
    LocalKeyspaces,
    SigV4,
    allow,
    policy,
)

NAMES = (f"test-{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def root(local_keyspaces: LocalKeyspaces) -> Iterator[Session]:
    """A session that may do everything."""
    with local_keyspaces.session(local_keyspaces.aws.root) as session:
        yield session


@pytest.fixture(scope="module")
def scratch(root: Session) -> str:
    """A keyspace to write into, with a table `t` and a type `y`."""
    root.execute("CREATE KEYSPACE scratch WITH REPLICATION = {'class': 'SimpleStrategy', 'replication_factor': 3}")
    root.execute("CREATE TABLE scratch.t (a int PRIMARY KEY, b int)")
    root.execute("CREATE TYPE scratch.y (a int)")
    return "scratch"


def failure(keyspaces: LocalKeyspaces, provider: AuthProvider) -> str:
    """What the driver says of a login that must fail."""
    with keyspaces.cluster(provider) as cluster, pytest.raises(NoHostAvailable) as refused:
        cluster.connect()
    return str(refused.value)


# What drivers see


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


# Logins


def test_a_wrong_secret_is_an_invalid_signature(local_aws: LocalAws, local_keyspaces: LocalKeyspaces) -> None:
    wrong = replace(local_aws.root, secret_access_key="wrong")
    text = failure(local_keyspaces, SigV4(wrong))
    assert "code=0100" in text
    assert "Authentication failure: Invalid signature" in text


def test_an_unknown_key_cannot_log_in(local_keyspaces: LocalKeyspaces) -> None:
    unknown = Credentials(access_key_id="AKIAQQQQQQQQQQQQQQQQ", secret_access_key="secret")
    assert "code=0100" in failure(local_keyspaces, SigV4(unknown))


def test_a_password_is_incorrect(local_keyspaces: LocalKeyspaces) -> None:
    text = failure(local_keyspaces, PlainTextAuthProvider("alice-at-111122223333", "password"))
    assert "code=0100" in text
    assert "Provided username alice-at-111122223333 and/or password are incorrect" in text


def test_a_principal_that_may_not_read_system_tables_has_no_permissions(
    local_aws: LocalAws, local_keyspaces: LocalKeyspaces
) -> None:
    name = next(NAMES)
    user = local_aws.user(name, allow("cassandra:Select", f"{ARN}shop/table/items"))
    text = failure(local_keyspaces, SigV4(user))
    assert "code=2100" in text
    assert f"User arn:aws:iam::111122223333:user/{name} has no permissions." in text


# Permissions

T = f"{ARN}scratch/table/t"


@pytest.mark.parametrize(
    ("statement", "needed"),
    [
        ("SELECT * FROM scratch.t", [("Select", T)]),
        ("INSERT INTO scratch.t (a) VALUES (1)", [("Modify", T)]),
        ("UPDATE scratch.t SET b = 1 WHERE a = 1", [("Modify", T)]),
        ("DELETE FROM scratch.t WHERE a = 1", [("Modify", T)]),
        ("INSERT INTO scratch.t (a) VALUES (1) IF NOT EXISTS", [("Modify", T), ("Select", T)]),
        (
            "BEGIN BATCH INSERT INTO scratch.t (a) VALUES (1); "
            "UPDATE shop.items SET stock = 12 WHERE id = 1; APPLY BATCH",
            [("Modify", T), ("Modify", f"{ARN}shop/table/items")],
        ),
        ("CREATE TABLE scratch.n (a int PRIMARY KEY)", [("Create", f"{ARN}scratch/table/n")]),
        ("ALTER TABLE scratch.n ADD b int", [("Alter", f"{ARN}scratch/table/n")]),
        ("DROP TABLE scratch.n", [("Drop", f"{ARN}scratch/table/n")]),
        ("CREATE TYPE scratch.z (a int)", [("Create", f"{ARN}scratch/")]),
        ("DROP TYPE scratch.z", [("Drop", f"{ARN}scratch/")]),
        ("CREATE KEYSPACE n WITH REPLICATION = {'class': 'SingleRegionStrategy'}", [("Create", f"{ARN}n/")]),
        ("ALTER KEYSPACE n WITH DURABLE_WRITES = true", [("Alter", f"{ARN}n/")]),
        ("DROP KEYSPACE n", [("Drop", f"{ARN}n/")]),
    ],
)
def test_a_statement_needs_exactly_these_permissions(
    local_aws: LocalAws,
    local_keyspaces: LocalKeyspaces,
    scratch: str,
    statement: str,
    needed: list[tuple[str, str]],
) -> None:
    granted = [allow(f"cassandra:{action}", resource) for action, resource in needed]
    for missing, (action, resource) in enumerate(needed):
        name = next(NAMES)
        user = local_aws.user(name, TO_CONNECT, *granted[:missing], *granted[missing + 1 :])
        with local_keyspaces.session(user) as session, pytest.raises(Unauthorized, match="code=2100") as refused:
            session.execute(statement)
        assert (
            f"User: arn:aws:iam::111122223333:user/{name} is not authorized to perform: "
            f"cassandra:{action} on resource: {resource}" in str(refused.value)
        )
    with local_keyspaces.session(local_aws.user(next(NAMES), TO_CONNECT, *granted)) as session:
        session.execute(statement)


def test_the_partitioner_has_a_permission_of_its_own(local_aws: LocalAws, local_keyspaces: LocalKeyspaces) -> None:
    user = local_aws.user(next(NAMES), TO_CONNECT, allow("cassandra:Modify", f"{ARN}system*"))
    with (
        local_keyspaces.session(user) as session,
        pytest.raises(Unauthorized, match=r"cassandra:UpdatePartitioner on resource: .*/keyspace/system/table/local"),
    ):
        session.execute("UPDATE system.local SET partitioner = 'x' WHERE key = 'local'")


def test_preparing_needs_the_permissions_of_running(local_aws: LocalAws, local_keyspaces: LocalKeyspaces) -> None:
    with (
        local_keyspaces.session(local_aws.user(next(NAMES), TO_CONNECT)) as session,
        pytest.raises(Unauthorized, match="cassandra:Select"),
    ):
        session.prepare("SELECT * FROM shop.items WHERE id = ?")


def execute_for(seconds: float, session: Session, prepared: PreparedStatement) -> None:
    """Execute until something is raised, for at most `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        session.execute(prepared, [2])


def test_a_policy_that_is_taken_away_stops_prepared_statements_of_open_connections(
    local_aws: LocalAws, local_keyspaces: LocalKeyspaces
) -> None:
    name = next(NAMES)
    user = local_aws.user(name, TO_CONNECT, allow("cassandra:Select", f"{ARN}shop/table/items"))
    with local_keyspaces.session(user) as session:
        prepared = session.prepare("SELECT name FROM shop.items WHERE id = ?")
        assert session.execute(prepared, [2]).one().name == "hammers"
        local_aws.set_policy(name, TO_CONNECT)
        with pytest.raises(Unauthorized):
            execute_for(5, session, prepared)


def test_an_assumed_role_has_what_role_and_session_policy_both_allow(
    local_aws: LocalAws, local_keyspaces: LocalKeyspaces
) -> None:
    name = next(NAMES)
    role = f"arn:aws:iam::111122223333:role/{name}"
    user = local_aws.user(name, allow("sts:AssumeRole", role))
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::111122223333:user/{name}"},
        "Action": "sts:AssumeRole",
    }
    local_aws.iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))
    local_aws.iam.put_role_policy(RoleName=name, PolicyName="test", PolicyDocument=policy(allow("cassandra:*", "*")))
    session_policy = policy(TO_CONNECT, allow("cassandra:Select", f"{ARN}shop/table/items"))
    answer = local_aws.client("sts", user).assume_role(RoleArn=role, RoleSessionName="alice", Policy=session_policy)
    with local_keyspaces.session(Credentials.of_response(answer)) as session:
        assert session.execute("SELECT name FROM shop.items WHERE id = 2").one().name == "hammers"
        with pytest.raises(Unauthorized) as refused:
            session.execute("DELETE FROM shop.items WHERE id = 2")
    assert f"User: arn:aws:sts::111122223333:assumed-role/{name}/alice is not authorized" in str(refused.value)


# The wire


@contextlib.contextmanager
def connection(keyspaces: LocalKeyspaces) -> Iterator[socket.socket]:
    """A bare TLS connection."""
    with (
        socket.create_connection((ADDRESS, keyspaces.port), timeout=10) as plain,
        keyspaces.tls().wrap_socket(plain, server_hostname="cassandra.us-east-1.amazonaws.com") as secure,
    ):
        yield secure


def ask(secure: socket.socket, version: int, opcode: int, body: bytes = b"") -> tuple[int, bytes]:
    """Send one frame; opcode and body of the answer."""
    secure.sendall(struct.pack(">BBhBi", version, 0, 0, opcode, len(body)) + body)
    stream = secure.makefile("rb")
    _, _, _, answer, length = struct.unpack(">BBhBi", stream.read(9))
    return answer, stream.read(length)


STARTUP = b"\x00\x01\x00\x0bCQL_VERSION\x00\x053.0.0"


@pytest.mark.parametrize(("opcode", "body"), [(5, b""), (1, STARTUP)])
@pytest.mark.parametrize("version", [5, 6, 0x42])
def test_newer_protocol_versions_are_refused_at_once(
    local_keyspaces: LocalKeyspaces, version: int, opcode: int, body: bytes
) -> None:
    with connection(local_keyspaces) as secure:
        answer, text = ask(secure, version, opcode, body)
    assert answer == 0
    assert text[:4] == b"\x00\x00\x00\x0a"
    message = f"Invalid or unsupported protocol version ({version}); supported versions are (3/v3, 4/v4)"
    assert message.encode() in text


@pytest.mark.parametrize("version", [3, 4])
def test_a_login_begins_with_the_name_of_the_authenticator(local_keyspaces: LocalKeyspaces, version: int) -> None:
    with connection(local_keyspaces) as secure:
        _, supported = ask(secure, version, 5)
        assert b"\x00\x053.4.4" in supported
        assert b"5/v5" not in supported
        name = b"com.amazon.helenus.auth.HelenusAuthenticator"
        assert ask(secure, version, 1, STARTUP) == (3, struct.pack(">H", len(name)) + name)


def test_without_tls_nobody_answers(local_keyspaces: LocalKeyspaces) -> None:
    answer = b""
    with socket.create_connection((ADDRESS, local_keyspaces.port), timeout=10) as plain:
        plain.sendall(struct.pack(">BBhBi", 4, 0, 0, 5, 0))
        with contextlib.suppress(ConnectionResetError):
            answer = plain.recv(9)
    assert answer[:1] in (b"", b"\x15")  # nothing, or a TLS alert


# cqlsh

CQLSHRC = """\
[auth_provider]
module = cassandra_sigv4.auth
classname = SigV4AuthProvider

[connection]
hostname = {address}
port = {port}
ssl = true

[ssl]
certfile = {ca}
validate = true
"""


def cqlsh(keyspaces: LocalKeyspaces, credentials: Credentials, folder: Path, statements: str) -> str:
    """What cqlsh prints, with AWS's plug-in as its own documentation configures it."""
    cqlshrc = folder / "cqlshrc"
    cqlshrc.write_text(CQLSHRC.format(address=ADDRESS, port=keyspaces.port, ca=keyspaces.aws.certificates.ca))
    program = Path(sys.executable).with_name("cqlsh")
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "HOME": str(folder),
    }
    done = subprocess.run(
        [program, "--cqlshrc", cqlshrc, "--execute", statements],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout + done.stderr


def test_cqlsh_reads_what_init_cql_wrote(local_aws: LocalAws, local_keyspaces: LocalKeyspaces, tmp_path: Path) -> None:
    user = local_aws.user(next(NAMES), TO_CONNECT, allow("cassandra:Select", f"{ARN}shop/table/items"))
    printed = cqlsh(local_keyspaces, user, tmp_path, "SHOW VERSION; SELECT name FROM shop.items WHERE id = 1")
    assert "Cassandra 3.11.2 | CQL spec 3.4.4 | Native protocol v4" in printed
    assert "nuts; bolts" in printed


def test_cqlsh_writes_at_one_and_is_refused(
    local_aws: LocalAws, local_keyspaces: LocalKeyspaces, tmp_path: Path
) -> None:
    printed = cqlsh(local_keyspaces, local_aws.root, tmp_path, "INSERT INTO shop.items (id) VALUES (1)")
    assert "Consistency level ONE is not supported for this operation." in printed


# The process


def test_a_restart_keeps_the_data_and_forgets_prepared_statements(
    local_aws: LocalAws, local_keyspaces: LocalKeyspaces
) -> None:
    with local_keyspaces.session(local_aws.root) as session:
        session.execute("CREATE KEYSPACE kept WITH REPLICATION = {'class': 'SingleRegionStrategy'}")
        session.execute("CREATE TABLE kept.t (a int PRIMARY KEY)")
        session.execute("INSERT INTO kept.t (a) VALUES (7)")
        session.prepare("SELECT * FROM system.local")
    local_keyspaces.stop()
    local_keyspaces.begin()
    with local_keyspaces.session(local_aws.root) as session:
        assert session.execute("SELECT a FROM kept.t").one().a == 7
        assert session.execute(session.prepare("SELECT * FROM system.local")).one().release_version == "3.11.2"
