"""Wildcards of IAM policies: `*` is any run of characters, `?` exactly one.

In ARNs a wildcard stays inside its colon-separated component, of which there are six; the last may hold
colons of its own. Source: "IAM JSON policy elements: Resource" and "... Condition operators" (ArnLike), IAM
User Guide.
"""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=4096)
def _compiled(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    text = "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern)
    return re.compile(text, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def matches(pattern: str, value: str, *, ignore_case: bool = False) -> bool:
    """Whether the whole of `value` has the form of `pattern`."""
    return _compiled(pattern, ignore_case).fullmatch(value) is not None


def matches_arn(pattern: str, arn: str) -> bool:
    """Whether `arn` has the form of `pattern`, component by component; `*` alone matches every ARN."""
    if pattern == "*":
        return True
    wanted, given = pattern.split(":", 5), arn.split(":", 5)
    return len(wanted) == len(given) and all(map(matches, wanted, given))
