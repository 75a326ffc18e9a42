"""Each kind has an example, and each example is what its kind accepts."""

from pathlib import Path

import pytest
import yaml

from keyward_api.crds import KINDS, Kind
from keyward_proxy.standalone.schema import USER_KINDS, check
from local.reference.errors import IncompleteError
from local.reference.examples import example_of

PROJECT = Path(__file__).parents[4]
ALL = [pytest.param(kind, id=kind.name) for kind in KINDS]


@pytest.mark.parametrize("kind", ALL)
def test_an_example_is_what_its_kind_accepts(kind: Kind) -> None:
    document = yaml.safe_load(example_of(kind.name, PROJECT).text)
    assert document["kind"] == kind.name
    if kind.name in USER_KINDS:
        assert list(check(kind, document)) == []
    else:
        kind.model.model_validate(document)


def test_the_compiled_one_grants_what_the_others_say() -> None:
    spec = yaml.safe_load(example_of("KeyspacesPolicy", PROJECT).text)["spec"]
    (grant,) = spec["grants"]
    assert (grant["user"], grant["allow"][0]["source"]) == ("cqlsh", "orders-reader/allow/0")


def test_a_document_has_an_example_where_no_file_has(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/new.md").write_text("# New\n```yaml\nkind: Other\n---\nkind: New\nspec: {}\n```\n")
    assert example_of("New", tmp_path).text == "kind: New\nspec: {}\n"
    assert example_of("New", tmp_path).source == "docs/new.md"


def test_a_kind_without_an_example_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(IncompleteError, match="no example of Fresh in examples/ and the YAML of docs/"):
        example_of("Fresh", tmp_path)
