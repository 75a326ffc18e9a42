"""kind's configuration for an image of our own and for kind's, on both versions of control groups."""

import yaml

from local.cluster import kind


def test_an_image_of_ours_on_cgroup_v1() -> None:
    document = yaml.safe_load(kind.config(image="keyward/node:1", own_image=True, cgroup_v1=True))
    patches = document.pop("kubeadmConfigPatches")
    assert document == {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": "keyward",
        "networking": {"ipFamily": "ipv4", "disableDefaultCNI": True},
        "nodes": [{"role": "control-plane", "image": "keyward/node:1"}],
    }
    kubelet = {"kind": "KubeletConfiguration", "syncFrequency": kind.SYNC_FREQUENCY, "failCgroupV1": False}
    assert [yaml.safe_load(patch) for patch in patches] == [kubelet]


def test_kinds_own_image_on_cgroup_v2() -> None:
    document = yaml.safe_load(kind.config(image=None, own_image=False, cgroup_v1=False))
    assert document["nodes"] == [{"role": "control-plane"}]
    assert document["networking"] == {"ipFamily": "ipv4"}
    assert "failCgroupV1" not in document["kubeadmConfigPatches"][0]


def test_an_image_that_the_user_named() -> None:
    document = yaml.safe_load(kind.config(image="mirror/node:v1.36", own_image=False, cgroup_v1=True))
    assert document["nodes"][0]["image"] == "mirror/node:v1.36"
    assert "disableDefaultCNI" not in document["networking"]
    assert len(document["kubeadmConfigPatches"]) == 1
