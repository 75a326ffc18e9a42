"""Why a folder of manifests is not a policy: everything that is wrong with it, each with its place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing that is wrong."""

    file: str
    """Name of the file; empty where it is about the folder as a whole."""

    document: int = 0
    """Which YAML document of the file, the first is 1; 0 where it is about the file as a whole."""

    field: str = ""
    """Path of the field, such as `spec.allow[0].tables`; empty where it is about the document as a whole."""

    message: str

    def __str__(self) -> str:
        document = f"document {self.document}" if self.document else ""
        place = ", ".join(filter(None, (self.file, document, self.field)))
        return f"{place}: {self.message}" if place else self.message


class ManifestsError(Exception):
    """The manifests cannot be taken as a policy."""

    def __init__(self, problems: Iterable[Problem], *, notes: Iterable[str] = ()) -> None:
        """`notes` are no problems, but may explain them."""
        self.problems = tuple(problems)
        self.notes = tuple(notes)
        super().__init__("; ".join(map(str, self.problems)))
