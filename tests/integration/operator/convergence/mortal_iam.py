"""The operator's client of IAM, in a process that may end at any call."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from keyward_operator.clients.iam_api import IamApi
from tests.integration.operator.convergence.death import Death, Server

_READS = ("get_", "list_", "read_")
T = TypeVar("T")


class MortalIam(IamApi):
    """The real client."""

    death: Death | None = None
    sends_twice: bool = False
    """Whether each change is asked for twice, as by boto3 where the first answer is lost."""

    _on_write: Callable[[str, str], None]

    def of_another_process(self, death: Death | None, *, on_write: Callable[[str, str], None]) -> MortalIam:
        """One that knows nothing of what this one knew. boto3's own clients are kept: to make them takes a second."""
        other = copy.copy(self)
        other.death, other._on_write, other._account = death, on_write, None
        return other

    async def _run(self, service: str, operation: str, work: Callable[[Any], T]) -> T:
        send = partial(super()._run, service, operation, work)
        is_write = not operation.startswith(_READS)
        if is_write:
            self._on_write("role", operation)  # tried or done, the world has to be looked at again
        if self.death is not None:
            return await self.death.meet(send, Server.IAM, is_write=is_write)
        if is_write and self.sends_twice:
            await send()
        return await send()
