from keyward_operator.queue.standby import Standby


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_was_heard_of_late_is_taken_over_newest_first_and_once() -> None:
    clock = Clock()
    standby: Standby[str] = Standby(memory=10, clock=clock)
    for key in ("old", "a", "b", "a"):
        standby.heard(key)
        clock.now += 4
    assert standby.take() == ["a", "b"]
    assert standby.take() == []


def test_it_holds_nothing_that_is_too_old() -> None:
    clock = Clock()
    standby: Standby[int] = Standby(memory=10, clock=clock)
    for key in range(1000):
        standby.heard(key)
        clock.now += 1
    assert len(standby._heard) == 11
    clock.now += 11
    assert standby.take() == []
