"""Which node image is taken."""

import pytest

from local.cluster import docker, node_image
from local.cluster.choice import NodeImage, node_image_choice


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KEYWARD_NODE_IMAGE", raising=False)


def test_the_image_that_the_user_names_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYWARD_NODE_IMAGE", "mirror/node:1")
    monkeypatch.setattr(docker, "registry_answers", lambda: True)
    assert node_image_choice() == NodeImage(name="mirror/node:1", own=False)


def test_kinds_own_where_images_can_be_pulled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "registry_answers", lambda: True)
    assert node_image_choice() == NodeImage(name=None, own=False)


def test_ours_where_they_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "registry_answers", lambda: False)
    assert node_image_choice() == NodeImage(name=node_image.name(), own=True)
