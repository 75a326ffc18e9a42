import os
from pathlib import Path

import pytest

from keyward_operator import metrics
from keyward_operator.errors import SettingsError
from keyward_operator.settings import SettingsFile, read

VALID = "agents: {image: 'keyward/agent:1'}\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "settings.yaml"
    file.write_text(VALID)
    return file


def rewrite(path: Path, text: str) -> None:
    """As a mounted ConfigMap changes: another file under the same name."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    os.replace(fresh, path)


def test_what_is_not_said_has_the_shipped_default(path: Path) -> None:
    settings = SettingsFile(path).current
    assert settings.cluster_domain == "cluster.local"
    assert "Custom" not in settings.tenants[0].endpoint_types


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("agents: {image: ", "cannot be read"),
        ("{}", "agents: Field required"),
        ("[]", "the file"),
        (VALID + "tenant: []", "tenant: Extra inputs are not permitted"),
        (VALID + "tenants: [{acounts: ['*']}]", "tenants.0.acounts"),
    ],
)
def test_a_broken_file_is_refused_with_the_setting(path: Path, text: str, says: str) -> None:
    path.write_text(text)
    with pytest.raises(SettingsError, match=says):
        read(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        SettingsFile(tmp_path / "missing.yaml")


def test_a_changed_file_is_read_again(path: Path) -> None:
    file = SettingsFile(path)
    assert not file.reload()
    rewrite(path, "agents: {image: 'keyward/agent:2'}\n")
    assert file.reload()
    assert file.current.agents.image == "keyward/agent:2"
    rewrite(path, "agents: {image: 'keyward/agent:2'}  # a comment\n")
    assert not file.reload(), "nothing changed that counts"


def test_a_broken_or_vanished_file_leaves_the_settings_as_they_were(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = SettingsFile(path)
    before = file.current
    rewrite(path, "agents: {}")
    assert not file.reload()
    assert file.current == before
    assert metrics.SETTINGS_VALID._value.get() == 0
    assert "agents.image" in caplog.text
    caplog.clear()
    assert not file.reload()
    assert caplog.text == "", "it is told once"
    path.unlink()
    assert not file.reload()
    rewrite(path, VALID)
    assert not file.reload()
    assert metrics.SETTINGS_VALID._value.get() == 1
