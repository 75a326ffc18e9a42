"""The main job: a pod reads what it may, is refused what it may not, and all of it is on record."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e import frames, manifests
from tests.e2e.audit import Record, record_of
from tests.e2e.kube import Kubectl
from tests.e2e.pods import ClientPod, Driver
from tests.e2e.surroundings import Surroundings
from tests.e2e.tenants import Database, Tenant


@pytest.fixture(scope="module")
def database(tenant: Tenant) -> Database:
    """`reader` may select from the items of both keyspaces but one table, `writer` writes into the first's."""
    database = tenant.database(iam_roles=[tenant.iam_role(name) for name in ("reader", "writer", "builder")])
    reader, writer = [tenant.iam_role("reader")], [tenant.iam_role("writer")]
    tenant.grant("reader", "reader", manifests.rule(db_users=reader, keyspaces=["e2e_shop"], tables=["items"]))
    write = manifests.rule(db_users=writer, keyspaces=["e2e_shop"], tables=["items"], permissions=["Select", "Modify"])
    tenant.grant("writer", "writer", write)
    return database


@pytest.fixture(scope="module")
def reading_pod(tenant: Tenant, database: Database) -> ClientPod:
    return tenant.client("reader")


@pytest.fixture(scope="module")
def reader(tenant: Tenant, reading_pod: ClientPod) -> Iterator[Driver]:
    """A driver with a session named `reader`."""
    with reading_pod.driver() as driver:
        driver.connect_once_granted("reader", tenant.iam_role("reader"))
        yield driver


@pytest.fixture(scope="module")
def writer(tenant: Tenant, database: Database) -> Iterator[Driver]:
    """A driver with a session named `writer`, in a pod of another ServiceAccount."""
    with tenant.client("writer").driver() as driver:
        driver.connect_once_granted("writer", tenant.iam_role("writer"))
        yield driver


def statement(database: Database, what: str, **wanted: Any) -> Record:
    """The newest audit record of a statement with these members."""

    def matches(record: Record) -> bool:
        return record["event"] == "statement" and all(record.get(key) == value for key, value in wanted.items())

    return record_of(database.kube, database.namespace, database.name, what, matches)


def test_cqlsh_prints_the_rows_that_its_role_may_read(tenant: Tenant, reader: Driver, reading_pod: ClientPod) -> None:
    done = reading_pod.cqlsh("SELECT id, name FROM e2e_shop.items", "-u", tenant.iam_role("reader"))
    assert done.status == 0, done.output
    assert "anvil" in done.stdout
    assert "bellows" in done.stdout


def test_cqlsh_is_told_what_is_missing_where_it_may_not_write(
    tenant: Tenant, reader: Driver, reading_pod: ClientPod, surroundings: Surroundings
) -> None:
    insert = "INSERT INTO e2e_shop.items (id, name) VALUES (99, 'stolen')"
    done = reading_pod.cqlsh(insert, "-u", tenant.iam_role("reader"))
    assert done.status != 0
    assert f"system:serviceaccount:{tenant.namespace}:reader may not Modify e2e_shop.items" in done.output
    assert f"database {tenant.namespace}/orders as IAM role '{tenant.iam_role('reader')}'" in done.output
    assert "permissions [Modify]" in done.output
    with surroundings.keyspaces() as session:
        assert not list(session.execute("SELECT id FROM e2e_shop.items WHERE id = 99"))


def test_a_driver_that_negotiates_the_protocol_sees_the_agents_as_nodes_and_the_schema(
    tenant: Tenant, database: Database, reader: Driver
) -> None:
    answer = reader.do("connect", name="negotiated", user=tenant.iam_role("reader"), protocol=None)
    assert answer["protocol"] == 4
    assert "e2e_shop" in answer["keyspaces"]
    agents = {f"{pod['status']['podIP']}:9142" for pod in database.agents()}
    (service,) = (
        found["spec"]["clusterIP"] for found in database.children("services") if "." in found["spec"]["clusterIP"]
    )
    assert set(answer["hosts"]) == agents | {f"{service}:9142"}
    reader.do("close", name="negotiated")
    again = reader.do("connect", name="through the Service", user=tenant.iam_role("reader"), address=service)
    assert again["hosts"] == answer["hosts"]
    reader.do("close", name="through the Service")


@pytest.mark.parametrize("prepared", [False, True], ids=["simple", "prepared"])
def test_the_python_driver_reads_rows(reader: Driver, prepared: bool) -> None:
    cql = "SELECT name FROM e2e_shop.items WHERE id = 2"
    assert reader.do("execute", name="reader", cql=cql, prepared=prepared)["rows"] == [["bellows"]]


