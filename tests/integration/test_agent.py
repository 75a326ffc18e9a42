"""A driver, the agent, local AWS and local Keyspaces: the whole way of a statement."""

from __future__ import annotations

import concurrent.futures
import datetime
import hashlib
import http.client
import json
import logging
import os
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cassandra import ConsistencyLevel, InvalidRequest, Unauthorized
from cassandra.cluster import NoHostAvailable, Session
from cassandra.query import SimpleStatement

from local.iam_setup import Administrator
from tests.integration.local_services import ACCOUNT, ADDRESS, TO_CONNECT, LocalAws, LocalKeyspaces
from tests.integration.running_agent import (
    AGENT_ROLE,
    EXTERNAL_ID,
    ClusterKeys,
    Grants,
    RunningAgent,
    environment,
    set_up_iam,
    wait_for,
)

APP = "payments/app"
SELECT = "SELECT name FROM shop.items WHERE id = 1"
INSERT = "INSERT INTO scribbles.lines (id, text) VALUES (1, 'secret-literal')"


@pytest.fixture(scope="module")
def keys() -> ClusterKeys:
    return ClusterKeys()


@pytest.fixture(scope="module")
def running(
    local_aws: LocalAws,
    local_keyspaces: LocalKeyspaces,
    keys: ClusterKeys,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningAgent]:
    directory: Path = tmp_path_factory.mktemp("agent")
    set_up_iam(local_aws, keys, {"KeyspacesReader": ["Select"], "KeyspacesWriter": ["Select", "Modify"]})
    with local_keyspaces.session(local_aws.root) as session:
        session.execute("CREATE KEYSPACE scribbles WITH REPLICATION = {'class': 'SingleRegionStrategy'}")
        session.execute("CREATE TABLE scribbles.lines (id int PRIMARY KEY, text text)")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(local_aws, keys, directory).items():
            patch.setenv(name, value)
        made = RunningAgent(keys, local_keyspaces, directory)
        made.start()
        yield made
        made.stop()


@pytest.fixture
def agent(running: RunningAgent) -> RunningAgent:
    """An agent under whose policy APP may read `shop` and write `scribbles`."""
    running.apply(grants())
    return running


def grants() -> Grants:
    return (
        Grants()
        .allow(APP, "KeyspacesReader", "Select", "shop")
        .allow(APP, "KeyspacesWriter", "Modify", "scribbles")
        .allow(APP, "KeyspacesWriter", "Select", "scribbles")
    )


@pytest.fixture
def reader(agent: RunningAgent, keys: ClusterKeys) -> Iterator[Session]:
    """A session of APP as KeyspacesReader."""
    with agent.cluster("KeyspacesReader", keys.token(APP)) as cluster:
        yield cluster.connect()


def login_error(agent: RunningAgent, username: str, token: str) -> str:
    with agent.cluster(username, token, protocol_version=4) as cluster, pytest.raises(NoHostAvailable) as refused:
        cluster.connect()
    return str(refused.value).replace("\\'", "'")


def read_until_refused(session: Session) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        session.execute(SELECT)


# Statements


def test_a_granted_select_returns_rows(reader: Session) -> None:
    assert reader.execute(SELECT).one().name == "nuts; bolts"
    prepared = reader.prepare("SELECT name FROM shop.items WHERE id = ?")
    assert reader.execute(prepared, [2]).one().name == "hammers"


def test_a_driver_that_negotiates_finds_one_node_and_the_schema(reader: Session) -> None:
    cluster = reader.cluster
    assert cluster.protocol_version == 4
    assert cluster.metadata.cluster_name == "Amazon Keyspaces"
    assert [host.datacenter for host in cluster.metadata.all_hosts()] == ["us-east-1"]
    assert "items" in cluster.metadata.keyspaces["shop"].tables


def test_a_write_outside_the_grant_is_refused_and_the_session_lives(reader: Session) -> None:
    with pytest.raises(Unauthorized, match="Modify"):
        reader.execute("INSERT INTO shop.items (id, name) VALUES (3, 'theft')")
    with pytest.raises(Unauthorized):
        reader.execute("SELECT * FROM scribbles.lines")
    assert reader.execute(SELECT).one().name == "nuts; bolts"


