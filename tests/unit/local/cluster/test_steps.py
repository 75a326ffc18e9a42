from pathlib import Path

import pytest

from local.cluster import steps
from local.cluster.choice import NodeImage
from local.runner import Runner


def test_a_client_without_a_daemon_gets_one() -> None:
    assert steps.needed_programs(own_image=True, daemon_answers=False)["dockerd"] == "docker.io"


def test_a_machine_with_docker_and_a_registry_needs_no_daemon_and_no_build() -> None:
    assert steps.needed_programs(own_image=False, daemon_answers=True) == steps.HOST_PROGRAMS


@pytest.mark.parametrize("daemon_answers", [True, False])
def test_images_of_our_own_are_built_from_debian(daemon_answers: bool) -> None:
    assert "debootstrap" in steps.needed_programs(own_image=True, daemon_answers=daemon_answers)


def steps_for_network_policies(tmp_path: Path, *, own: bool) -> list[str]:
    runner = Runner(tmp_path)
    cluster = (steps.PACKAGES, steps.WEBHOOK)
    for name in cluster:
        runner.add(name, lambda log: None)
    steps.add_network_policies(runner, steps.Place(checkout=tmp_path), NodeImage(name="node", own=own))
    return [name for name in runner.names() if name not in cluster]


def test_network_policies_are_enforced_by_felix_where_the_node_image_is_ours(tmp_path: Path) -> None:
    assert steps_for_network_policies(tmp_path, own=True) == [steps.CALICO, steps.FELIX_IMAGE, steps.ENFORCED]


def test_kinds_own_pod_network_enforces_them_by_itself(tmp_path: Path) -> None:
    assert steps_for_network_policies(tmp_path, own=False) == []