def test_an_allowed_statement_is_on_record_with_who_what_why_and_how_it_ended(
    tenant: Tenant, database: Database, reader: Driver
) -> None:
    reader.do("execute", name="reader", cql="SELECT id, name FROM e2e_shop.items WHERE id = 1")
    record = statement(database, "the SELECT", statement="SELECT id, name FROM e2e_shop.items WHERE id = ?")
    agent = database.agents()[0]["metadata"]["name"]
    expected = {
        "namespace": tenant.namespace,
        "database": "orders",
        "agent": agent,
        "identity": f"system:serviceaccount:{tenant.namespace}:reader",
        "dbUser": tenant.iam_role("reader"),
        "awsSessionName": f"{tenant.namespace}@reader",
        "opcode": "QUERY",
        "form": "SELECT",
        "outcome": "ok",
        "rows": 1,
        "resources": [{"permission": "Select", "keyspace": "e2e_shop", "table": "items"}],
    }
    assert {key: record.get(key) for key in expected} == expected
    assert record["decision"]["allowed"] is True
    assert record["decision"]["rule"] == "reader/allow/0"
    assert record["accessKeyId"].startswith("ASIA")
    assert record["latencyMs"] > 0
    assert "errorCode" not in record


def test_a_write_without_modify_is_refused_and_on_record_and_the_session_goes_on(
    tenant: Tenant, database: Database, reader: Driver
) -> None:
    insert = "INSERT INTO e2e_shop.items (id, name) VALUES (98, 'stolen')"
    refusal = reader.refusal("execute", name="reader", cql=insert)
    assert refusal["type"] == "Unauthorized"
    assert "may not Modify e2e_shop.items" in refusal["message"]
    record = statement(database, "the INSERT", outcome="denied", form="INSERT", errorCode="0x2100")
    assert record["identity"] == f"system:serviceaccount:{tenant.namespace}:reader"
    assert record["decision"]["allowed"] is False
    assert record["answeredBy"] == "agent"
    assert "stolen" not in str(record)
    assert reader.do("execute", name="reader", cql="SELECT name FROM e2e_shop.items WHERE id = 1")["rows"]


@pytest.mark.parametrize(
    ("cql", "table"),
    [
        ("SELECT * FROM e2e_shop.secrets", "e2e_shop.secrets"),
        ("SELECT * FROM e2e_depot.items", "e2e_depot.items"),
        ('SELECT * FROM "e2e_shop"."secrets" WHERE id = 1', "e2e_shop.secrets"),
        ("SELECT/**/*/**/FROM/**/E2E_SHOP/**/./**/SECRETS -- items", "e2e_shop.secrets"),
        ("SELECT * FROM system.size_estimates", "system.size_estimates"),
    ],
)
@pytest.mark.parametrize("prepared", [False, True], ids=["simple", "prepared"])
def test_a_table_outside_the_grant_is_refused_however_it_is_written(
    reader: Driver, cql: str, table: str, prepared: bool
) -> None:
    refusal = reader.refusal("execute", name="reader", cql=cql, prepared=prepared)
    assert refusal["code"] == frames.UNAUTHORIZED
    assert f"may not Select {table}" in refusal["message"]


@pytest.mark.parametrize(
    "cql",
    [
        "CREATE TABLE e2e_shop.other (id int PRIMARY KEY)",
        "DROP TABLE e2e_shop.items",
        "TRUNCATE e2e_shop.items",
        "GRANT SELECT ON e2e_shop.items TO anybody",
        "BEGIN UNLOGGED BATCH INSERT INTO e2e_shop.items (id) VALUES (9); DELETE FROM e2e_depot.items WHERE id = 1; "
        "APPLY BATCH",
        "SELECT * FROM e2e_shop.items; DROP TABLE e2e_shop.items",
    ],
)
def test_what_is_outside_the_grant_or_not_read_in_full_is_refused(writer: Driver, cql: str) -> None:
    refusal = writer.refusal("execute", name="writer", cql=cql)
    assert refusal["type"] in ("InvalidRequest", "SyntaxException", "Unauthorized", "ConfigurationException"), refusal
    assert writer.do("execute", name="writer", cql="SELECT name FROM e2e_shop.items WHERE id = 1")["rows"]


def test_a_batch_inside_the_grant_runs_and_is_on_record(database: Database, writer: Driver) -> None:
    batch = (
        "BEGIN UNLOGGED BATCH INSERT INTO e2e_shop.items (id, name) VALUES (60, 'file'); "
        "INSERT INTO e2e_shop.items (id, name) VALUES (61, 'rasp'); APPLY BATCH"
    )
    writer.do("execute", name="writer", cql=batch)
    record = statement(database, "the batch", form="BATCH", outcome="ok")
    assert record["resources"] == [{"permission": "Modify", "keyspace": "e2e_shop", "table": "items"}]
    assert "rasp" not in str(record)
    assert writer.do("execute", name="writer", cql="SELECT name FROM e2e_shop.items WHERE id = 61")["rows"]


