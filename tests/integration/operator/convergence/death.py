"""The end of an operator's process, at one of its writes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

T = TypeVar("T")


class DiedError(BaseException):
    """The process is no more: nothing handles this."""


class Server(Enum):
    """Whom a write is sent to."""

    KUBERNETES = "the API server"
    IAM = "IAM"


class When(Enum):
    """Where a write is when the process ends."""

    NOT_SENT = "before it is sent"
    NOT_ANSWERED = "after the server did it"


@dataclass(kw_only=True)
class Death:
    """The write at which the process ends; no request follows it.

    To end at a read leaves the same world as to end at the write that follows it, for nothing but the world is kept.
    """

    writes_left: int
    """So many are answered before."""

    when: When = When.NOT_SENT
    only: Server | None = None
    """Whose writes count; None: everybody's."""

    @property
    def came(self) -> bool:
        """Whether it came to that."""
        return self.writes_left < 0

    async def meet(self, send: Callable[[], Awaitable[T]], server: Server, *, is_write: bool) -> T:
        """Send a request, and return its answer, if the process lives so long. Raises DiedError."""
        if self.came:
            raise DiedError
        self.writes_left -= is_write and self.only in (None, server)
        if self.came and self.when is When.NOT_SENT:
            raise DiedError
        answer = await send()
        if self.came:
            raise DiedError
        return answer
