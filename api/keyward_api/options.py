"""Several roles' options as one: of each option the strictest that any role asks for."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from keyward_api.resources.role import RoleOptions

T = TypeVar("T")


def strictest(options: Iterable[RoleOptions]) -> RoleOptions:
    """What is allowed where all of `options` hold; what none of them says stays unset."""
    given = tuple(options)
    return RoleOptions(
        max_session_seconds=_of_those_set(min, (each.max_session_seconds for each in given)),
        idle_timeout_seconds=_of_those_set(min, (each.idle_timeout_seconds for each in given)),
        max_connections=_of_those_set(min, (each.max_connections for each in given)),
        allow_tracing=_of_those_set(all, (each.allow_tracing for each in given)),
    )


def _of_those_set(choose: Callable[[list[T]], T], values: Iterable[T | None]) -> T | None:
    found = [value for value in values if value is not None]
    return choose(found) if found else None