def test_schema_statements_need_permissions_of_their_own(tenant: Tenant, database: Database, writer: Driver) -> None:
    """Decided by the agent, then by IAM from the session policy made of the same rule."""
    builder = tenant.iam_role("builder")
    tenant.grant(
        "builder",
        "builder",
        manifests.rule(
            db_users=[builder], keyspaces=["e2e_shop"], tables=["made_*"], permissions=["Create", "Alter", "Drop"]
        ),
    )
    create = f"CREATE TABLE e2e_shop.made_{tenant.namespace.replace('-', '_')[-20:]} (id int PRIMARY KEY)"
    table = create.split()[2]
    with tenant.client("builder").driver() as driver:
        driver.connect_once_granted("builder", builder)
        for cql in (create, f"ALTER TABLE {table} ADD a int", f"DROP TABLE {table}"):
            driver.do("execute", name="builder", cql=cql)
        for cql in (
            "CREATE TABLE e2e_shop.other (id int PRIMARY KEY)",
            "DROP TABLE e2e_shop.items",
            "DROP KEYSPACE e2e_shop",
        ):
            assert driver.refusal("execute", name="builder", cql=cql)["code"] == frames.UNAUTHORIZED
    record = statement(database, "the new table", form="CREATE TABLE", outcome="ok")
    assert record["resources"][0]["permission"] == "Create"
    assert writer.refusal("execute", name="writer", cql=create)["code"] == frames.UNAUTHORIZED


def test_the_same_text_is_judged_by_who_sends_it(
    tenant: Tenant, database: Database, reader: Driver, writer: Driver, surroundings: Surroundings
) -> None:
    insert = "INSERT INTO e2e_shop.items (id, name) VALUES (50, 'chisel')"
    for _ in range(2):
        writer.do("execute", name="writer", cql=insert)
        assert reader.refusal("execute", name="reader", cql=insert)["type"] == "Unauthorized"
        written = statement(database, "the write", form="INSERT", outcome="ok")
        assert written["identity"] == f"system:serviceaccount:{tenant.namespace}:writer"
        assert written["dbUser"] == tenant.iam_role("writer")
        assert written["awsSessionName"] == f"{tenant.namespace}@writer"
    with surroundings.keyspaces() as session:
        assert [row.name for row in session.execute("SELECT name FROM e2e_shop.items WHERE id = 50")] == ["chisel"]


def test_a_write_at_consistency_one_is_raised_to_what_keyspaces_takes(database: Database, writer: Driver) -> None:
    insert = "INSERT INTO e2e_shop.items (id, name) VALUES (51, 'drill')"
    writer.do("execute", name="writer", cql=insert, level="ONE")
    record = statement(database, "the raised write", form="INSERT", requestedConsistency="ONE")
    assert record["consistency"] == "LOCAL_QUORUM"
    assert record["outcome"] == "ok"


def test_a_pipelined_use_is_a_barrier(tenant: Tenant, database: Database, reader: Driver) -> None:
    """An unqualified statement is judged in the keyspace in which it will run, however fast it follows USE."""
    assert reader.do("wire_login", name="pipeline", user=tenant.iam_role("reader"))["in"]
    pipeline = [
        "USE e2e_shop",
        "SELECT name FROM items WHERE id = 1",
        "USE e2e_depot",
        "SELECT name FROM items WHERE id = 1",
        "SELECT name FROM secrets WHERE id = 1",
        "USE e2e_shop",
        "SELECT name FROM secrets WHERE id = 1",
        "SELECT name FROM items WHERE id = 2",
    ]
    together = "".join(frames.query(cql, stream=number) for number, cql in enumerate(pipeline))
    reader.do("wire_send", name="pipeline", data=together)
    answers = reader.do("wire_read", name="pipeline", frames=len(pipeline), seconds=15)["frames"]
    by_stream = {answer["stream"]: answer for answer in answers}
    assert sorted(by_stream) == list(range(len(pipeline)))
    refused = {stream: answer["message"] for stream, answer in by_stream.items() if answer["opcode"] == frames.ERROR}
    assert sorted(refused) == [3, 4, 6]
    assert "may not Select e2e_depot.items" in refused[3]
    assert "may not Select e2e_depot.secrets" in refused[4]
    assert "may not Select e2e_shop.secrets" in refused[6]
    assert b"anvil".hex() in by_stream[1]["body"]
    assert b"bellows".hex() in by_stream[7]["body"]
    reader.do("wire_close", name="pipeline")


def test_preparing_use_is_refused(reader: Driver) -> None:
    refusal = reader.refusal("execute", name="reader", cql="USE e2e_shop", prepared=True)
    assert "USE cannot be prepared" in refusal["message"]


def test_nothing_but_audit_records_is_on_the_agents_stdout(
    platform: Kubectl, database: Database, reader: Driver
) -> None:
    reader.do("execute", name="reader", cql="SELECT id FROM e2e_shop.items")
    record = statement(database, "a SELECT", form="SELECT", outcome="ok")
    assert {"time", "seq", "prev", "event", "session", "clientAddress"} <= record.keys()
