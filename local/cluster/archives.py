"""Container images made of a folder, without a container runtime.

One layer, no base: the format is `docker save`'s (a tar of `manifest.json`, the configuration and the layer), which
`docker load`, `ctr images import` and `kind load image-archive` read. An archive needs no daemon to be made, so it
can be cached as a file.
"""

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def write(archive: Path, folder: Path, *, names: Sequence[str], config: Mapping[str, object]) -> None:
    """Write the files under `folder` (owners, modes and devices as they are) as an image with these names.

    `config` is the `config` object of the OCI image configuration: Entrypoint, Cmd, Env, WorkingDir, StopSignal.
    """
    layer = archive.with_suffix(".layer")
    subprocess.run(["tar", "-C", folder, "--sort=name", "--numeric-owner", "-cf", layer, "."], check=True)
    with layer.open("rb") as file:
        layer_digest = hashlib.file_digest(file, "sha256").hexdigest()
    image = {
        "architecture": _architecture(),
        "os": "linux",
        "created": "2026-01-01T00:00:00Z",  # fixed: the same files give the same image
        "config": {"Env": [PATH], **config},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
    }
    configuration = json.dumps(image).encode()
    configuration_name = hashlib.sha256(configuration).hexdigest() + ".json"
    manifest = [{"Config": configuration_name, "RepoTags": list(names), "Layers": ["layer.tar"]}]
    with tarfile.open(archive, "w") as tar:
        _add(tar, "manifest.json", json.dumps(manifest).encode())
        _add(tar, configuration_name, configuration)
        tar.add(layer, "layer.tar")
    layer.unlink()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _architecture() -> str:
    """The machine's architecture by the name that images use."""
    machine = subprocess.run(["uname", "-m"], check=True, capture_output=True, text=True).stdout.strip()
    return {"x86_64": "amd64", "aarch64": "arm64"}[machine]
