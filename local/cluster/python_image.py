"""The base image of `docker build --build-arg BASE=...`: the official one where it can be pulled, else Debian's Python.

The official image has Python in /usr/local/bin, Debian in /usr/bin: a Dockerfile that makes a virtual environment of
`python3` works on both.
"""

import subprocess
from pathlib import Path

from local import caches
from local.cluster import archives, debian, docker, versions
from local.runner import Log

OWN = f"keyward/python:{versions.PYTHON}"
OFFICIAL = f"python:{versions.PYTHON}-slim"
PACKAGES = ("python3", "python3-venv", "ca-certificates")


def archive(log: Log) -> Path:
    """Our own image as a file for `docker load`, built when missing. Needs root."""
    root_file_system = debian.root_file_system(log, versions.DEBIAN_OF_IMAGES, PACKAGES)

    def build(folder: Path) -> None:
        root = folder / "root"
        root.mkdir()
        log.run(["tar", "-C", root, "-xf", root_file_system])
        archives.write(folder / "image.tar", root, names=[OWN], config={"Cmd": ["python3"]})
        subprocess.run(["rm", "-r", root], check=True)

    key = caches.digest(str(root_file_system), Path(archives.__file__))
    return caches.cached("python-image", f"{versions.PYTHON}-{key}", build) / "image.tar"


def base(log: Log) -> str:
    """The name of a base image that the docker daemon holds, made or pulled where it held none."""
    if docker.has_image(OWN):
        return OWN
    if docker.has_image(OFFICIAL):
        return OFFICIAL
    if docker.registry_answers():
        log.run(["docker", "pull", OFFICIAL])
        return OFFICIAL
    docker.load(log, archive(log), OWN)
    return OWN
