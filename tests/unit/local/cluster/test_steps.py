import pytest

from local.cluster import steps


def test_a_client_without_a_daemon_gets_one() -> None:
    assert steps.needed_programs(own_image=True, daemon_answers=False)["dockerd"] == "docker.io"


def test_a_machine_with_docker_and_a_registry_needs_no_daemon_and_no_build() -> None:
    assert steps.needed_programs(own_image=False, daemon_answers=True) == steps.HOST_PROGRAMS


@pytest.mark.parametrize("daemon_answers", [True, False])
def test_images_of_our_own_are_built_from_debian(daemon_answers: bool) -> None:
    assert "debootstrap" in steps.needed_programs(own_image=True, daemon_answers=daemon_answers)
