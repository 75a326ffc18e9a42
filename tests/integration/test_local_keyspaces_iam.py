"""Who may log in to local Keyspaces and what each statement needs, with IAM as local AWS evaluates it."""

import itertools
import time
from dataclasses import replace

import pytest
from cassandra import Unauthorized
from cassandra.auth import AuthProvider, PlainTextAuthProvider
from cassandra.cluster import NoHostAvailable, Session
from cassandra.query import PreparedStatement

from local.aws.client import Credentials
from tests.integration.local_services import ARN, TO_CONNECT, LocalAws, LocalKeyspaces, SigV4, allow, policy

NAMES = (f"iam-{number}" for number in itertools.count())


def failure(keyspaces: LocalKeyspaces, provider: AuthProvider) -> str:
    """What the driver says of a login that must fail."""
    with keyspaces.cluster(provider) as cluster, pytest.raises(NoHostAvailable) as refused:
        cluster.connect()
    return str(refused.value)


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


RESTORE = [("Restore", f"{ARN}scratch/table/New"), ("Select", T)]


@pytest.mark.parametrize("missing", [0, 1])
def test_restoring_a_table_needs_restore_on_the_new_and_select_on_the_old(
    local_aws: LocalAws, local_keyspaces: LocalKeyspaces, missing: int
) -> None:
    action, resource = RESTORE[1 - missing]
    user = local_aws.user(next(NAMES), TO_CONNECT, allow(f"cassandra:{action}", resource))
    with local_keyspaces.session(user) as session, pytest.raises(Unauthorized, match="code=2100") as refused:
        session.execute("/**/restore table scratch . \"New\" FROM TABLE scratch.t WITH restore_timestamp = 'x'")
    needed = f"cassandra:{RESTORE[missing][0]} on resource: {RESTORE[missing][1]}"
    assert needed in str(refused.value)


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
