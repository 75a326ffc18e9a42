"""Who may log in, and with what: the refusals of credentials that are not those of this caller for this database."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.install import ACCOUNT
from tests.e2e import manifests, tokens
from tests.e2e.audit import Record, record_of
from tests.e2e.pods import ClientPod, Driver
from tests.e2e.tenants import Database, Tenant


@pytest.fixture(scope="module")
def database(tenant: Tenant) -> Database:
    database = tenant.database(iam_roles=[tenant.iam_role("reader")])
    rule = manifests.rule(db_users=[tenant.iam_role("reader")], keyspaces=["e2e_shop"], tables=["items"])
    tenant.grant("reader", "web", rule)
    tenant.account("stranger")
    return database


@pytest.fixture(scope="module")
def pod(tenant: Tenant, database: Database) -> ClientPod:
    return tenant.client("web")


@pytest.fixture(scope="module")
def driver(tenant: Tenant, pod: ClientPod) -> Iterator[Driver]:
    """A driver whose own token is good: so far as these tests go wrong, it is for what they change."""
    with pod.driver() as driver:
        driver.connect_once_granted("good", tenant.iam_role("reader"))
        yield driver


def denial(database: Database, reason: str) -> Record:
    """The newest login that was refused for this reason."""

    def matches(record: Record) -> bool:
        return bool(record["event"] == "session.denied" and record["reason"] == reason)

    return record_of(database.kube, database.namespace, database.name, f"a denial for {reason}", matches)


def refused_login(driver: Driver, user: str, password: str | None = None) -> str:
    """What the driver is told."""
    refusal: dict[str, Any] = driver.refusal("connect", name="refused", user=user, password=password)
    assert refusal["type"] == "AuthenticationFailed", refusal
    return str(refusal["message"])


def good(database: Database, account: str = "web") -> str:
    """A token that opens this database."""
    return tokens.minted(database.kube, account, database.namespace, audience=database.audience)


def test_a_token_by_token_request_opens_the_database_it_is_for(
    tenant: Tenant, database: Database, driver: Driver
) -> None:
    driver.do("connect", name="minted", user=tenant.iam_role("reader"), password=good(database))
    driver.do("close", name="minted")


def test_a_token_for_another_database_is_refused(tenant: Tenant, database: Database, driver: Driver) -> None:
    other = f"keyward.dev/{tenant.namespace}/invoices"
    token = tokens.minted(database.kube, "web", tenant.namespace, audience=other)
    message = refused_login(driver, tenant.iam_role("reader"), token)
    assert f"the token is for '{other}', not for this database" in message
    assert f"the audience '{database.audience}'" in message
    assert denial(database, "WrongAudience")["message"] in message


def test_a_default_token_of_the_api_server_is_refused(tenant: Tenant, database: Database, driver: Driver) -> None:
    token = tokens.minted(database.kube, "web", tenant.namespace, audience=None)
    message = refused_login(driver, tenant.iam_role("reader"), token)
    assert "the token is for 'https://kubernetes.default.svc" in message
    assert f"the audience '{database.audience}'" in message


def test_an_expired_token_is_refused(tenant: Tenant, database: Database, driver: Driver) -> None:
    message = refused_login(driver, tenant.iam_role("reader"), tokens.expired(good(database)))
    assert "the token expired at 2" in message
    assert "read it again for each new connection" in message
    denial(database, "TokenExpired")


def test_a_token_under_a_strange_signature_is_refused(tenant: Tenant, database: Database, driver: Driver) -> None:
    message = refused_login(driver, tenant.iam_role("reader"), tokens.signed_by_a_stranger(good(database)))
    assert "Kubernetes" in message


@pytest.mark.parametrize(
    "password",
    ["garbage", "a.b.c", "x" * 5000, "eyJhbGciOiJub25lIn0.e30.e30", "pässword"],
    ids=["a word", "three parts", "long", "without a signature", "not ASCII"],
)
def test_garbage_is_refused(tenant: Tenant, database: Database, driver: Driver, password: str) -> None:
    message = refused_login(driver, tenant.iam_role("reader"), password)
    assert "the password is not a ServiceAccount token" in message
    assert f"the audience '{database.audience}'" in message
    denial(database, "NotAToken")


def test_an_empty_password_is_refused(tenant: Tenant, driver: Driver) -> None:
    assert "the password is empty" in refused_login(driver, tenant.iam_role("reader"), "")


def test_the_token_of_an_account_that_is_gone_is_refused(tenant: Tenant, database: Database, driver: Driver) -> None:
    tenant.account("gone")
    token = good(database, "gone")
    database.kube.delete("serviceaccount", "gone", tenant.namespace)
    message = refused_login(driver, tenant.iam_role("reader"), token)
    assert "Kubernetes" in message


def test_an_account_without_a_grant_is_told_whom_to_ask(tenant: Tenant, database: Database, driver: Driver) -> None:
    message = refused_login(driver, tenant.iam_role("reader"), good(database, "stranger"))
    assert (
        f"system:serviceaccount:{tenant.namespace}:stranger has no grant on database {tenant.namespace}/orders"
        in message
    )
    assert "ask its owner for a KeyspacesUser" in message


def test_a_wrong_role_name_is_refused_with_those_that_would_do(
    tenant: Tenant, database: Database, driver: Driver
) -> None:
    message = refused_login(driver, "KeyspacesAdmin")
    assert "may not use IAM role 'KeyspacesAdmin'" in message
    assert f"log in as one of '{tenant.iam_role('reader')}'" in message


def test_the_roles_arn_and_no_name_at_all_mean_the_one_granted_role(
    tenant: Tenant, database: Database, driver: Driver
) -> None:
    for user in (f"arn:aws:iam::{ACCOUNT}:role/{tenant.iam_role('reader')}", ""):
        driver.do("connect", name="same", user=user)
        driver.do("close", name="same")


def test_cqlsh_shows_the_refusal(tenant: Tenant, driver: Driver, pod: ClientPod) -> None:
    done = pod.cqlsh("SELECT * FROM e2e_shop.items", "-u", "KeyspacesAdmin")
    assert done.status != 0
    assert "may not use IAM role" in done.output
    assert f"log in as one of '{tenant.iam_role('reader')}'" in done.output.replace("\\", "")
