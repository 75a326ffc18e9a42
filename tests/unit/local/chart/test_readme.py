from pathlib import Path

import pytest

from local.chart import readme
from local.chart.comments import UndocumentedError


def written(tmp_path: Path, values: str) -> str:
    (tmp_path / readme.CHART).mkdir(parents=True)
    (tmp_path / readme.CHART / "values.yaml").write_text(values)
    return readme.files(tmp_path)[f"{readme.CHART}/README.md"]


def test_each_section_becomes_a_table(tmp_path: Path) -> None:
    text = written(tmp_path, "# -- Network\n# Who may talk.\n\n# Ports, as in a|b.\nports: [443]\n")
    section = text[text.index("### ") :]
    assert section.splitlines() == [
        "### Network",
        "Who may talk.",
        "",
        "| value | default | meaning |",
        "| --- | --- | --- |",
        "| `ports` | `[443]` | Ports, as in a\\|b. |",
    ]


def test_what_has_no_comment_makes_no_readme(tmp_path: Path) -> None:
    with pytest.raises(UndocumentedError):
        written(tmp_path, "# -- Network\n\nports: [443]\n")
