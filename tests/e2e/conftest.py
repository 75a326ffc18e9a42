"""The cluster with Keyward installed by its chart, and a tenant for each test module."""

import sys
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from local.install import install, values
from tests.e2e import seed
from tests.e2e.kube import EVERY_NAMESPACE, Kubectl, Object
from tests.e2e.rotation import RotatingClient, started
from tests.e2e.surroundings import Surroundings
from tests.e2e.tenants import Tenant, diagnosis
from tests.e2e.waiting import NotYet, wait_for
from tests.upgrade.previous import Previous, building

ROTATION = "test_token_rotation"
UPGRADE = "test_upgrade"
LAST = (ROTATION, UPGRADE, "test_uninstall")
"""The test of ten minutes asserts late; then come those that take everything away."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In no order that matters, but for the last ones."""

    def position(item: pytest.Item) -> int:
        name = item.path.stem
        return LAST.index(name) + 1 if name in LAST else 0

    items.sort(key=position)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """A failure shows what a person would look at next."""
    report = yield
    if report.failed and isinstance(item, pytest.Function) and report.when in ("setup", "call"):
        tenant = item.funcargs.get("tenant")
        kube = item.funcargs.get("platform")
        if isinstance(tenant, Tenant):
            report.sections.append(("the cluster", tenant.diagnosis()))
        elif isinstance(kube, Kubectl):
            report.sections.append(("the cluster", diagnosis(kube, "default")))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was measured on the way."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    for report in reports:
        for name, value in getattr(report, "user_properties", ()):
            if report.when == "call":
                terminalreporter.write_line(f"measured: {name}: {value}")


@pytest.fixture(scope="session")
def surroundings() -> Surroundings:
    """What `python -m local up` brought up."""
    return Surroundings.found()


@pytest.fixture(scope="session")
def installed(surroundings: Surroundings) -> Kubectl:
    """The cluster with the chart installed as the local platform installs it."""
    kube = surroundings.kubectl()
    install(
        helm=surroundings.programs / "helm",
        kubeconfig=surroundings.kubeconfig,
        chart_values=values(ca_bundle=surroundings.authority),
    )
    return kube


@pytest.fixture(scope="session")
def platform(installed: Kubectl, begun: None) -> Kubectl:
    """The same, once what takes long has begun."""
    return installed


@pytest.fixture(scope="session")
def begun(request: pytest.FixtureRequest) -> None:
    """Whatever takes minutes goes on beside the other tests, where tests of it are to run."""
    for module, fixture in ((ROTATION, "rotating_client"), (UPGRADE, "previous_release")):
        if module in modules(request):
            request.getfixturevalue(fixture)


def modules(request: pytest.FixtureRequest) -> set[str]:
    """Those whose tests are to run."""
    return {item.path.stem for item in request.session.items}


@pytest.fixture(scope="module")
def quiet(platform: Kubectl, request: pytest.FixtureRequest) -> None:
    """For tests of moments: nothing is built beside them, and what other tests left is gone."""
    if UPGRADE in modules(request):
        previous: Future[Previous] = request.getfixturevalue("previous_release")
        previous.result()

    def gone() -> bool:
        ending = [pod["metadata"]["name"] for pod in platform.items("pods", EVERY_NAMESPACE) if is_ending(pod)]
        if ending:
            raise NotYet(f"{ending} are ending")
        return True

    wait_for("pods that end to be gone", gone, seconds=120)


def is_ending(pod: Object) -> bool:
    return "deletionTimestamp" in pod["metadata"]


@pytest.fixture(scope="session")
def previous_release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Future[Previous]]:
    """The last release with its images."""
    with building(tmp_path_factory.mktemp("release"), sys.stderr) as previous:
        yield previous


@pytest.fixture(scope="session")
def rotating_client(surroundings: Surroundings, installed: Kubectl, tables: None) -> Iterator[RotatingClient]:
    """A client whose first token was minted when the tests began."""
    tenant = Tenant.create(surroundings, installed, "e2e-rotating-client")
    with started(tenant) as client:
        yield client
    tenant.remove()


@pytest.fixture(scope="session")
def tables(surroundings: Surroundings) -> Iterator[None]:
    """The keyspaces `e2e_shop` and `e2e_depot`."""
    with surroundings.keyspaces() as session:
        seed.create(session)
        yield
        seed.drop(session)


@pytest.fixture(scope="module")
def tenant(
    surroundings: Surroundings, platform: Kubectl, tables: None, request: pytest.FixtureRequest
) -> Iterator[Tenant]:
    """A namespace named after the test module."""
    with Tenant.of_module(surroundings, platform, request.path, prefix="e2e") as tenant:
        yield tenant
