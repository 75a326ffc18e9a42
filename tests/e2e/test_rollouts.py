"""Agents are replaced under drivers as they come: not one request may fail, and next to none be sent again.

gocql by itself sends nothing again, so with it nothing may be lost, but for what it sent at a single moment, by chance,
if the next rollout loses nothing. The Python driver does, to the next host:
CQL has no way to tell a driver to stop, so what it sends while it is held up may meet the end of its connection on the
way.

KEYWARD_ROLLOUTS says how many rollouts; `make rollouts` makes 20. KEYWARD_READS_PER_SECOND says how many requests the
drivers send together.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from tests.e2e import gocql_image
from tests.e2e.pods import ClientPod
from tests.e2e.readers import Reader, gocql_client, gocql_reader, python_client, python_reader
from tests.e2e.surroundings import Surroundings
from tests.e2e.tenants import Database, Tenant
from tests.e2e.waiting import NotYet, wait_for

ROLLOUTS = int(os.environ.get("KEYWARD_ROLLOUTS", "1"))
PER_SECOND = int(os.environ.get("KEYWARD_READS_PER_SECOND", "200")) // (1 + len(gocql_image.DRIVERS))
"""Of each driver."""
STATEMENT = "SELECT name FROM e2e_shop.items WHERE id = ?"
SENT_AGAIN = 0.01
"""Of a driver's requests so many may have met the end of their connection: what one that is held up has in hand."""

SETTLED_SECONDS = 3.0
"""Between rollouts: readers have met all agents, and no answer is awaited from those that went."""


@pytest.fixture(scope="module")
def database(tenant: Tenant) -> Database:
    """Two agents, as by default."""
    return tenant.two_agents()


@pytest.fixture(scope="module")
def python(tenant: Tenant, database: Database) -> Iterator[Reader]:
    """The Python driver, reading."""
    user = tenant.iam_role("reader")
    client = python_client(tenant, "web")
    with client.driver() as driver:
        driver.connect_once_granted("once", user)
    with python_reader(client, user, STATEMENT, PER_SECOND) as reader:
        yield reader


@pytest.fixture(scope="module")
def gocql_pod(tenant: Tenant, database: Database, surroundings: Surroundings) -> ClientPod:
    """A pod with the gocql readers."""
    gocql_image.load(surroundings)
    return gocql_client(tenant, "web", user=tenant.iam_role("reader"), statement=STATEMENT, per_second=PER_SECOND)


@pytest.fixture
def readers(python: Reader, gocql_pod: ClientPod) -> Iterator[list[Reader]]:
    """The Python driver and gocql's versions, reading without a failure."""
    with contextlib.ExitStack() as stack:
        readers = [python, *(stack.enter_context(gocql_reader(gocql_pod, each)) for each in gocql_image.DRIVERS)]
        for reader in readers:
            wait_for(f"{reader.name} to read", lambda reader=reader: reads(reader), seconds=30)  # type: ignore[misc]
        yield readers


def reads(reader: Reader) -> bool:
    report = reader.report()
    if not report.requests or report.failures:
        raise NotYet(str(report))
    return True


@dataclass(kw_only=True)
class Outcome:
    """Of one rollout: what failed, and which readers had to send too much again, or could not keep their rate."""

    failures: list[str] = field(default_factory=list)
    moments: int = 0
    again: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)


@pytest.mark.timeout(600 + 90 * (ROLLOUTS + 1))  # the last release may still be built
def test_rolling_updates_fail_no_request(
    quiet: None, database: Database, readers: list[Reader], record_property: Callable[[str, object], None]
) -> None:
    outcomes = [rolled(database, readers, number, record_property) for number in range(1, ROLLOUTS + 1)]
    if sum(outcome.moments for outcome in outcomes) == 1:
        # In some rollouts a driver is held up just while the end of a connection travels to it (ADR 14), and loses what
        # it sends then. Chance, and no fault, if it does not happen again at once.
        outcomes.append(rolled(database, readers, ROLLOUTS + 1, record_property))
    if sum(outcome.moments for outcome in outcomes) > 1 or outcomes[-1].failures:
        pytest.fail("\n".join(failure for outcome in outcomes for failure in outcome.failures))
    again = [reader for outcome in outcomes for reader in outcome.again]
    assert not again, f"readers that had to send again: {again}"
    slow = [reader for outcome in outcomes for reader in outcome.slow]
    assert not slow, f"readers that could not keep their rate: {slow}"


def rolled(
    database: Database, readers: list[Reader], number: int, record_property: Callable[[str, object], None]
) -> Outcome:
    """Replace all agents, and see what became of the requests meanwhile."""
    outcome, began = Outcome(), time.monotonic()
    database.roll()
    time.sleep(SETTLED_SECONDS)
    seconds = time.monotonic() - began
    for reader in readers:
        report, who = reader.report(), f"rollout {number}, {reader.name}"
        record_property(f"rollout {number} of {seconds:.0f} s, {reader.name}", report)
        print(f"rollout {number} of {seconds:.0f} s, {reader.name}: {report}", flush=True)
        outcome.failures += [f"{who}: {failure}" for failure in report.failures]
        outcome.moments += report.moments
        if report.sent_again > SENT_AGAIN * report.requests:
            outcome.again.append(f"{who}: {report}")
        if report.requests < 0.9 * PER_SECOND * seconds:
            outcome.slow.append(who)
    return outcome
