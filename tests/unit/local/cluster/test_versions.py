"""Versions come from where Go reads them, and belong together."""

import re

import pytest

from local.cluster import golang, versions


def test_each_version_is_a_release() -> None:
    for version in (versions.KUBERNETES, versions.COREDNS, versions.ETCD, versions.KIND, versions.WEBHOOK):
        assert re.fullmatch(r"v\d+\.\d+\.\d+", version)


def test_calico_is_a_commit_of_its_module() -> None:
    assert re.fullmatch(r"v\d+\.\d+\.\d+-.*\d{14}-[0-9a-f]{12}", versions.CALICO)


def test_what_go_mod_does_not_require_has_no_version() -> None:
    with pytest.raises(LookupError, match=r"go/tools/go\.mod does not require example\.com/none"):
        versions.go_module("example.com/none")


def test_kubernetes_and_its_libraries_are_of_one_release() -> None:
    """kubernetes X is built with the libraries X' of the same release; its go.mod has `replace` lines for them."""
    text = (versions.GO / "kubernetes" / "go.mod").read_text()
    libraries = set(re.findall(r"=> k8s\.io/\S+ (v\S+)", text))
    assert libraries == {versions.KUBERNETES.replace("v1.", "v0.", 1)}


@pytest.mark.parametrize(
    ("module", "packages"),
    [
        ("kubernetes", golang.KUBERNETES_PROGRAMS),
        ("tools", golang.TOOLS + golang.CNI_PLUGINS),
        ("calico", golang.CALICO_PROGRAMS),
    ],
)
def test_go_mod_keeps_what_is_built_as_tools(module: str, packages: tuple[str, ...]) -> None:
    """`go mod tidy` removes what neither a source file nor a `tool` line asks for."""
    text = (versions.GO / module / "go.mod").read_text()
    for package in packages:
        assert package.startswith("./") or re.search(rf"^\s+{re.escape(package)}$", text, re.MULTILINE), package
