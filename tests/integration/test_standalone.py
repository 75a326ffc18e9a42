"""An agent without Kubernetes, as a process: its callers, its policy, its end."""

from __future__ import annotations

import http.client
import json
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cassandra import Unauthorized
from cassandra.cluster import NoHostAvailable, Session
from cassandra.connection import ConnectionException
from cryptography.x509.oid import ExtendedKeyUsageOID

from keyward_proxy.standalone.policy import PolicySettings, load_policy
from tests.integration.local_services import ADDRESS, LocalAws, LocalKeyspaces
from tests.integration.running_agent import ClusterKeys, set_up_iam, wait_for
from tests.integration.standalone_agent import CLUSTER_UID, MetadataService, StandaloneAgent, forwarded
from tests.unit.proxy.auth.issuers import ISSUER, Signer, signed_with_public_key, unsigned
from tests.unit.proxy.net.authorities import make_authority, pem
from tests.unit.proxy.net.callers import Caller, issue_caller
from tests.unit.proxy.standalone.folder import LOCK, ROLE, USER

SELECT = "SELECT name FROM shop.items WHERE id = 1"
CLIENTS = make_authority(name="client CA")
SIGNER = Signer()
SERVICE_ACCOUNT = "    - kind: ServiceAccount\n      name: app\n      namespace: payments\n"
USERS = USER.replace("  roles:", f"{SERVICE_ACCOUNT}  roles:")
ALICE = issue_caller(CLIENTS)


@pytest.fixture(scope="module")
def running(
    local_aws: LocalAws, local_keyspaces: LocalKeyspaces, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StandaloneAgent]:
    keys = ClusterKeys()
    set_up_iam(local_aws, keys, {"KeyspacesReader": ["Select"]})
    directory: Path = tmp_path_factory.mktemp("standalone")
    (directory / "clients.pem").write_text(pem(CLIENTS))
    (directory / "jwks.json").write_bytes(SIGNER.jwks())
    metadata = MetadataService(local_aws, keys)
    with forwarded(local_keyspaces.port) as upstream:
        agent = StandaloneAgent(directory, local_keyspaces, metadata, upstream)
        agent.write("role", ROLE)
        agent.write("user", USERS)
        agent.start(
            *("--client-ca", str(directory / "clients.pem")),
            *("--token-issuer", ISSUER, "--token-jwks", str(directory / "jwks.json")),
        )
        yield agent
        if agent.process and agent.process.poll() is None:
            agent.stop()
    metadata.stop()


@pytest.fixture
def agent(running: StandaloneAgent) -> StandaloneAgent:
    """An agent under whose policy alice, the group dba and the ServiceAccount payments/app may read `shop`."""
    running.write("role", ROLE)
    running.write("user", USERS)
    wait_for(lambda: readiness(running) == {"ready": True, "reasons": []} and in_force(running), "the policy")
    return running


def readiness(agent: StandaloneAgent) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(agent.health("/readyz")[1])
    return found


def in_force(agent: StandaloneAgent) -> bool:
    """Whether the policy of the agent is the one in its folder."""
    settings = PolicySettings(directory=agent.manifests, cluster_uid=CLUSTER_UID, advertise_address=ADDRESS)
    return bool(load_policy(settings).spec.revision == agent.records("policy.changed")[-1]["policyRevision"])


def denials(agent: StandaloneAgent, says: str) -> list[dict[str, Any]]:
    """Refusals of a certificate with these words."""
    found = agent.records("session.denied")
    return [record for record in found if record["reason"] == "CertificateRefused" and says in record["message"]]


def read_as(agent: StandaloneAgent, username: str = "KeyspacesReader", **options: Any) -> str:
    with agent.cluster(username, **options) as cluster:
        return str(cluster.connect().execute(SELECT).one().name)


def refusal(agent: StandaloneAgent, username: str = "KeyspacesReader", **options: Any) -> str:
    with agent.cluster(username, **options) as cluster, pytest.raises(NoHostAvailable) as refused:
        cluster.connect()
    return str(refused.value).replace("\\'", "'")


# Certificates


def test_a_certificate_is_enough_to_read(agent: StandaloneAgent) -> None:
    assert read_as(agent, caller=ALICE) == "nuts; bolts"
    assert read_as(agent, "", caller=ALICE) == "nuts; bolts"
    agent.recorded(
        "session.start", identity="alice", dbUser="KeyspacesReader", awsSessionName="u=alice", agent="machine-1"
    )


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_group_is_as_good_as_a_name(agent: StandaloneAgent, version: ssl.TLSVersion) -> None:
    bob = issue_caller(CLIENTS, uris=("keyward://user/bob%40example.com", "keyward://group/dba"))
    context = agent.tls(bob)
    context.maximum_version = context.minimum_version = version
    cluster = agent.cluster("KeyspacesReader", caller=bob)
    cluster.ssl_context = context
    with cluster:
        assert cluster.connect().execute(SELECT).one().name == "nuts; bolts"
    agent.recorded("session.start", identity="bob@example.com")


