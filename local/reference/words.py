"""The meanings of conditions and reasons, complete or not at all."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from keyward_api import names
from keyward_api.meanings import CONDITIONS, REASONS, Meaning
from local.reference.conditions import all_conditions
from local.reference.errors import IncompleteError

T = TypeVar("T")
_FILE = "api/keyward_api/meanings.py"


def condition(name: str) -> str:
    """What a condition means. Raises IncompleteError."""
    return _found(CONDITIONS, name, "condition")


def reason(name: str) -> Meaning:
    """What a reason means. Raises IncompleteError."""
    return _found(REASONS, name, "reason")


def condition_types() -> list[str]:
    """Every condition that some object may have, `Ready` first."""
    return list(dict.fromkeys(found.type for found in all_conditions()))


def reasons() -> list[str]:
    """Every reason, in the order of its name."""
    return sorted(REASONS)


def link(reason_name: str, *, page: str = "conditions.md") -> str:
    """A link to what a reason means. Raises IncompleteError."""
    reason(reason_name)
    return f"[{reason_name}]({page}#{reason_name.lower()})"


def links(reason_names: Iterable[str], *, page: str = "conditions.md") -> str:
    """Links to what reasons mean. Raises IncompleteError."""
    return ", ".join(link(name, page=page) for name in reason_names)


def require_all() -> None:
    """Raises IncompleteError where a name has no meaning, or a meaning no name."""
    reasons = _members(names.Reason)
    _compare("condition", {*condition_types(), *_members(names.Condition)}, CONDITIONS)
    _compare("reason", {*reasons, *(said.reason for found in all_conditions() for said in found.said)}, REASONS)


def _members(names_of: type) -> list[str]:
    return [value for name, value in vars(names_of).items() if name.isupper()]


def _compare(what: str, wanted: Iterable[str], meanings: Mapping[str, object]) -> None:
    missing, unused = sorted(set(wanted) - meanings.keys()), sorted(meanings.keys() - set(wanted))
    if missing:
        raise IncompleteError(f"what the {what}s {', '.join(missing)} mean is to be written in {_FILE}")
    if unused:
        raise IncompleteError(f"{_FILE} has a meaning of the {what}s {', '.join(unused)}, which do not exist")


def _found(meanings: Mapping[str, T], name: str, what: str) -> T:
    if name not in meanings:
        raise IncompleteError(f"what the {what} {name} means is to be written in {_FILE}")
    return meanings[name]