def test_a_granted_write_is_written_even_at_a_level_that_keyspaces_refuses(
    agent: RunningAgent, keys: ClusterKeys
) -> None:
    with agent.cluster("KeyspacesWriter", keys.token(APP)) as cluster:
        session = cluster.connect()
        session.execute(SimpleStatement(INSERT, consistency_level=ConsistencyLevel.ONE))
        assert session.execute("SELECT text FROM scribbles.lines WHERE id = 1").one().text == "secret-literal"


def test_what_passes_through_is_for_keyspaces_to_refuse(agent: RunningAgent, keys: ClusterKeys) -> None:
    passing = grants()
    passing.database["consistency"] = {"writes": "PassThrough", "reads": "PassThrough"}
    agent.apply(passing)
    with agent.cluster("KeyspacesWriter", keys.token(APP)) as cluster:
        session = cluster.connect()
        for statement in (INSERT, "SELECT text FROM scribbles.lines WHERE id = 1"):
            with pytest.raises(InvalidRequest, match="Consistency level EACH_QUORUM is not supported"):
                session.execute(SimpleStatement(statement, consistency_level=ConsistencyLevel.EACH_QUORUM))
        session.execute(SimpleStatement(INSERT, consistency_level=ConsistencyLevel.LOCAL_QUORUM))
        agent.apply(grants())
        session.execute(SimpleStatement(INSERT, consistency_level=ConsistencyLevel.EACH_QUORUM))


def test_an_error_of_keyspaces_reaches_the_client(reader: Session) -> None:
    with pytest.raises(InvalidRequest, match=r"unconfigured table shop\.nothing"):
        reader.execute("SELECT * FROM shop.nothing")


def test_thousands_of_concurrent_statements_get_their_own_answers(reader: Session) -> None:
    prepared = reader.prepare("SELECT id, name FROM shop.items WHERE id = ?")
    futures = [(n % 2 + 1, reader.execute_async(prepared, [n % 2 + 1])) for n in range(3000)]
    for wanted, future in futures:
        assert future.result().one().id == wanted


def test_a_large_result_arrives_whole_though_the_client_is_slow(
    agent: RunningAgent, keys: ClusterKeys, local_keyspaces: LocalKeyspaces
) -> None:
    text = "x" * 500_000
    with local_keyspaces.session(local_keyspaces.aws.root) as root:
        for number in range(100, 112):
            root.execute("INSERT INTO scribbles.lines (id, text) VALUES (%s, %s)", [number, text])
    with agent.cluster("KeyspacesWriter", keys.token(APP)) as cluster:
        session = cluster.connect()
        futures = [
            session.execute_async("SELECT text FROM scribbles.lines WHERE id = %s", [n]) for n in range(100, 112)
        ]
        assert all(future.result().one().text == text for future in futures)


# Logins


def test_a_role_is_chosen_by_name_by_arn_or_left_out_where_there_is_one(agent: RunningAgent, keys: ClusterKeys) -> None:
    agent.apply(Grants().allow(APP, "KeyspacesReader", "Select", "shop"))
    for username in ("KeyspacesReader", f"arn:aws:iam::{ACCOUNT}:role/KeyspacesReader"):
        with agent.cluster(username, keys.token(APP)) as cluster:
            assert cluster.connect().execute(SELECT).one()


