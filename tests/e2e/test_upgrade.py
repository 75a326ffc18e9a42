"""An upgrade from the last release under a client that goes on reading; then one that does not concern the agents."""

import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from keyward_api import crds
from keyward_api.names import AGENTS_NAMESPACE, ANNOTATION_IDENTITY_HASH, Condition
from keyward_operator.children import KINDS
from local import images, install
from local.runner import Log
from tests.e2e import operator
from tests.e2e.kube import EVERY_NAMESPACE, Kubectl, KubectlError, Object
from tests.e2e.pods import Driver
from tests.e2e.surroundings import Surroundings
from tests.e2e.tenants import Database, Tenant
from tests.e2e.waiting import NotYet, wait_for
from tests.upgrade import releases
from tests.upgrade.previous import Previous

SELECT = "SELECT name FROM e2e_shop.items WHERE id = 1"
CHILDREN = ",".join(dict.fromkeys(kind.plural for kind in KINDS.values()))
AGENTS_GONE_SECONDS = 90.0
"""An agent that goes has a minute for its sessions."""

pytestmark = pytest.mark.timeout(1200)  # images of the last release are built, unless the machine has them


@dataclass(frozen=True, kw_only=True, slots=True)
class Helm:
    """Installs charts into the cluster."""

    surroundings: Surroundings

    def install(self, values: Mapping[str, Any], chart: Path = install.CHART) -> None:
        """Install or upgrade, and wait until the operators are ready."""
        where = {"helm": self.surroundings.programs / "helm", "kubeconfig": self.surroundings.kubeconfig}
        install.install(**where, chart_values=values, chart=chart)

    def upgrade(self, **values: object) -> None:
        """To the working tree's chart."""
        self.install({**install.values(ca_bundle=self.surroundings.authority), **values})


@pytest.fixture(scope="module")
def helm(surroundings: Surroundings) -> Helm:
    return Helm(surroundings=surroundings)


@pytest.fixture(scope="module")
def previous(
    platform: Kubectl,
    surroundings: Surroundings,
    helm: Helm,
    previous_release: Future[Previous],
    tmp_path_factory: pytest.TempPathFactory,
) -> Kubectl:
    """The cluster with the last release in the place of the working tree."""
    release = previous_release.result()
    log = Log("images", tmp_path_factory.mktemp("logs") / "images.log", sys.stderr)
    try:
        images.load(log, release.tree)
    finally:
        log.close()
    platform.run("delete", "keyspacesdatabases", "--all", EVERY_NAMESPACE, seconds=150)
    install.uninstall(helm=surroundings.programs / "helm", kubeconfig=surroundings.kubeconfig)
    values = releases.chart_values(release.folder, ca_bundle=surroundings.authority)
    image = {"tag": release.tree.tag}
    helm.install({**values, "image": image, "agents": {**values["agents"], "image": image}}, release.chart)
    return platform


@pytest.fixture(scope="module")
def tenant(surroundings: Surroundings, previous: Kubectl, tables: None) -> Iterator[Tenant]:
    """A tenant of the last release."""
    tenant = Tenant.create(surroundings, previous, "e2e-upgrade")
    yield tenant
    tenant.remove()


@pytest.fixture(scope="module")
def database(tenant: Tenant) -> Database:
    """Two agents, made by the last release."""
    return tenant.two_agents()


@pytest.fixture(scope="module")
def driver(tenant: Tenant, database: Database) -> Iterator[Driver]:
    with tenant.client("web").driver() as driver:
        driver.connect_once_granted("live", tenant.iam_role("reader"))
        yield driver


def agents(database: Database) -> set[str]:
    """uids of the agents' pods."""
    return {pod["metadata"]["uid"] for pod in database.agents()}


def template(database: Database) -> Object:
    """What the agents' pods are made from."""
    (deployment,) = database.children("deployments")
    found: Object = deployment["spec"]["template"]
    return found


def identity(template: Object) -> str:
    """A hash of what an agent is, as IAM sees it."""
    return str(template["metadata"]["annotations"][ANNOTATION_IDENTITY_HASH])


def versions(database: Database) -> dict[str, str]:
    """The resourceVersion of everything that was made for a database, and of its pods."""
    own = database.kube.items("keyspacesdatabases,services,configmaps", database.namespace)
    objects = own + database.children(CHILDREN) + database.agents()
    return {f"{o['kind']}/{o['metadata']['name']}": o["metadata"]["resourceVersion"] for o in objects}