@pytest.mark.parametrize(
    "caller",
    [
        issue_caller(make_authority(name="others")),
        issue_caller(make_authority(name="client CA")),
        issue_caller(CLIENTS, starts=-100, ends=-1),
        issue_caller(CLIENTS, starts=100_000, ends=200_000),
        issue_caller(CLIENTS, usages=(ExtendedKeyUsageOID.SERVER_AUTH,)),
    ],
    ids=["another CA", "another CA of the same name", "expired", "not yet valid", "for servers"],
)
def test_a_certificate_that_tls_does_not_verify_gets_no_answer(agent: StandaloneAgent, caller: Caller) -> None:
    before = len(agent.records())
    refusal(agent, caller=caller)
    refusal(agent, caller=caller, password=SIGNER.token())
    assert len(agent.records()) == before, "nothing of it reached a session"


@pytest.mark.parametrize(
    ("caller", "says"),
    [
        (issue_caller(CLIENTS, uris=()), "names nobody"),
        (issue_caller(CLIENTS, uris=None, common_name="alice"), "names nobody"),
        (issue_caller(CLIENTS, uris=("spiffe://example.com/alice",)), "names nobody"),
        (issue_caller(CLIENTS, uris=("keyward://user/alice", "keyward://user/bob")), "names 2 people"),
        (issue_caller(CLIENTS, uris=("keyward://user/alice", "keyward://role/x")), "no form that is known"),
        (issue_caller(CLIENTS, uris=("keyward://user/%61lice",)), "must be: 'keyward://user/alice'"),
        (issue_caller(CLIENTS, uris=("keyward://user/system%3Aserviceaccount%3Apayments%3Aapp",)), "not the name of"),
        (issue_caller(CLIENTS, usages=()), "must name clientAuth"),
    ],
    ids=["no URI", "a common name", "another scheme", "two people", "unknown form", "spelling", "reserved", "no usage"],
)
def test_a_certificate_that_names_nobody_is_told_why_and_audited(
    agent: StandaloneAgent, caller: Caller, says: str
) -> None:
    assert says in refusal(agent, caller=caller)
    wait_for(lambda: denials(agent, says), "the record")
    assert "identity" not in denials(agent, says)[0]


def test_a_stranger_s_certificate_opens_nothing(agent: StandaloneAgent) -> None:
    mallory = issue_caller(CLIENTS, uris=("keyward://user/mallory",))
    assert "mallory has no grant" in refusal(agent, caller=mallory)


def test_a_token_beside_a_certificate_is_refused_and_shown_nowhere(agent: StandaloneAgent) -> None:
    token = SIGNER.token(sub="bob")
    assert "connect without the certificate" in refusal(agent, caller=ALICE, password=token)
    assert token.rpartition(".")[2] not in agent.output()


def test_a_session_ends_with_its_certificate(agent: StandaloneAgent) -> None:
    short = issue_caller(CLIENTS, ends=6)
    with agent.cluster("KeyspacesReader", caller=short) as cluster:
        session = cluster.connect()
        assert session.execute(SELECT).one()
        read_until_refused(session)
    agent.recorded("session.end", reason="Expired", identity="alice")


