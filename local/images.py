"""Keyward's own images, built with docker from the working tree (or a released one) and loaded into the local cluster.

An image carries the hash of all that it was made from as a label: where the hash is that of the tree, nothing is
built. Docker gets a copy of just those files, with the roots that this machine's downloads trust (PIP_CERT or
SSL_CERT_FILE) beside them, since a machine behind a proxy that intercepts TLS has roots which the base lacks.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from local.cluster import kind, python_image
from local.runner import Log

PROJECT = Path(__file__).resolve().parents[1]
TARGETS = ("operator", "agent", "cqlsh")
"""The targets of the Dockerfile that become images."""

INPUTS = ("Dockerfile", "pyproject.toml", "uv.lock", "README.md", "LICENSE", "api", "operator", "proxy", "cli")
"""All that the Dockerfile reads."""

LABEL = "keyward.dev/inputs"
"""The image label with the hash of what the image was made from."""

SETTINGS = (
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
)
"""Environment variables that reach the build as arguments where they are set."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tree:
    """Sources that images are built from."""

    project: Path
    tag: str = ""
    """Of the images; empty: the distribution's version."""

    targets: tuple[str, ...] = TARGETS

    def name(self, target: str) -> str:
        """The image of a target, such as `keyward/agent:0.1.0`."""
        version = tomllib.loads((self.project / "pyproject.toml").read_text())["project"]["version"]
        return f"keyward/{target}:{self.tag or version}"

    def names(self) -> tuple[str, ...]:
        """The images of its targets."""
        return tuple(self.name(target) for target in self.targets)


WORKING_TREE = Tree(project=PROJECT)


def name(target: str) -> str:
    """The working tree's image of a target."""
    return WORKING_TREE.name(target)


def inputs_hash(base: str, project: Path = PROJECT) -> str:
    """SHA-256 over the name of the base image and the paths and contents of all inputs."""
    whole = hashlib.sha256(base.encode())
    for path in _files(project):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        whole.update(f"\0{path.relative_to(project)}\0{content}".encode())
    return whole.hexdigest()


def build(log: Log, tree: Tree = WORKING_TREE) -> None:
    """Build the images that are missing or older than the tree."""
    base = python_image.base(log)
    wanted = inputs_hash(base, tree.project)
    targets = [target for target in tree.targets if _label(tree.name(target)) != wanted]
    if not targets:
        log.write("the images are those of the tree")
        return
    with tempfile.TemporaryDirectory(prefix="keyward-images-") as folder:
        context = Path(folder)
        write_context(context, environment=os.environ, project=tree.project)
        for target in targets:
            image = tree.name(target)
            log.say(f"building {image}")
            log.run(build_command(target, image, base=base, inputs=wanted, context=context, environment=os.environ))
    log.run(["docker", "image", "prune", "--force", "--filter", f"label={LABEL}"])


def load(log: Log, tree: Tree = WORKING_TREE) -> None:
    """Load the images into the local cluster; kind leaves out those that its node has."""
    kind.load(log, *tree.names())


def write_context(folder: Path, *, environment: Mapping[str, str], project: Path = PROJECT) -> None:
    """Fill the empty `folder` with what docker gets to see."""
    for path in _files(project):
        copy = folder / path.relative_to(project)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    roots = environment.get("PIP_CERT") or environment.get("SSL_CERT_FILE")
    if roots and Path(roots).is_file():
        shutil.copyfile(roots, folder / "build-ca.crt")


def build_command(
    target: str, image: str, *, base: str, inputs: str, context: Path, environment: Mapping[str, str]
) -> list[str]:
    """The docker command for one target."""
    arguments = [f"--build-arg={setting}" for setting in SETTINGS if environment.get(setting)]
    tag = ["--tag", image, "--label", f"{LABEL}={inputs}"]
    build_base = ["--build-arg", f"BASE={base}", "--target", target]
    return ["docker", "build", "--network=host", *build_base, *tag, *arguments, str(context)]


def _files(project: Path) -> Iterator[Path]:
    for entry in INPUTS:
        path = project / entry
        found = [path] if path.is_file() else sorted(path.rglob("*"))
        yield from (file for file in found if file.is_file() and "__pycache__" not in file.parts)


def _label(image: str) -> str | None:
    """The hash that an image carries; None where the daemon does not hold it."""
    command = ["docker", "image", "inspect", "--format", f'{{{{index .Config.Labels "{LABEL}"}}}}', image]
    inspected = subprocess.run(command, capture_output=True, text=True, check=False)
    return inspected.stdout.strip() if inspected.returncode == 0 else None


def main() -> None:
    """Build the images, with `--load` for the local cluster too."""
    parser = argparse.ArgumentParser(description="Build Keyward's images from the working tree.")
    parser.add_argument("--load", action="store_true", help="load them into the local cluster as well")
    loads: bool = parser.parse_args().load
    log = Log("images", PROJECT / ".state/logs/images.log", sys.stderr)
    try:
        build(log)
        if loads:
            load(log)
    finally:
        log.close()


if __name__ == "__main__":
    main()
