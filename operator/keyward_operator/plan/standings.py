"""Whose is the object that has a child's name?"""

from enum import Enum

from keyward_api import names
from keyward_operator.children import Owner
from keyward_operator.json_types import Json


class Standing(Enum):
    """How an object relates to a database."""

    ABSENT = "absent"
    OWN = "own"
    ORPHAN = "orphan"
    """Made for a database of that name which is gone: its successor has another uid."""

    FOREIGN = "foreign"
    """Somebody else's: never changed, never removed."""


def standing(live: Json | None, owner: Owner) -> Standing:
    """Judged by the owner labels alone."""
    if live is None:
        return Standing.ABSENT
    labels = live["metadata"].get("labels") or {}
    expected = owner.labels
    uid = expected.pop(names.LABEL_OWNER_UID)
    if any(labels.get(key) != value for key, value in expected.items()):
        return Standing.FOREIGN
    return Standing.OWN if labels.get(names.LABEL_OWNER_UID) == uid else Standing.ORPHAN
