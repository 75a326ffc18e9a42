import json
import sys
from pathlib import Path

import pytest
import yaml

from keyward_operator.main import main
from keyward_operator.print_iam import NOTHING, print_iam

BOUNDARY = "arn:aws:iam::111122223333:policy/bound"
MANAGE = {"mode": "Manage", "permissionsBoundary": BOUNDARY}


def written(folder: Path, *modes: dict[str, object], **changes: object) -> list[str]:
    settings = folder / "settings.yaml"
    content = {"agents": {"image": "x"}, "tenants": [{"iam": iam} for iam in modes], **changes}
    settings.write_text(yaml.safe_dump(content))
    return ["--settings-file", str(settings), "--account-id", "111122223333"]


def test_the_policy_is_printed_as_iam_takes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_iam(written(tmp_path, MANAGE, clusterName="blue"))
    document = json.loads(capsys.readouterr().out)
    assert document["Version"] == "2012-10-17"
    resources = {resource for s in document["Statement"] for resource in s["Resource"]}
    assert "arn:aws:iam::111122223333:role/keyward/blue/*" in resources


def test_the_command_line_may_name_cluster_and_partition(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_iam([*written(tmp_path, MANAGE), "--cluster-name", "green", "--partition", "aws-cn"])
    assert "arn:aws-cn:iam::111122223333:role/keyward/green/*" in capsys.readouterr().out


def test_where_nothing_is_needed_nothing_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_iam(written(tmp_path, {"mode": "None"}))
    printed = capsys.readouterr()
    assert (printed.out, printed.err.strip()) == ("", NOTHING)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    monkeypatch.setattr(sys, "argv", ["keyward-operator", "print-iam", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_a_path_needs_the_clusters_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "clusterName" in str(run(monkeypatch, *written(tmp_path, MANAGE)))


def test_settings_that_are_not_valid_are_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "permissionsBoundary" in str(run(monkeypatch, *written(tmp_path, {"mode": "Manage"})))


@pytest.mark.parametrize("account", ["1", "11112222333a", "1111222233334"])
def test_an_account_has_twelve_digits(
    account: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--account-id", account) == 2
    assert "is not 12 digits" in capsys.readouterr().err
