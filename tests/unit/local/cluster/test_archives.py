"""Images of a folder, as a container runtime reads them."""

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from local.cluster import archives


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "program").write_text("#!/bin/sh\n")
    (root / "bin" / "program").chmod(0o755)
    archive = tmp_path / "image.tar"
    archives.write(archive, root, names=["keyward/a:1", "keyward/b:2"], config={"Entrypoint": ["/bin/program"]})
    return archive


def member(archive: Path, name: str) -> bytes:
    with tarfile.open(archive) as tar:
        file = tar.extractfile(name)
        assert file is not None
        return file.read()


def manifest(archive: Path) -> dict[str, Any]:
    (only,) = json.loads(member(archive, "manifest.json"))
    assert isinstance(only, dict)
    return only


def test_the_manifest_names_the_image_and_its_parts(archive: Path) -> None:
    assert manifest(archive)["RepoTags"] == ["keyward/a:1", "keyward/b:2"]
    assert manifest(archive)["Layers"] == ["layer.tar"]


def test_the_configuration_holds_the_digest_of_the_layer(archive: Path) -> None:
    configuration = json.loads(member(archive, manifest(archive)["Config"]))
    layer = hashlib.sha256(member(archive, "layer.tar")).hexdigest()
    assert configuration["rootfs"]["diff_ids"] == [f"sha256:{layer}"]
    assert configuration["config"] == {"Env": [archives.PATH], "Entrypoint": ["/bin/program"]}


def test_the_layer_keeps_modes(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "layer.tar").write_bytes(member(archive, "layer.tar"))
    with tarfile.open(tmp_path / "layer.tar") as tar:
        assert tar.getmember("./bin/program").mode == 0o755


def test_nothing_but_the_archive_stays(archive: Path) -> None:
    assert sorted(path.name for path in archive.parent.iterdir()) == ["image.tar", "root"]
