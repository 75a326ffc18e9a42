from keyward_operator.queue import turns
from keyward_operator.queue.turns import Turns


def test_each_thing_of_a_group_has_a_turn_of_its_own() -> None:
    made = Turns()
    assert [made.next("a") for _ in range(3)] == [0, 1, 2]
    assert made.next("b") == 0


def test_a_newcomer_begins_with_the_present_turn() -> None:
    made = Turns()
    for _ in range(10):
        made.next("a")
    made.reached(7)
    made.reached(5)
    assert made.next("b") == 7
    assert made.next("a") == 10


def test_groups_that_wait_for_nothing_are_forgotten() -> None:
    made = Turns()
    for group in range(turns._SWEEP):
        made.next(group)
    made.reached(3)
    made.next("one more")
    assert set(made._next) == {"one more"}
