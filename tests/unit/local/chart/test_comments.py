import pytest

from local.chart.comments import UndocumentedError, read

TEXT = """\
# About the file.

# -- First
# What it is for,
# in two lines.

# How many.
count: 2

image:
  # Where it is.
  repository: a/b
  # Which.
  tag: ""

monitor:
  pods:
    # Whether.
    enabled: true

# -- Second

# One for each team.
teams:
    # Its name.
  - name: a
    # May be many.
    members: [x, y]
# All of it.
limits:
  memory: 1Gi
"""


def test_sections_have_their_text_and_their_values() -> None:
    first, second = read(TEXT)
    assert (first.title, first.text) == ("First", "What it is for, in two lines.")
    assert [value.path for value in first.values] == ["count", "image.repository", "image.tag", "monitor.pods.enabled"]
    assert (second.title, second.text) == ("Second", "")


def test_a_value_has_its_default_and_the_comment_above_it() -> None:
    values = {value.path: (value.default, value.meaning) for section in read(TEXT) for value in section.values}
    assert values["count"] == ("2", "How many.")
    assert values["image.tag"] == ('""', "Which.")


def test_a_list_is_read_by_its_first_item_and_a_mapping_without_comments_as_a_whole() -> None:
    values = {value.path: (value.default, value.meaning) for section in read(TEXT) for value in section.values}
    assert values["teams"] == ("", "One for each team.")
    assert values["teams[].name"] == ('"a"', "Its name.")
    assert values["teams[].members"] == ('["x", "y"]', "May be many.")
    assert values["limits"] == ('{"memory": "1Gi"}', "All of it.")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("# -- A\n\ncount: 2\n", "count"),
        ("# -- A\n# The section's own text.\ncount: 2\n", "count"),
        ("# -- A\n\nimage:\n  # Where.\n  repository: a\n  tag: b\n", "image.tag"),
        ("# Above all sections.\ncount: 2\n", "count"),
    ],
)
def test_a_value_without_a_comment_is_refused_by_name(text: str, path: str) -> None:
    with pytest.raises(UndocumentedError, match=f"`{path}`"):
        read(text)
