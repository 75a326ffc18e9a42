from keyward_operator.keys import DatabaseKey
from keyward_operator.reconcile.replacements import FIRST, SELDOM, Replacements

KEY, OTHER = DatabaseKey("payments", "orders"), DatabaseKey("payments", "stock")


def test_replacements_become_seldom_and_start_anew_once_settled() -> None:
    now = 0.0
    replacements = Replacements(clock=lambda: now)
    waits = []
    for _ in range(15):
        assert replacements.due(KEY)
        replacements.replaced(KEY)
        begin = now
        while not replacements.due(KEY):
            now += 0.25
        waits.append(now - begin)
    assert waits[0] <= FIRST
    assert SELDOM / 2 < waits[-1] <= SELDOM
    assert replacements.due(OTHER)
    replacements.replaced(KEY)
    replacements.settled(KEY)
    assert replacements.due(KEY)
    replacements.replaced(KEY)
    now += FIRST
    assert replacements.due(KEY)
