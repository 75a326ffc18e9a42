"""A client that has lived since the tests began, with a token of 600 s: the shortest that Kubernetes mints."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.e2e import manifests, tokens
from tests.e2e.pods import Driver
from tests.e2e.tenants import Database, Tenant

SECONDS = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class RotatingClient:
    """A pod whose first token is known, with two driver processes that logged in with it."""

    tenant: Tenant
    database: Database
    driver: Driver
    role: str
    """The IAM role to log in as."""
    first_token: str
    """What a client holds that read the file once."""

    @property
    def first_expiry(self) -> float:
        """Unix seconds."""
        return float(tokens.claims(self.first_token)["exp"])

    def remaining(self) -> float:
        """Seconds of the first token's life."""
        return self.first_expiry - time.time()


@contextmanager
def started(tenant: Tenant) -> Iterator[RotatingClient]:
    """Logged in twice over: `static` remembers the password, `reading` reads the file at each login."""
    role = tenant.iam_role("reader")
    database = tenant.database(iam_roles=[role])
    tenant.grant("reader", "web", manifests.rule(db_users=[role], keyspaces=["e2e_shop"], tables=["items"]))
    with tenant.client("web", token_seconds=SECONDS).driver() as driver:
        token = driver.do("token")["token"]
        driver.connect_once_granted("reading", role)
        driver.do("connect", name="static", user=role, password=token)
        yield RotatingClient(tenant=tenant, database=database, driver=driver, role=role, first_token=token)
