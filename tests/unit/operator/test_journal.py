import pytest

from keyward_operator import journal, metrics
from keyward_operator.journal import Journal
from keyward_operator.keys import DatabaseKey

KEY, OTHER = DatabaseKey("payments", "orders"), DatabaseKey("payments", "stock")


def count(outcome: str) -> float:
    return metrics.RECONCILES.labels(reconciler="database", outcome=outcome)._value.get()  # type: ignore[no-any-return]


def steps(made: Journal) -> list[list[str]]:
    return [look.steps for look in made.of(KEY)]


def test_a_look_holds_its_causes_and_what_was_done() -> None:
    made = Journal(clock=iter([1.0, 3.5]).__next__)
    made.heard(KEY, "a resync")
    made.heard(KEY, "a resync")
    made.heard(KEY, "KeyspacesUser payments/web was modified")
    with made.look(KEY):
        made.did(KEY, "applied KeyspacesPolicy x: spec.grants")
    found = made.of(KEY)[0].to_json()
    assert found["causes"] == ["a resync", "KeyspacesUser payments/web was modified"]
    assert found["steps"] == ["applied KeyspacesPolicy x: spec.grants"]
    assert (found["seconds"], found["error"]) == (2.5, "")


def test_causes_that_come_while_a_key_is_worked_on_count_for_the_next_look() -> None:
    made = Journal()
    with made.look(KEY):
        made.heard(KEY, "late")
        made.did(KEY, "a step")
    with made.look(KEY):
        pass
    assert [look.causes for look in made.of(KEY)] == [[], ["late"]]


def test_a_failure_is_kept_counted_and_raised() -> None:
    made, before = Journal(), count("error")
    with pytest.raises(KeyError), made.look(KEY):
        raise KeyError("x")
    assert made.of(KEY)[0].error == "'x'"
    assert count("error") == before + 1


def test_looks_that_did_nothing_make_room_for_those_that_did() -> None:
    made = Journal()
    for number in range(journal.KEPT + 2):
        with made.look(KEY):
            made.did(KEY, str(number))
        with made.look(KEY):
            pass
    assert steps(made) == [["3"], ["4"], ["5"], ["6"], []]


def test_keys_looked_at_longest_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "KEYS", 1)
    made = Journal()
    for key in (KEY, OTHER):
        with made.look(key):
            pass
    assert not made.of(KEY)
    assert made.of(OTHER)


def test_causes_are_bounded() -> None:
    made = Journal()
    for number in range(1000):
        made.heard(KEY, str(number))
    with made.look(KEY):
        pass
    assert len(made.of(KEY)[0].causes) == journal.CAUSES


def test_what_a_key_is_worked_on_for_another_is_looked_at_for_too() -> None:
    made = Journal()
    made.heard(KEY, "KeyspacesUser payments/web was modified")
    with made.look(KEY):
        made.pass_on(KEY, OTHER)
    with made.look(OTHER):
        pass
    assert made.of(OTHER)[0].causes == ["KeyspacesUser payments/web was modified"]
    made.pass_on(KEY, OTHER)
    with made.look(OTHER):
        pass
    assert made.of(OTHER)[-1].causes == [], "nothing is passed on once it is over"