def read_until_refused(session: Session, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            session.execute(SELECT)
        except (NoHostAvailable, Unauthorized, ConnectionException):
            return
        time.sleep(0.01)
    raise AssertionError(f"the session could still read after {seconds} s")


# Tokens


def test_a_token_of_the_issuer_is_enough_to_read(agent: StandaloneAgent) -> None:
    assert read_as(agent, password=SIGNER.token()) == "nuts; bolts"
    assert read_as(agent, password=SIGNER.token(sub="bob", groups=["dba"])) == "nuts; bolts"
    agent.recorded("session.start", identity="bob")


def test_a_token_of_a_cluster_stands_for_its_serviceaccount(agent: StandaloneAgent) -> None:
    assert read_as(agent, password=SIGNER.token(sub="system:serviceaccount:payments:app")) == "nuts; bolts"
    identity = "system:serviceaccount:payments:app"
    agent.recorded("session.start", identity=identity, awsSessionName="payments@app")


FORGED: dict[str, tuple[Callable[[], str], str]] = {
    "no token": (lambda: "hunter2", f"not a token of {ISSUER}"),
    "another audience": (lambda: SIGNER.token(aud="keyward.dev/payments/invoices"), "not for this database"),
    "expired": (lambda: SIGNER.token(exp=int(time.time()) - 1), "the token expired at"),
    "another issuer": (lambda: SIGNER.token(iss="https://evil.example.com"), "of another issuer"),
    "another key": (lambda: Signer().token(), "with a key that"),
    "another key of that name": (
        lambda: Signer().token(header={"kid": SIGNER.key.kid}),
        "the signature of the token",
    ),
    "nobody's signature": (lambda: unsigned(SIGNER.token()), "does not consist of three parts"),
    "alg none": (lambda: unsigned(SIGNER.token()) + "AAAA", "signed with 'none'"),
    "the public key as secret": (
        lambda: signed_with_public_key(SIGNER.token(), SIGNER.key.as_pem(private=False), SIGNER.key.kid),
        "signed with 'HS256'",
    ),
    "no grant": (lambda: SIGNER.token(sub="mallory"), "mallory has no grant"),
    "a reserved name": (lambda: SIGNER.token(sub="system:admin"), "names nobody"),
    "a reserved group": (lambda: SIGNER.token(groups=["system:serviceaccounts:payments"]), "names nobody"),
}


@pytest.mark.parametrize("forged", FORGED)
def test_every_other_token_is_refused_with_words_and_shown_nowhere(agent: StandaloneAgent, forged: str) -> None:
    make, says = FORGED[forged]
    token = make()
    before = len(agent.records("session.denied"))
    assert says in refusal(agent, password=token)
    wait_for(lambda: len(agent.records("session.denied")) > before, "the record")
    signature = token.rpartition(".")[2]
    assert len(signature) < 8 or signature not in agent.output()


def test_without_either_nobody_gets_in(agent: StandaloneAgent) -> None:
    assert "the password is empty" in refusal(agent, password="")


# cqlsh


CQLSHRC = """
[connection]
ssl = true
[ssl]
certfile = {directory}/tls.crt
validate = true
{more}
"""


def cqlsh(agent: StandaloneAgent, folder: Path, *arguments: str, more: str = "") -> str:
    cqlshrc = folder / "cqlshrc"
    cqlshrc.write_text(CQLSHRC.format(directory=agent.directory, more=more))
    program = Path(sys.executable).with_name("cqlsh")
    finished = subprocess.run(
        [program, "--cqlshrc", cqlshrc, *arguments, "--execute", SELECT, ADDRESS, str(agent.port)],
        capture_output=True,
        text=True,
        timeout=120,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},
    )
    return finished.stdout + finished.stderr


def test_cqlsh_reads_with_a_certificate_and_with_a_token(agent: StandaloneAgent, tmp_path: Path) -> None:
    certificate, key = ALICE.write(tmp_path)
    more = f"usercert = {certificate}\nuserkey = {key}"
    assert "nuts; bolts" in cqlsh(agent, tmp_path, "-u", "KeyspacesReader", "-p", "unused", more=more)
    assert "nuts; bolts" in cqlsh(agent, tmp_path, "-u", "KeyspacesReader", "-p", SIGNER.token())
    assert "expired" in cqlsh(agent, tmp_path, "-u", "KeyspacesReader", "-p", SIGNER.token(exp=1))


# The policy


def test_a_file_that_takes_a_grant_away_ends_its_live_sessions_within_seconds(agent: StandaloneAgent) -> None:
    with agent.cluster("KeyspacesReader", caller=ALICE) as cluster:
        session = cluster.connect()
        assert session.execute(SELECT).one()
        began = time.monotonic()
        agent.write("user", USERS.replace("name: alice", "name: carol"))
        read_until_refused(session)
        assert time.monotonic() - began < 5
    assert "alice has no grant" in refusal(agent, caller=ALICE)


def test_a_file_that_gives_a_grant_serves_new_connections_at_once(agent: StandaloneAgent) -> None:
    erin = issue_caller(CLIENTS, uris=("keyward://user/erin",))
    assert "erin has no grant" in refusal(agent, caller=erin)
    agent.write("more", USER.replace("name: people", "name: more").replace("name: alice", "name: erin"))
    wait_for(lambda: in_force(agent), "the policy")
    assert read_as(agent, caller=erin) == "nuts; bolts"
    (agent.manifests / "more.yaml").unlink()


