"""A DESCRIBE on its way to its answer."""

from __future__ import annotations

from dataclasses import dataclass

from keyward_api.decision import EffectiveGrant
from keyward_proxy.cql.description import Description
from keyward_proxy.wire.responses import ErrorCode


class DescriptionError(Exception):
    """A DESCRIBE that has no answer; the text is for the client."""

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message)
        self.code = code
        """The native protocol's error code."""


def too_large(limit: int) -> DescriptionError:
    """What is said of a schema that is too large to be described in one go."""
    return DescriptionError(
        f"the description takes more than {limit >> 20} MiB: name a keyspace or a table", code=ErrorCode.INVALID
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class SchemaPage:
    """The body of a RESULT Rows that Keyspaces answered a question with."""

    table: str
    """Which table of system_schema was asked."""

    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Inquiry:
    """Everything that the answer to a DESCRIBE depends on."""

    description: Description
    grant: EffectiveGrant
    """It bounds what is shown."""

    pages: tuple[SchemaPage, ...] = ()
    skip_metadata: bool = False
    """Whether the client wants rows without their column descriptions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the client gets."""

    body: bytes
    """The body of a RESULT Rows."""

    rows: int
