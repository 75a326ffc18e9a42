"""Finding objects among the chart's."""

from typing import Any

Manifest = dict[str, Any]


def one(manifests: list[Manifest], kind: str, name: str, namespace: str | None = None) -> Manifest:
    """The object of that kind and name, of which there must be one."""
    found = [
        manifest
        for manifest in manifests
        if manifest["kind"] == kind
        and manifest["metadata"]["name"] == name
        and manifest["metadata"].get("namespace") == namespace
    ]
    assert len(found) == 1, f"{len(found)} objects are {kind} {namespace}/{name}"
    return found[0]


def all_of(manifests: list[Manifest], *kinds: str) -> list[Manifest]:
    """Every object of these kinds."""
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def pod_template(manifests: list[Manifest]) -> Manifest:
    """The operator's pods."""
    deployment = one(manifests, "Deployment", "keyward-operator", "keyward-system")
    return deployment["spec"]["template"]  # type: ignore[no-any-return]
