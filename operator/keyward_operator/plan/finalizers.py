"""What keeps an object until everything that was made for it elsewhere is gone."""

from keyward_operator.json_types import Json


def finalizers_of(document: Json) -> tuple[str, ...]:
    """The finalizers of an object."""
    return tuple(document["metadata"].get("finalizers") or ())


def without(document: Json, finalizer: str) -> tuple[str, ...]:
    """Those that are left when `finalizer` goes."""
    return tuple(name for name in finalizers_of(document) if name != finalizer)
