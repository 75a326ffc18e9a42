"""When a statement is least likely to be on its way."""

from __future__ import annotations

import pytest

from keyward_proxy.session.lulls import LONGEST_HOLD_SECONDS, Lulls

PACE, BURST, PAUSE = 0.015, 0.0005, 0.2


@pytest.mark.parametrize(
    ("seen", "least", "most"),
    [
        ([], 0, 0),
        ([PACE] * 30, 0, 0),
        ([PACE, 2 * PACE, 3 * PACE, PACE] * 8, 0, 0),
        ([BURST] * 30, 0, 0),
        ([BURST, BURST, 3 * BURST, PAUSE] * 8, 3 * BURST, 0.005),
        ([BURST, 0.1, 0.3] * 8, BURST, 0.005),
        ([0.05 + number / 1000 for number in range(100)], 0, 0),
        ([0.005, PAUSE] * 8, 0.005, 0.01),
        ([LONGEST_HOLD_SECONDS * number / 30 for number in range(30)] + [PAUSE], 0, LONGEST_HOLD_SECONDS),
    ],
)
def test_the_hold_leads_to_where_statements_were_rarest(seen: list[float], least: float, most: float) -> None:
    lulls = Lulls()
    for lull in seen:
        lulls.add(lull)
    assert least <= lulls.hold() <= most


def test_what_is_remembered_is_bounded_and_the_latest_counts() -> None:
    lulls = Lulls()
    for lull in [PACE] * 1000 + [BURST, PAUSE] * 1000:
        lulls.add(lull)
    assert len(lulls._seen) < 1000
    assert BURST < lulls.hold() < 0.005
