"""Events: one for each transition of a condition, none for what stayed."""

from collections.abc import Sequence

from keyward_api.names import Condition, Reason
from keyward_operator.json_types import Json
from keyward_operator.plan.result import Deletion, Happening


def transitions(previous: Sequence[Json], current: Sequence[Json]) -> tuple[Happening, ...]:
    """What changed from one list of conditions to the next; what is not known yet is not worth an event."""
    before = {condition["type"]: (condition["status"], condition["reason"]) for condition in previous}
    changed = [
        condition
        for condition in current
        if condition["status"] != "Unknown"
        and before.get(condition["type"]) != (condition["status"], condition["reason"])
    ]
    # `Ready` repeats what another condition says, unless it has something of its own to say.
    said = {condition["reason"] for condition in changed if condition["type"] != Condition.READY}
    return tuple(
        Happening(
            reason=condition["reason"],
            message=condition["message"],
            action=condition["type"],
            warning=condition["status"] == "False",
        )
        for condition in changed
        if condition["type"] != Condition.READY or condition["reason"] not in said
    )


def replaced(pod: Deletion) -> Happening:
    """A pod without identity was deleted."""
    return Happening(
        reason=Reason.IDENTITY_NOT_INJECTED,
        message=f"pod {pod.reference.name} has no web identity and is replaced",
        action="ReplacePod",
        warning=True,
    )
