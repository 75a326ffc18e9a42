"""What reading a statement yields."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from keyward_api.decision import Access
from keyward_api.permissions import FORMS, StatementForm
from keyward_proxy.cql.description import Description


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """A value in a statement, as far as an agent may have to compare it itself."""

    literal: str | None = None
    """Contents of a string literal."""

    marker: str | None = None
    """Name of a bind variable; empty for `?`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Selector:
    """One selected column, or `count(*)`."""

    column: str
    """Name of the column; `count` for `count(*)`."""

    counts: bool = False
    alias: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Equality:
    """A relation `column = term`."""

    column: str
    term: Term


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """A SELECT simple enough for an agent to answer: columns or count(*), and equalities."""

    selectors: tuple[Selector, ...]
    """Empty for `*`."""

    equalities: tuple[Equality, ...]
    limit: int | None = None
    """Of LIMIT, where it is given."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A statement that was read in full."""

    form: StatementForm
    accesses: tuple[Access, ...] = ()
    """What it needs, all of it."""

    use_keyspace: str | None = None
    """For USE: the keyspace."""

    selection: Selection | None = None
    """For SELECT from a system keyspace: its shape, where it is that simple."""

    description: Description | None = None
    """For DESCRIBE: what it asks for."""

    children: int = 0
    """For BATCH: how many statements it holds."""

    redacted: str
    """The text for the audit trail."""

    sha256: str
    """Of the text as it was sent, hexadecimal."""

    tokens: int = 0
    """About how many it has: what reading it cost."""

    @cached_property
    def writes(self) -> bool:
        """Whether it is held to the consistency levels of writes."""
        return FORMS[self.form].writes


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """A statement that is refused as it stands, whoever sends it."""

    code: int
    """The native protocol's error code."""

    message: str
    """What is wrong and what to do; repeats no literal."""

    redacted: str
    """The text for the audit trail."""

    sha256: str
    """Of the text as it was sent, hexadecimal."""


Reading: TypeAlias = Statement | Refusal
"""What reading a text comes to."""
