"""What asyncio's task groups leave to their users."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def first_error() -> Iterator[None]:
    """Of the errors of a task group, which mostly have one cause, raise the first as itself."""
    try:
        yield
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
