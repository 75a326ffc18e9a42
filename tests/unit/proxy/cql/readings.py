"""Words for what a statement says, as the tests of the readers use them."""

from __future__ import annotations

from keyward_proxy.cql.reader import read
from keyward_proxy.cql.statement import Refusal, Statement


def reading(text: str, keyspace: str | None = "used") -> Statement:
    """A text that must be readable."""
    found = read(text, keyspace)
    assert isinstance(found, Statement), found
    return found


def says(text: str, keyspace: str | None = "used") -> tuple[str, list[str]]:
    """The statement's form, and `Permission keyspace.table` for each access."""
    found = reading(text, keyspace)
    return found.form.value, [str(access) for access in found.accesses]


def needs(text: str, keyspace: str | None = "used") -> list[str]:
    """`Permission keyspace.table` for each access."""
    return says(text, keyspace)[1]


def refusal(text: str, keyspace: str | None = "used") -> Refusal:
    """A text that must be refused."""
    found = read(text, keyspace)
    assert isinstance(found, Refusal), found
    return found
