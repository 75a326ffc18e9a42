"""Agents find STS by AWS's own regional name, where nothing overrides it: the cluster's DNS leads it to local AWS."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.cluster.services import restore_sts, rewrite_sts
from local.install import STS_ENDPOINT, install, values
from local.runner import Log
from tests.e2e import manifests, operator
from tests.e2e.kube import Kubectl
from tests.e2e.surroundings import Surroundings
from tests.e2e.tenants import Tenant


@pytest.fixture(scope="module")
def without_override(
    surroundings: Surroundings, platform: Kubectl, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """No AWS_ENDPOINT_URL_STS, and a rewrite of sts.us-east-1.amazonaws.com in CoreDNS."""
    helm, kubeconfig = surroundings.programs / "helm", surroundings.kubeconfig
    folder: Path = tmp_path_factory.mktemp("dns")
    with (folder / "screen").open("w") as screen:
        log = Log("dns", folder / "dns.log", screen)
        rewrite_sts(log, kubeconfig)
        try:
            bundle = surroundings.authority
            for endpoint in (None, STS_ENDPOINT):
                begin = time.time()
                changed = values(ca_bundle=bundle, sts_endpoint=endpoint)
                install(helm=helm, kubeconfig=kubeconfig, chart_values=changed)
                operator.wait_until_settings_are_read(platform, since=begin)
                if endpoint is None:
                    yield
        finally:
            restore_sts(log, kubeconfig)
            log.close()


def test_agents_assume_roles_at_the_regional_name_of_sts(
    without_override: None, tenant: Tenant, surroundings: Surroundings
) -> None:
    begin = time.time()
    role = tenant.iam_role("reader")
    database = tenant.database(iam_roles=[role])
    (agent,) = database.agents()
    names = {variable["name"] for variable in agent["spec"]["containers"][0]["env"]}
    assert not {name for name in names if name.startswith("AWS_ENDPOINT_URL")}
    tenant.grant("reader", "web", manifests.rule(db_users=[role], keyspaces=["e2e_shop"], tables=["items"]))
    with tenant.client("web").driver() as driver:
        driver.connect_once_granted("s", role)
        assert driver.do("execute", name="s", cql="SELECT name FROM e2e_shop.items WHERE id = 1")["rows"] == [["anvil"]]
    assumed = [
        call["parameters"]["RoleSessionName"]
        for call in surroundings.aws_calls()
        if call["action"] == "sts:AssumeRole" and call["time"] >= begin and not call["error"]
    ]
    assert f"{tenant.namespace}@web" in assumed
