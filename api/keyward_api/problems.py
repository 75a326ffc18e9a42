"""What could not become part of a policy, in words for whoever owns it."""

from dataclasses import dataclass

from pydantic import ValidationError


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Something that a policy lacks, or holds more of than was asked for."""

    reason: str
    """One of names.Reason."""

    message: str
    """What, and what to do."""

    users: tuple[str, ...] = ()
    """KeyspacesUsers that it takes something from."""

    roles: tuple[str, ...] = ()
    """KeyspacesRoles that it takes something from."""

    locks: tuple[str, ...] = ()
    """KeyspacesLocks that are more than they say."""


def first_line(error: Exception) -> str:
    """What is wrong, in one line: of several things the first, with its field."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error)
