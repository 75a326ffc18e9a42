"""Felix's objects are valid and go together, and pods that it does not see are found."""

import json
from typing import Any

import kubernetes_validate
import pytest

from local.cluster import felix, kind, versions


def test_addresses_are_the_nodes_and_interfaces_calicos() -> None:
    document = json.loads(felix.network_configuration())
    calico, portmap = document["plugins"]
    assert (calico["type"], portmap["type"]) == ("calico", "portmap")
    assert calico["ipam"] == {"type": "host-local", "subnet": "usePodCidr"}
    assert calico["nodename"] == kind.NODE


def test_the_daemon_set_is_valid_and_runs_the_image_that_is_loaded() -> None:
    daemon_set = felix.daemon_set()
    kubernetes_validate.validate(daemon_set, "1.35", strict=True)
    (container,) = daemon_set["spec"]["template"]["spec"]["containers"]
    assert container["image"].endswith(f":{versions.CALICO}")
    assert container["imagePullPolicy"] == "Never"
    volumes = {volume["name"] for volume in daemon_set["spec"]["template"]["spec"]["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes


def test_settings_are_those_that_felix_waits_for() -> None:
    information, pool = felix.settings()
    assert (information["kind"], information["spec"]["datastoreReady"]) == ("ClusterInformation", True)
    assert (pool["kind"], pool["spec"]["natOutgoing"]) == ("IPPool", True)


def named(kind: str, name: str = felix.ACCOUNT) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name}}


def test_of_calicos_manifest_only_felixs_account_and_rights_are_taken() -> None:
    ours = [named("ServiceAccount"), named("ClusterRole"), named("ClusterRoleBinding")]
    others = [None, named("DaemonSet"), named("ClusterRole", "calico-kube-controllers"), named("ConfigMap")]
    assert felix.rights([*others, *ours]) == ours


def test_a_manifest_without_its_rights_is_refused() -> None:
    with pytest.raises(LookupError, match="no ClusterRole, ClusterRoleBinding named calico-node"):
        felix.rights([named("ServiceAccount")])


def pod(name: str, *, address: str, **fields: Any) -> dict[str, Any]:
    metadata = {"namespace": "default", "name": name, **fields.get("metadata", {})}
    status = {"phase": "Running", "podIP": address, **fields.get("status", {})}
    return {"metadata": metadata, "spec": fields.get("spec", {}), "status": status}


ROUTES = [
    {"dst": "default", "gateway": "172.18.0.1", "dev": "eth0"},
    {"dst": "10.244.0.0/24", "dev": "cni0"},
    {"dst": "10.244.0.5", "dev": "cali0123456789a"},
]


def test_a_running_pod_without_an_interface_of_calicos_is_found() -> None:
    pods = [pod("policed", address="10.244.0.5"), pod("on-the-bridge", address="10.244.0.6")]
    assert felix.unpoliced(pods, ROUTES) == ["default/on-the-bridge"]


def test_pods_of_the_nodes_network_and_those_that_end_are_passed_over() -> None:
    pods = [
        pod("proxy", address="172.18.0.2", spec={"hostNetwork": True}),
        pod("ending", address="10.244.0.6", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}),
        pod("done", address="10.244.0.7", status={"phase": "Succeeded"}),
        pod("waiting", address="", status={"phase": "Pending"}),
    ]
    assert felix.unpoliced(pods, ROUTES) == []
