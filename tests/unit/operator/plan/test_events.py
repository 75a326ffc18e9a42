from typing import Any

from keyward_operator.plan.events import transitions


def condition(name: str, status: str, reason: str, message: str = "") -> dict[str, Any]:
    return {"type": name, "status": status, "reason": reason, "message": message}


def told(previous: list[dict[str, Any]], current: list[dict[str, Any]]) -> list[tuple[str, str, bool]]:
    return [(event.action, event.reason, event.warning) for event in transitions(previous, current)]


def test_a_transition_is_told_once() -> None:
    before, after = [condition("Permitted", "True", "Permitted")], [condition("Permitted", "False", "NotPermitted")]
    assert told(before, after) == [("Permitted", "NotPermitted", True)]
    assert told(after, after) == []


def test_another_message_is_no_transition() -> None:
    before = [condition("RolesAssumable", "False", "AccessDenied", "one")]
    after = [condition("RolesAssumable", "False", "AccessDenied", "two")]
    assert told(before, after) == []


def test_what_is_not_known_yet_is_no_news() -> None:
    assert told([], [condition("RolesAssumable", "Unknown", "NotTried")]) == []


def test_ready_does_not_repeat_what_another_condition_says() -> None:
    current = [condition("Ready", "False", "NotPermitted"), condition("Permitted", "False", "NotPermitted")]
    assert told([], current) == [("Permitted", "NotPermitted", True)]
    alone = [condition("Ready", "False", "NameTaken"), condition("Permitted", "True", "Permitted")]
    assert ("Ready", "NameTaken", True) in told([], alone)
