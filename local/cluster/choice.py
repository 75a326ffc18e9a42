"""Which node image the cluster is made of."""

import os
from dataclasses import dataclass

from local.cluster import docker, node_image


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeImage:
    """A node image and who made it."""

    name: str | None
    """None: the one that this release of kind names itself."""
    own: bool
    """Built here, from package registries."""


def node_image_choice() -> NodeImage:
    """`$KEYWARD_NODE_IMAGE` where it is set, else kind's own where Docker Hub answers, else one that we build."""
    if configured := os.environ.get("KEYWARD_NODE_IMAGE"):
        return NodeImage(name=configured, own=False)
    if docker.registry_answers():
        return NodeImage(name=None, own=False)
    return NodeImage(name=node_image.name(), own=True)