def test_refused_logins_say_what_to_do(agent: RunningAgent, keys: ClusterKeys) -> None:
    api_token = keys.token(APP, audience="https://kubernetes.default.svc")
    assert "projected ServiceAccount token with the audience 'keyward.dev/payments/orders'" in login_error(
        agent, "KeyspacesReader", api_token
    )
    other = keys.token(APP, audience="keyward.dev/payments/invoices")
    assert "not for this database" in login_error(agent, "KeyspacesReader", other)
    assert "read it again" in login_error(agent, "KeyspacesReader", keys.token(APP, life=-1))
    assert "not a ServiceAccount token" in login_error(agent, "KeyspacesReader", "hunter2")
    forged = ClusterKeys().token(APP)
    assert "Kubernetes does not accept the token" in login_error(agent, "KeyspacesReader", forged)
    assert "'KeyspacesReader', 'KeyspacesWriter'" in login_error(agent, "KeyspacesAdmin", keys.token(APP))
    stranger = keys.token("payments/stranger")
    assert "system:serviceaccount:payments:stranger has no grant" in login_error(agent, "KeyspacesReader", stranger)


def test_a_role_that_does_not_trust_the_agent_is_told_with_the_trust_it_needs(
    agent: RunningAgent, keys: ClusterKeys, local_aws: LocalAws
) -> None:
    administrator = Administrator(local_aws.client("iam", local_aws.root))
    nobody = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    administrator.database_role(
        "KeyspacesDistrusting",
        trust_policy=json.dumps({"Version": "2012-10-17", "Statement": [nobody]}),
        statements=[TO_CONNECT],
    )
    agent.apply(grants().allow(APP, "KeyspacesDistrusting", "Select", "shop"))
    message = login_error(agent, "KeyspacesDistrusting", keys.token(APP))
    for needed in (AGENT_ROLE, EXTERNAL_ID, "role/KeyspacesDistrusting", "sts:TagSession"):
        assert needed in message

    def roles() -> dict[str, dict[str, Any]]:
        return {role["dbUser"]: role for role in agent.status().get("roles", [])}

    wait_for(lambda: "KeyspacesDistrusting" in roles(), "the status", 30)
    assert roles()["KeyspacesReader"]["assumable"]
    assert not roles()["KeyspacesDistrusting"]["assumable"]
    assert EXTERNAL_ID in roles()["KeyspacesDistrusting"]["reason"]


# What others see


