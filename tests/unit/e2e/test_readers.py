"""At how many moments requests failed, by the texts of the two reading programs."""

import pytest

from tests.e2e.readers import Report

GO, PYTHON = "09:19:51.{} EOF", "09:19:51.{}123 OperationTimedOut: errors={{}}"


@pytest.mark.parametrize("text", [GO, PYTHON])
@pytest.mark.parametrize(
    ("milliseconds", "moments"),
    [
        ((), 0),
        ((419,), 1),
        ((419, 420, 420), 1),
        ((419, 620), 2),
        # One after the other without an end is no moment.
        ((100, 190, 280, 370, 460), 3),
    ],
)
def test_failures_right_after_one_another_are_of_one_moment(
    text: str, milliseconds: tuple[int, ...], moments: int
) -> None:
    failures = tuple(text.format(each) for each in milliseconds)
    assert Report(requests=9, failures=failures, sent_again=0, longest_gap=0.1).moments == moments
