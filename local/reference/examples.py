"""An example of each kind: from examples/ where it is there, else from a document, and the compiled one is compiled."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from keyward_api import names
from keyward_api.compiler import compile_policy
from keyward_api.resources.database import KeyspacesDatabase
from keyward_api.resources.policy import KeyspacesPolicy
from local.reference.errors import IncompleteError

Document = dict[str, Any]
_FOLDERS = ("examples/eks", "examples/standalone", "examples")
_SOURCES = "examples/ and the YAML of docs/*.md"
_UID = "00000000-0000-0000-0000-000000000000"
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """One object as YAML, and the file below the project's folder that has it."""

    text: str
    source: str


def example_of(kind: str, project: Path) -> Example:
    """The first example of a kind. Raises IncompleteError."""
    if kind == KeyspacesPolicy.__name__:
        return _compiled(project)
    for example in _all(project):
        if (yaml.safe_load(example.text) or {}).get("kind") == kind:
            return example
    raise IncompleteError(f"there is no example of {kind} in {_SOURCES}: add one")


def _all(project: Path) -> Iterator[Example]:
    for folder in _FOLDERS:
        for path in sorted((project / folder).rglob("*.yaml")):
            for text in re.split(r"^---\n", path.read_text(), flags=re.MULTILINE):
                yield Example(text=text.strip() + "\n", source=str(path.relative_to(project)))
    for path in sorted((project / "docs").glob("*.md")):
        for block in re.findall(r"^```yaml\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL):
            for text in re.split(r"^---\n", block, flags=re.MULTILINE):
                yield Example(text=text, source=str(path.relative_to(project)))


def _compiled(project: Path) -> Example:
    """The policy of the other examples: nobody writes one by hand."""
    folder = _FOLDERS[0]
    found: dict[str, list[Document]] = {}
    for path in sorted((project / folder).glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            found.setdefault(document["kind"], []).append(document)
    (document,) = found["KeyspacesDatabase"]
    database = KeyspacesDatabase.model_validate(document | {"metadata": document["metadata"] | {"uid": _UID}})
    compilation = compile_policy(
        database=database,
        roles=found["KeyspacesRole"],
        users=found["KeyspacesUser"],
        locks=found.get("KeyspacesLock", ()),
        iam_roles=found.get("KeyspacesIAMRole", ()),
        iam_paths={},
        agent_role_arn=str(database.spec.agent.identity.role_arn),
        cluster_uid=_UID,
        service_address="10.96.0.42",
        now=_NOW,
    )
    manifest = {
        "apiVersion": names.API_VERSION,
        "kind": KeyspacesPolicy.__name__,
        "metadata": {
            "name": names.dotted_child_name(namespace=database.metadata.namespace, name=database.metadata.name),
            "namespace": names.AGENTS_NAMESPACE,
        },
        "spec": compilation.spec.to_json_dict(),
    }
    return Example(text=yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=120), source=folder)