def http_get(agent: RunningAgent, path: str) -> str:
    """The body that the agent's health port answers."""
    connection = http.client.HTTPConnection(ADDRESS, agent.agent.health_port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def test_aws_sees_who_called_and_gets_the_grant_as_session_policy(
    agent: RunningAgent, keys: ClusterKeys, local_aws: LocalAws
) -> None:
    agent.apply(grants().allow("payments/audited", "KeyspacesReader", "Select", "shop", "items"))
    with agent.cluster("KeyspacesReader", keys.token("payments/audited")) as cluster:
        session = cluster.connect()
        session.execute(SELECT)
    calls = [
        call
        for call in local_aws.admin.calls()
        if call["action"] == "sts:AssumeRole" and call["parameters"].get("RoleSessionName") == "payments@audited"
    ]
    assert len(calls) == 1, "all connections of a driver share one AssumeRole"
    parameters = calls[0]["parameters"]
    assert parameters["SourceIdentity"] == "payments@audited"
    assert parameters["ExternalId"] == EXTERNAL_ID
    tags = {tag["Key"]: tag["Value"] for tag in parameters["Tags"]}
    assert tags["keyward:user"] == "system:serviceaccount:payments:audited"
    assert f"arn:aws:cassandra:us-east-1:{ACCOUNT}:/keyspace/shop/table/items" in parameters["Policy"]
    assert "keyward-agent" in calls[0]["principal"]


def test_the_trail_names_caller_statement_and_outcome_and_its_chain_holds(
    agent: RunningAgent, keys: ClusterKeys
) -> None:
    token = keys.token(APP)
    before = len(agent.records())
    with agent.cluster("KeyspacesWriter", token) as cluster:
        session = cluster.connect()
        session.execute(INSERT)
        with pytest.raises(Unauthorized):
            session.execute("DELETE FROM shop.items WHERE id = 1")
    wait_for(lambda: [r for r in agent.records()[before:] if r["event"] == "session.end"], "the end of the session")
    statements = [r for r in agent.records("statement") if r["seq"] >= before and r.get("resources")]
    written = next(r for r in statements if r["outcome"] == "ok" and r["form"] == "INSERT")
    assert written["identity"] == "system:serviceaccount:payments:app"
    assert written["dbUser"] == "KeyspacesWriter"
    assert written["awsSessionName"] == "payments@app"
    assert written["resources"] == [{"permission": "Modify", "keyspace": "scribbles", "table": "lines"}]
    assert "secret-literal" not in written["statement"]
    denied = next(r for r in statements if r["outcome"] == "denied")
    assert not denied["decision"]["allowed"]
    lines = agent.audit.getvalue().splitlines()
    previous = ["0" * 64] + [hashlib.sha256(line).hexdigest() for line in lines]
    for position, line in enumerate(lines):
        record = json.loads(line)
        assert (record["seq"], record["prev"]) == (position, previous[position])


def test_no_token_and_no_key_appears_in_trail_logs_metrics_or_status(
    agent: RunningAgent, keys: ClusterKeys, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="keyward_proxy")
    good, expired, foreign = keys.token(APP), keys.token(APP, life=-1), ClusterKeys().token(APP)
    with agent.cluster("KeyspacesReader", good) as cluster:
        cluster.connect().execute(SELECT)
    for refused in (expired, foreign):
        login_error(agent, "KeyspacesReader", refused)
    cached = [entry.credentials for entry in agent.agent._cache._entries.values() if entry.credentials]
    canaries = [secret.rpartition(".")[2] for secret in (good, expired, foreign)]
    canaries += [Path(os.environ["AWS_WEB_IDENTITY_TOKEN_FILE"]).read_text().rpartition(".")[2]]
    canaries += [credentials.secret_access_key.reveal() for credentials in cached]
    canaries += [credentials.session_token.reveal() for credentials in cached if credentials.session_token]
    said = "\n".join(
        [caplog.text, agent.audit.getvalue().decode(), http_get(agent, "/metrics"), json.dumps(agent.server.applied)]
    )
    assert len(canaries) >= 6
    assert [canary for canary in canaries if canary in said] == []


def test_readiness_and_metrics_tell_the_truth(agent: RunningAgent, reader: Session) -> None:
    reader.execute(SELECT)
    assert json.loads(http_get(agent, "/readyz")) == {"ready": True, "reasons": []}
    metrics = http_get(agent, "/metrics")
    assert 'keyward_statements_total{outcome="ok"}' in metrics
    assert 'keyward_open_connections{phase="session"}' in metrics
    revision = agent.agent._view.revision
    wait_for(lambda: agent.status().get("observedRevision") == revision, "the status", 30)
    assert agent.status()["ready"]
    wait_for(lambda: agent.status().get("identity"), "what STS says", 30)
    assert "assumed-role/keyward-agent" in agent.status()["identity"]
    assert agent.status()["endpoint"] == {"reachable": True, "reason": ""}


# Policy


def test_a_grant_that_ends_closes_its_sessions_within_seconds(agent: RunningAgent, keys: ClusterKeys) -> None:
    with agent.cluster("KeyspacesReader", keys.token(APP)) as cluster:
        session = cluster.connect()
        session.execute(SELECT)
        began = time.monotonic()
        agent.apply(Grants().allow("payments/other", "KeyspacesReader", "Select", "shop"))
        with pytest.raises((Unauthorized, NoHostAvailable)):
            read_until_refused(session)
        assert time.monotonic() - began < 5
    ends = [record for record in agent.records("session.end") if record["identity"].endswith(":app")]
    assert wait_for(lambda: ends, "the end")


def test_a_lock_closes_live_sessions_and_refuses_logins_until_it_ends(agent: RunningAgent, keys: ClusterKeys) -> None:
    with agent.cluster("KeyspacesReader", keys.token(APP)) as cluster:
        session = cluster.connect()
        session.execute(SELECT)
        ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=10)
        began = time.monotonic()
        agent.apply(grants().lock(name="incident", message="call 112", dbUser="KeyspacesReader", notAfter=str(ends)))
        with pytest.raises((Unauthorized, NoHostAvailable)) as refused:
            read_until_refused(session)
        assert time.monotonic() - began < 5
    assert "by KeyspacesLock incident: call 112" in str(refused.value)
    refusal = login_error(agent, "KeyspacesReader", keys.token(APP))
    assert "is locked out of IAM role 'KeyspacesReader' on database payments/orders until" in refusal
    with agent.cluster("KeyspacesWriter", keys.token(APP)) as cluster:
        cluster.connect().execute("SELECT id FROM scribbles.lines")
    wait_for(lambda: not agent.agent._view.spec.locks, "the end of the lock")
    assert datetime.datetime.now(datetime.UTC) >= ends
    with agent.cluster("KeyspacesReader", keys.token(APP)) as cluster:
        assert cluster.connect().execute(SELECT).one()
    assert [record["reason"] for record in agent.records("session.denied")][-1] == "Locked"
    assert "Locked" in [record["reason"] for record in agent.records("session.end")]


