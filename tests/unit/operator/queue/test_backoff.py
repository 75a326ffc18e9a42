from itertools import pairwise

from keyward_operator.queue.backoff import Backoff


def test_delays_double_up_to_the_limit() -> None:
    backoff = Backoff(base=1, limit=10, jitter=0)
    assert [backoff.next("a") for _ in range(6)] == [1, 2, 4, 8, 10, 10]


def test_keys_fail_on_their_own_and_success_forgets() -> None:
    backoff = Backoff(base=1, jitter=0)
    backoff.next("a")
    assert backoff.next("b") == 1
    backoff.forget("a")
    assert backoff.next("a") == 1


def test_jitter_only_shortens_and_spreads() -> None:
    delays = [Backoff(base=100, limit=100, jitter=0.25).next("a") for _ in range(200)]
    assert all(75 <= delay <= 100 for delay in delays)
    assert any(first != second for first, second in pairwise(delays))


def test_a_key_may_fail_for_ever() -> None:
    backoff = Backoff(base=1, limit=300, jitter=0)
    assert [backoff.next("a") for _ in range(2000)][-1] == 300