def test_a_file_with_a_lock_ends_live_sessions_within_seconds_until_it_goes(agent: StandaloneAgent) -> None:
    with agent.cluster("KeyspacesReader", caller=ALICE) as cluster:
        session = cluster.connect()
        assert session.execute(SELECT).one()
        began = time.monotonic()
        agent.write("lock", LOCK)
        read_until_refused(session)
        assert time.monotonic() - began < 5
    assert "alice is locked out of database payments/orders by KeyspacesLock incident" in refusal(agent, caller=ALICE)
    (agent.manifests / "lock.yaml").unlink()
    wait_for(lambda: in_force(agent), "the policy")
    assert read_as(agent, caller=ALICE) == "nuts; bolts"


def test_a_bad_file_changes_nothing_and_is_told(agent: StandaloneAgent) -> None:
    revision = agent.records("policy.changed")[-1]["policyRevision"]
    with agent.cluster("KeyspacesReader", caller=ALICE) as cluster:
        session = cluster.connect()
        agent.write("user", USERS.replace("subjects:", "subject:"))
        wait_for(lambda: "warnings" in readiness(agent), "the warning")
        assert session.execute(SELECT).one()
    assert read_as(agent, caller=ALICE)
    found = readiness(agent)
    assert found["ready"]
    assert found["warnings"][0]["reason"] == "ManifestsNotInForce"
    assert "user.yaml, document 1, spec.subject: there is no such field" in found["warnings"][0]["message"]
    assert agent.log("manifests not taken, the last policy stays in force")
    assert "keyward_policy_problems 2.0" in agent.health("/metrics")[1]
    assert agent.records("policy.changed")[-1]["policyRevision"] == revision


def test_the_trail_begins_with_the_agent_and_aws_sees_the_machine_s_role(
    agent: StandaloneAgent, local_aws: LocalAws
) -> None:
    read_as(agent, caller=ALICE)
    assert agent.records()[0]["event"] == "agent.start"
    calls = [
        call
        for call in local_aws.admin.calls()
        if call["action"] == "sts:AssumeRole" and call["parameters"].get("RoleSessionName") == "u=alice"
    ]
    assert "keyward-agent/i-0123456789abcdef0" in calls[-1]["principal"]
    assert {"Key": "keyward:user", "Value": "alice"} in calls[-1]["parameters"]["Tags"]


def test_no_secret_is_in_any_output(agent: StandaloneAgent) -> None:
    token = SIGNER.token()
    read_as(agent, password=token)
    said = agent.output()
    secrets = (token.rpartition(".")[2], *agent._metadata.secrets)
    assert [secret for secret in secrets if secret in said] == []


# Only one way in


@pytest.fixture
def certificates_only(
    running: StandaloneAgent, local_keyspaces: LocalKeyspaces, tmp_path: Path
) -> Iterator[StandaloneAgent]:
    agent = StandaloneAgent(tmp_path, local_keyspaces, running._metadata, "127.0.0.1")
    agent.write("role", ROLE)
    agent.write("user", USERS)
    agent.start("--client-ca", str(running.directory / "clients.pem"))
    yield agent
    assert agent.stop() == 0


def test_where_no_issuer_is_known_a_certificate_is_required(certificates_only: StandaloneAgent) -> None:
    before = len(certificates_only.records())
    refusal(certificates_only, password=SIGNER.token())
    assert len(certificates_only.records()) == before
    assert "0x0100" not in refusal(certificates_only)


# The start and the end; last in this file, since the agent is gone after it.


def test_a_start_with_wrong_manifests_tells_all_of_it(agent: StandaloneAgent, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: Pod")
    command = agent.command("--client-ca", "nothing.pem")
    command[command.index("--manifests") + 1] = str(tmp_path)
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, env=agent._environment())
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 2


def test_sigterm_drains_and_ends_the_trail(agent: StandaloneAgent) -> None:
    with agent.cluster("KeyspacesReader", caller=ALICE) as cluster:
        session = cluster.connect()
        assert session.execute(SELECT).one()
        assert agent.process
        agent.process.send_signal(signal.SIGHUP)
        began = time.monotonic()
        agent.process.send_signal(signal.SIGTERM)
        wait_for(lambda: "Draining" in str(readiness(agent)), "the drain")
        assert session.execute(SELECT).one(), "accepted while endpoints forget this agent"
        assert agent.process.wait(40) == 0
        assert time.monotonic() - began < 30
        read_until_refused(session)
    last = agent.records()[-1]
    assert (last["event"], last["reason"], last["lost"]) == ("agent.stop", "stopped", 0)
    with pytest.raises((OSError, http.client.HTTPException)):
        agent.health("/healthz")