def wait_until_reconciled(kube: Kubectl) -> None:
    """Until the operator that leads is one of those that run, and has looked at every namespace with databases."""
    namespaces = {found["metadata"]["namespace"] for found in kube.items("keyspacesdatabases", EVERY_NAMESPACE)}

    def done() -> bool:
        running = operator.names(kube)
        leader = operator.leader(kube)
        if leader not in running:
            raise NotYet(f"the Lease is held by '{leader}', {running} run")
        try:
            looked = operator.metric(kube, leader, "keyward_operator_reconciles_total", 'reconciler="namespace"')
            left = operator.metric(kube, leader, "keyward_operator_queue_depth")
        except KubectlError as error:
            raise NotYet(f"the pod's address is not known yet: {error}") from None
        if looked < len(namespaces) or left:
            raise NotYet(f"{looked} namespaces looked at, {left} keys left")
        return True

    wait_for("the new operator to have looked at every database", done, seconds=90)


def wait_until_rolled_out(database: Database, gone: set[str]) -> None:
    """Until all agents are of the current template, and those that are `gone` are."""
    (deployment,) = database.children("deployments")
    status = ("rollout", "status", f"deployment/{deployment['metadata']['name']}", f"--namespace={AGENTS_NAMESPACE}")
    database.kube.run(*status, "--timeout=180s", seconds=190)
    database.wait_until_gone(gone, seconds=AGENTS_GONE_SECONDS)


def wait_until_reported(database: Database) -> None:
    """Until the policy's status has an entry for each agent that runs, and no other: then nobody has more to write."""

    def entries() -> bool:
        (policy,) = database.children("keyspacespolicies")
        reported = {agent["pod"] for agent in policy.get("status", {}).get("agents", [])}
        running = {pod["metadata"]["name"] for pod in database.agents()}
        if reported != running:
            raise NotYet(f"{reported} report, {running} run")
        return True

    wait_for("an entry for each running agent, and no other", entries, seconds=30)


def test_an_upgrade_loses_no_read_and_replaces_agents_where_they_changed(
    database: Database, driver: Driver, helm: Helm, record_property: Callable[[str, object], None]
) -> None:
    before, made_from, authority = agents(database), template(database), database.resource()["status"]["caBundle"]
    driver.do("start_reading", name="live", cql=SELECT, patience=10.0)
    helm.upgrade()
    wait_until_reconciled(database.kube)
    wait_for("the agents' new image", lambda: template(database)["spec"] != made_from["spec"], seconds=60)
    wait_until_rolled_out(database, before)
    report = driver.do("stop_reading", name="live")
    record_property("longest gap in seconds", round(report["longest_gap"], 2))
    assert report["reads"] > 100, report
    assert report["lost"] == 0, report
    # What makes clients and IAM trust the agents outlives them.
    assert database.resource()["status"]["caBundle"] == authority
    assert identity(template(database)) == identity(made_from)
    database.wait_until_ready()
    database.wait_for_condition(Condition.ROLES_ASSUMABLE, "True")


def test_the_kinds_are_those_of_the_new_chart(database: Database) -> None:
    for kind in crds.KINDS:
        wanted = crds.definition(kind)
        served = database.kube.get("customresourcedefinition", wanted["metadata"]["name"])
        assert fields(served) == fields(wanted)


def fields(definition: Object) -> set[str]:
    """The fields of a kind's spec."""
    (version,) = definition["spec"]["versions"]
    return set(version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"])


def test_an_upgrade_of_the_operator_alone_touches_no_agent(database: Database, driver: Driver, helm: Helm) -> None:
    before = operator.names(database.kube)
    wait_until_reported(database)
    seen, running = versions(database), agents(database)
    driver.do("start_reading", name="live", cql=SELECT, patience=1.0)
    helm.upgrade(podAnnotations={"example.com/upgraded": "again"})
    operator.wait_until_replaced(database.kube, before)
    wait_until_reconciled(database.kube)
    report = driver.do("stop_reading", name="live")
    assert agents(database) == running
    assert versions(database) == seen
    assert report["lost"] == 0, report
