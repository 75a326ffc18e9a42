"""The API server is away for longer than policies may be old: half an hour, on a clock that runs faster."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from keyward_api.names import AGENTS_NAMESPACE
from tests.e2e import manifests, operator
from tests.e2e.pods import ClientPod
from tests.e2e.tenants import Database, Tenant
from tests.e2e.waiting import wait_for
from tests.outage.control_plane import api_server_away

WITNESS = Path(__file__).parent / "pod" / "witness.py"
ITEMS = "SELECT name FROM e2e_shop.items WHERE id = 1"
LOG = "/dev/shm/witness.jsonl"
"""The one place where a pod whose root file system is read-only may write."""

STALENESS_SECONDS = 30
NOTICED_SECONDS = STALENESS_SECONDS + 15
AWAY_SECONDS = 2 * STALENESS_SECONDS + 15
"""Twice the staleness that is permitted, and the time until it is noticed."""

LONGEST_GAP = 2.0
"""Seconds between two reads of the live session, of which it makes ten a second."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """A line of the witness."""

    time: float
    did: str
    failure: str


@pytest.fixture(scope="module")
def database(tenant: Tenant) -> Database:
    database = tenant.database(iam_roles=[tenant.iam_role("reader")])
    staleness = {"maxStalenessSeconds": STALENESS_SECONDS, "onStale": "RefuseNew"}
    tenant.kube.patch("keyspacesdatabase", database.name, database.namespace, {"spec": {"policy": staleness}})
    tenant.grant("reader", "web", manifests.rule(db_users=[tenant.iam_role("reader")], keyspaces=["e2e_shop"]))
    return database


@pytest.fixture(scope="module")
def witness(tenant: Tenant, database: Database) -> ClientPod:
    """A pod in which a client runs that nobody talks to."""
    client = tenant.client("web")
    with client.driver() as driver:
        driver.connect_once_granted("first", tenant.iam_role("reader"))
    there = ("exec", f"--namespace={client.namespace}", client.name, "--")
    start = f'touch {LOG}; setsid python -u -c "$0" "$@" > {LOG} 2>&1 &'
    arguments = (WITNESS.read_text(), client.host, tenant.iam_role("reader"), ITEMS)
    client.kube.run(*there, "sh", "-c", start, *arguments)
    wait_for("the witness to log in", lambda: any(each.did == "login" for each in said(client)), seconds=30)
    return client


def said(client: ClientPod) -> list[Said]:
    there = ("exec", f"--namespace={client.namespace}", client.name, "--")
    lines = client.kube.run(*there, "cat", LOG).splitlines()
    return [Said(**json.loads(line)) for line in lines if line.startswith("{") and line.endswith("}")]


def identities(database: Database) -> list[tuple[str, int]]:
    """Of the agents' pods: uid, and how often their containers were started again."""
    return [
        (pod["metadata"]["uid"], status["restartCount"])
        for pod in database.agents()
        for status in pod["status"]["containerStatuses"]
    ]


def between(found: Sequence[Said], did: str, begin: float, end: float) -> list[Said]:
    return [each for each in found if each.did == did and begin <= each.time < end]


def test_agents_serve_and_judge_logins_by_the_staleness_rule_and_all_is_well_again_afterwards(
    tenant: Tenant, database: Database, witness: ClientPod, record_property: Callable[[str, object], None]
) -> None:
    before = identities(database)
    with api_server_away(tenant.kube) as gone:
        time.sleep(AWAY_SECONDS)  # how long it is away is what is tried here
        back = time.time()
    answering = time.time()
    operator.wait_until_ready(tenant.kube)

    def logins_succeed() -> bool:
        return any(not each.failure for each in said(witness) if each.did == "login" and each.time > answering)

    wait_for("logins to succeed again", logins_succeed, seconds=90)
    found = said(witness)
    record_property("seconds from the API server's return to a login", _first_login(found, answering) - answering)

    reads = between(found, "read", gone - 5, time.time())
    assert [each for each in reads if each.failure] == [], "a live session notices nothing"
    gaps = [later.time - earlier.time for earlier, later in pairwise(reads)]
    assert max(gaps) < LONGEST_GAP
    record_property("reads while the API server was away", len(between(found, "read", gone, back)))

    # Until then a token may do of which the API server said a moment before whose it is.
    stale = between(found, "login", gone + NOTICED_SECONDS, back)
    assert stale, "some were tried when the policy was too old"
    assert [each for each in stale if "has heard nothing" not in each.failure] == []

    assert identities(database) == before, f"no agent in {AGENTS_NAMESPACE} was ended or started again"
    database.wait_until_ready()


def _first_login(found: Sequence[Said], since: float) -> float:
    return min(each.time for each in found if each.did == "login" and each.time > since and not each.failure)
