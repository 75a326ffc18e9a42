"""A folder of manifests: every *.yaml and *.yml in it, read strictly, or a list of everything that is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keyward_api.names import API_VERSION
from keyward_proxy.standalone.documents import Document, read_documents
from keyward_proxy.standalone.problem import ManifestsError, Problem
from keyward_proxy.standalone.schema import USER_KINDS, check

SUFFIXES = (".yaml", ".yml")
MAXIMUM_FILES = 1000
MAXIMUM_FILE_BYTES = 1024 * 1024
OTHERS_MAY_WRITE = 0o002

_MANAGEMENT = {
    "KeyspacesIAMRole": ("spec", "management"),
    "KeyspacesDatabase": ("spec", "agent", "identity", "management"),
}

Resource = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifests:
    """Valid resources, with the defaults of their schemas."""

    databases: tuple[Resource, ...]
    roles: tuple[Resource, ...]
    users: tuple[Resource, ...]
    locks: tuple[Resource, ...]
    iam_roles: tuple[Resource, ...]


def manifest_files(directory: Path) -> list[Path]:
    """The files that count, in order of name; hidden ones are editors'. Raises ManifestsError."""
    try:
        names = sorted(entry.name for entry in directory.iterdir())
    except OSError as error:
        raise ManifestsError([Problem(file="", message=f"cannot read {directory}: {error.strerror}")]) from error
    return [directory / name for name in names if name.endswith(SUFFIXES) and not name.startswith(".")]


def read_manifests(directory: Path, old: Manifests | None = None) -> Manifests:
    """All resources of the folder; raises ManifestsError with all that is wrong.

    `old` is what they replace, for what may not change.
    """
    problems: list[Problem] = [*_writable(directory)]
    files = manifest_files(directory)
    if not files:
        problems.append(Problem(file="", message=f"{directory} holds no *.yaml: put the manifests there"))
    if len(files) > MAXIMUM_FILES:
        raise ManifestsError([Problem(file="", message=f"{directory} holds more than {MAXIMUM_FILES} manifests")])
    documents: list[Document] = []
    for file in files:
        try:
            documents += read_documents(file.name, _read(file))
        except ManifestsError as error:
            problems += error.problems
    for document in documents:
        problems += _check(document, old)
    problems += _duplicates(documents)
    if problems:
        raise ManifestsError(problems)
    return _sorted_by_kind(documents)


def _read(file: Path) -> str:
    try:
        if not file.is_file():
            raise ManifestsError([Problem(file=file.name, message="this is not a file")])
        if file.stat().st_size > MAXIMUM_FILE_BYTES:
            raise ManifestsError([Problem(file=file.name, message=f"it has more than {MAXIMUM_FILE_BYTES} bytes")])
        writable = list(_writable(file))
        if writable:
            raise ManifestsError(writable)
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise ManifestsError([Problem(file=file.name, message=f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ManifestsError([Problem(file=file.name, message=f"this is not UTF-8: {error.reason}")]) from error


def _writable(path: Path) -> Iterator[Problem]:
    """Whoever may write here decides who may do what."""
    if path.exists() and path.stat().st_mode & OTHERS_MAY_WRITE:
        yield Problem(file=path.name, message=f"every user of this machine may change it: chmod o-w {path}")


def _check(document: Document, old: Manifests | None) -> Iterator[Problem]:
    content = document.content
    if not isinstance(content, dict):
        yield document.problem("this is no resource: it has no `kind`")
        return
    if content.get("apiVersion") != API_VERSION:
        yield document.problem(f"must be '{API_VERSION}'", field="apiVersion")
    kind = content.get("kind")
    if not isinstance(kind, str) or kind not in USER_KINDS:
        yield document.problem(f"must be one of {', '.join(USER_KINDS)}; others have no effect here", field="kind")
        return
    metadata = content.get("metadata")
    if not isinstance(metadata, dict) or not metadata.get("name") or not metadata.get("namespace"):
        yield document.problem("`name` and `namespace` are needed", field="metadata")
        return
    for field, message in check(USER_KINDS[kind], content, _find(old, content) if old else None):
        yield document.problem(message, field=field)
    yield from _without_operator(document, _MANAGEMENT.get(kind, ()))


def _without_operator(document: Document, path: Sequence[str]) -> Iterator[Problem]:
    """What asks an operator to make an IAM role; `path` is where a kind does."""
    value: object = document.content
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    if value == "Manage":
        yield document.problem("must be 'Adopt' here: without a cluster nobody makes IAM roles", field=".".join(path))


def _find(old: Manifests, content: Resource) -> Resource | None:
    resources = (*old.databases, *old.roles, *old.users, *old.locks, *old.iam_roles)
    return next((resource for resource in resources if key_of(resource) == key_of(content)), None)


def key_of(resource: Resource) -> tuple[str, str, str]:
    """Kind, namespace and name: what makes a resource the one that it is."""
    metadata = resource["metadata"]
    return resource["kind"], metadata["namespace"], metadata["name"]


def _duplicates(documents: Sequence[Document]) -> Iterator[Problem]:
    seen: dict[tuple[str, str, str], Document] = {}
    for document in documents:
        try:
            key = key_of(document.content)
            first = seen.setdefault(key, document)
        except (KeyError, TypeError):
            continue  # Told already.
        if first is not document:
            kind, namespace, name = key
            yield document.problem(
                f"{kind} {namespace}/{name} is in {first.file}, document {first.index} already: remove one of them"
            )


def _sorted_by_kind(documents: Sequence[Document]) -> Manifests:
    by_kind: dict[str, list[Resource]] = {kind: [] for kind in USER_KINDS}
    for document in documents:
        by_kind[document.content["kind"]].append(document.content)
    return Manifests(
        databases=tuple(by_kind["KeyspacesDatabase"]),
        roles=tuple(by_kind["KeyspacesRole"]),
        users=tuple(by_kind["KeyspacesUser"]),
        locks=tuple(by_kind["KeyspacesLock"]),
        iam_roles=tuple(by_kind["KeyspacesIAMRole"]),
    )
