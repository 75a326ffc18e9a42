"""The pages have all that there is."""

import re
from pathlib import Path

import pytest

from keyward_api.crds import KINDS, Kind
from keyward_api.names import Condition, Reason
from keyward_api.tenants import PlatformSettings, Tenant
from local.reference import condition_pages, pages
from local.reference.errors import IncompleteError

PROJECT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def found() -> dict[str, str]:
    return {path.removeprefix(f"{pages.FOLDER}/"): text for path, text in pages.files(PROJECT).items()}


def test_the_folder_holds_these_pages_and_no_other(found: dict[str, str]) -> None:
    assert {path.name for path in (PROJECT / pages.FOLDER).iterdir()} == found.keys()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_kind_has_its_page(kind: Kind, found: dict[str, str]) -> None:
    page = found[f"{kind.name.lower()}.md"]
    assert {"## Example", "## `spec`", "## Columns of `kubectl get`"} <= set(page.splitlines())
    for column in kind.columns:
        assert f"| {column.name} |" in page
    assert f"]({kind.name.lower()}.md)" in found["README.md"]


def test_a_database_s_page_tells_of_rules_bounds_and_reasons(found: dict[str, str]) -> None:
    page = found["keyspacesdatabase.md"]
    assert re.search(r"^\| `spec\.agent\.replicas` \| integer \| `2` \| 0 to 100 \| How many", page, re.MULTILINE)
    assert re.search(r"^\| `spec\.aws\.region` \| string \| required \|.*immutable", page, re.MULTILINE)
    assert "`region` is immutable: create another database | `self == oldSelf`" in page
    assert "| `Permitted` | False | [InvalidSpec](conditions.md#invalidspec), [NotPermitted]" in page


def test_every_reason_has_a_heading_to_link_to(found: dict[str, str]) -> None:
    headings = re.findall(r"^### (.+)$", found["conditions.md"], re.MULTILINE)
    reasons = {value for name, value in vars(Reason).items() if name.isupper()}
    assert reasons <= set(headings)
    assert f"Condition {Condition.ROLES_ASSUMABLE}" in headings


def test_events_are_told_beside_those_of_conditions(found: dict[str, str]) -> None:
    assert "| [IdentityNotInjected](conditions.md#identitynotinjected) | `ReplacePod` | Warning |" in found["events.md"]
    assert "| KeyspacesUser | `Active` | Warning | [UserInvalid]" in found["events.md"]


def test_an_event_that_does_not_say_what_it_is_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "odd.py").write_text("def tell(why):\n    return Happening(reason=why, action='A', warning=True)\n")
    monkeypatch.setattr(condition_pages, "_PACKAGE", tmp_path)
    with pytest.raises(IncompleteError, match=r"odd\.py: tell makes a Happening"):
        condition_pages.events_page()


def test_metrics_of_both_programs_have_name_type_and_labels(found: dict[str, str]) -> None:
    page = found["metrics.md"]
    assert "| `keyward_operator_reconciles_total` | counter | `reconciler`, `outcome` |" in page
    assert "| `keyward_logins_total` | counter | `outcome`, `reason` |" in page
    assert "| `keyward_bytes_total` | counter | `source` |" in page
    assert "process_cpu" not in page


def test_settings_are_those_that_the_operator_reads(found: dict[str, str]) -> None:
    for field in Tenant.model_json_schema(by_alias=True)["properties"]:
        assert f"| `tenants[].{field}` |" in found["settings.md"]
    introduction = found["settings.md"].split("## Example")[0]
    assert all(
        f"`{field}`" in introduction for field in PlatformSettings.model_json_schema(by_alias=True)["properties"]
    )