def test_a_grant_that_grows_serves_a_new_connection_at_once(agent: RunningAgent, keys: ClusterKeys) -> None:
    with agent.cluster("KeyspacesReader", keys.token(APP)) as cluster, pytest.raises(Unauthorized):
        cluster.connect().execute("SELECT * FROM scribbles.lines")
    agent.apply(grants().allow(APP, "KeyspacesReader", "Select", "scribbles"))
    with agent.cluster("KeyspacesReader", keys.token(APP)) as cluster:
        cluster.connect().execute("SELECT id FROM scribbles.lines")


def test_a_change_for_others_disturbs_nobody(agent: RunningAgent, reader: Session) -> None:
    before = len(agent.records("session.end"))
    agent.apply(grants().allow("payments/newcomer", "KeyspacesReader", "Select", "shop"))
    for _ in range(20):
        assert reader.execute(SELECT).one()
    assert len(agent.records("session.end")) == before


# The wire


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: agent\r\n\r\n",
        struct.pack(">BBhBi", 4, 0, 0, 1, 2**31 - 1),
        struct.pack(">BBhBi", 4, 0, 0, 1, -1),
        struct.pack(">BBhBi", 4, 0, 0, 99, 0),
        bytes(range(256)) * 64,
    ],
)
def test_broken_input_ends_the_connection_with_an_error_and_nothing_else(
    agent: RunningAgent, reader: Session, data: bytes
) -> None:
    with (
        socket.create_connection((ADDRESS, agent.agent.port), timeout=10) as plain,
        agent.tls().wrap_socket(plain, server_hostname="keyward-orders.payments.svc") as secure,
    ):
        secure.sendall(data)
        answer = b""
        while len(answer) < 9 and (more := secure.recv(4096)):
            answer += more
    assert answer[4:5] == b"\x00", "an ERROR frame"
    assert reader.execute(SELECT).one()
    assert agent.metrics.errors._value.get() == 0


def test_many_clients_come_and_go(agent: RunningAgent, keys: ClusterKeys) -> None:
    def visit(_: int) -> str:
        with agent.cluster("KeyspacesReader", keys.token(APP), protocol_version=4) as cluster:
            return cluster.connect().execute(SELECT).one().name

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert set(pool.map(visit, range(24))) == {"nuts; bolts"}
    wait_for(lambda: len(agent.agent._server) == 0, "all connections to be gone")


# The end; last in this file, since the agent is gone after it.


def test_an_agent_that_stops_ends_its_sessions_and_its_trail(running: RunningAgent, keys: ClusterKeys) -> None:
    running.apply(grants())
    with running.cluster("KeyspacesReader", keys.token(APP)) as cluster:
        session = cluster.connect()
        session.execute(SELECT)
        began = time.monotonic()
        running.stop()
        assert time.monotonic() - began < 15
        with pytest.raises(NoHostAvailable):
            read_until_refused(session)
    last = running.records()[-1]
    assert (last["event"], last["reason"], last["lost"]) == ("agent.stop", "stopped", 0)
    assert running.server.applied[-1][1]["status"] == {}
    assert running.metrics.errors._value.get() == 0
