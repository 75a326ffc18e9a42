"""What checks say about conditions, and the conditions as a status holds them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeVar

from keyward_operator.json_types import Json

V = TypeVar("V")
F = TypeVar("F", bound=Callable[..., object])
Check = Callable[[V], "Verdict | None"]
"""Judges what it is given; None: it has nothing to say, ask the next one."""

MESSAGE_LIMIT = 4096
"""Characters of a condition's message that the CRDs admit."""

PASSED_ON = "passed_on"
"""The attribute of a check that holds what `passes_on` declared."""

SHOWN = 5
"""How many of many problems a message names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Status, reason and message of a condition."""

    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str


def holds(reason: str, message: str) -> Verdict:
    """The condition is met."""
    return Verdict(status="True", reason=reason, message=message[:MESSAGE_LIMIT])


def fails(reason: str, message: str) -> Verdict:
    """The condition is not met."""
    return Verdict(status="False", reason=reason, message=message[:MESSAGE_LIMIT])


def unknown(reason: str, message: str) -> Verdict:
    """Nobody can tell yet."""
    return Verdict(status="Unknown", reason=reason, message=message[:MESSAGE_LIMIT])


def passes_on(*sources: str | Callable[..., object]) -> Callable[[F], F]:
    """Declares for docs/reference/ what a check takes from elsewhere: reasons, or functions whose verdicts it gives.

    What it says by itself is read in its code.
    """

    def declare(check: F) -> F:
        vars(check)[PASSED_ON] = sources
        return check

    return declare


def first(chain: Sequence[Check[V]], view: V) -> Verdict:
    """The verdict of the first check that has one; the last check of a chain always has."""
    return next(verdict for check in chain if (verdict := check(view)) is not None)


def first_failure(parts: Sequence[Verdict]) -> Verdict | None:
    """What keeps a sum of conditions from holding: the first that fails, else the first of which nobody can tell."""
    failing = [verdict for verdict in parts if verdict.status == "False"]
    pending = [verdict for verdict in parts if verdict.status == "Unknown"]
    return next(iter(failing + pending), None)


def join(messages: Sequence[str]) -> str:
    """Messages in one sentence; of many the first ones."""
    more = f"; and {len(messages) - SHOWN} more" if len(messages) > SHOWN else ""
    return "; ".join(messages[:SHOWN]) + more


def enumerate_names(names: Sequence[str]) -> str:
    """Names in a sentence; of many the first ones."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def waiting_text(databases: Sequence[str]) -> str:
    """What is said where agents do not have a policy yet."""
    named = enumerate_names(databases)
    return f"the policy of KeyspacesDatabase {named} is not written yet; if this stays, its conditions say why"


def moment_text(moment: datetime | None) -> str:
    """A moment in a sentence."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else "no time"


def condition_list(verdicts: Mapping[str, Verdict], document: Json, now: datetime) -> list[Json]:
    """The conditions of `document` as its status holds them.

    Times change with the status of a condition, not with its reason.
    """
    previous = conditions_of(document)
    generation = int(document["metadata"].get("generation", 0))
    return [
        {
            "type": name,
            "status": verdict.status,
            "observedGeneration": generation,
            "lastTransitionTime": _since(name, verdict, previous, now),
            "reason": verdict.reason,
            "message": verdict.message,
        }
        for name, verdict in verdicts.items()
    ]


def conditions_of(document: Json) -> Sequence[Json]:
    """The conditions that an object's status holds already."""
    return (document.get("status") or {}).get("conditions") or ()


def _since(name: str, verdict: Verdict, previous: Sequence[Json], now: datetime) -> str:
    for condition in previous:
        if condition["type"] == name and condition["status"] == verdict.status:
            return str(condition["lastTransitionTime"])
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")
