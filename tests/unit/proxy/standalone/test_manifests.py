"""A folder is read as a whole: every problem is told, and none is passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyward_proxy.standalone import manifests as module
from keyward_proxy.standalone.manifests import read_manifests
from keyward_proxy.standalone.problem import ManifestsError
from tests.unit.proxy.standalone.folder import DATABASE, IAM_ROLE, ROLE, USER, write


def problems(directory: Path) -> list[str]:
    with pytest.raises(ManifestsError) as refused:
        read_manifests(directory)
    return list(map(str, refused.value.problems))


def test_all_files_and_all_documents_count(tmp_path: Path) -> None:
    write(tmp_path, everything=f"{DATABASE}---\n{ROLE}")
    (tmp_path / "users.yml").write_text(USER)
    (tmp_path / "notes.txt").write_text("not read")
    (tmp_path / ".orders.yaml").write_text("an editor's")
    (tmp_path / "orders.yaml.tmp").write_text("half a file")
    found = read_manifests(tmp_path)
    assert (len(found.databases), len(found.roles), len(found.users)) == (1, 1, 1)


def test_every_problem_is_told_with_its_place(tmp_path: Path) -> None:
    write(
        tmp_path,
        a="kind: Pod\n",
        b=f"{ROLE}---\n{ROLE.replace('tables:', 'table:')}",
        c="a: [",
        d="just text",
        e="apiVersion: keyward.dev/v1alpha1\nkind: KeyspacesRole\nmetadata: {name: x}\n",
    )
    (tmp_path / "f.yaml").mkdir()
    (tmp_path / "g.yaml").write_bytes(b"\xff\xfe")
    found = problems(tmp_path)
    assert [problem.partition(": ")[0] for problem in found] == [
        "c.yaml, document 1",
        "f.yaml",
        "g.yaml",
        "a.yaml, document 1, apiVersion",
        "a.yaml, document 1, kind",
        "b.yaml, document 2, spec.allow[0].tables",
        "b.yaml, document 2, spec.allow[0].table",
        "d.yaml, document 1",
        "e.yaml, document 1, metadata",
        "b.yaml, document 2",
    ]
    assert found[-1].endswith("KeyspacesRole payments/reader is in b.yaml, document 1 already: remove one of them")


def test_a_folder_without_manifests_or_none_at_all_is_refused(tmp_path: Path) -> None:
    assert problems(tmp_path) == [f"{tmp_path} holds no *.yaml: put the manifests there"]
    assert problems(tmp_path / "nothing") == [f"cannot read {tmp_path / 'nothing'}: No such file or directory"]


def test_whoever_may_write_decides_so_not_everybody_may(tmp_path: Path) -> None:
    directory = write(tmp_path / "m")
    (directory / "role.yaml").chmod(0o666)
    assert problems(directory) == [
        f"role.yaml: every user of this machine may change it: chmod o-w {directory}/role.yaml"
    ]
    (directory / "role.yaml").chmod(0o664)
    directory.chmod(0o777)
    assert problems(directory) == [f"m: every user of this machine may change it: chmod o-w {directory}"]


def test_nobody_makes_iam_roles_here(tmp_path: Path) -> None:
    database = DATABASE.partition("      roleARN:")[0] + "      management: Manage\n"
    write(tmp_path, database=database, iam=IAM_ROLE + "  management: Manage\n")
    says = "must be 'Adopt' here: without a cluster nobody makes IAM roles"
    assert problems(tmp_path) == [
        f"database.yaml, document 1, spec.agent.identity.management: {says}",
        f"iam.yaml, document 1, spec.management: {says}",
    ]
    write(tmp_path, database=DATABASE, iam=IAM_ROLE)
    assert len(read_manifests(tmp_path).iam_roles) == 1


def test_a_folder_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    monkeypatch.setattr(module, "MAXIMUM_FILE_BYTES", 250)
    assert "role.yaml: it has more than 250 bytes" in problems(tmp_path)
    monkeypatch.setattr(module, "MAXIMUM_FILES", 2)
    assert problems(tmp_path) == [f"{tmp_path} holds more than 2 manifests"]
