"""Has descriptions written in a thread, so that the event loop serves everybody else meanwhile.

One at a time, because they share the interpreter with the event loop; a few may wait.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Future, ThreadPoolExecutor

from keyward_proxy.describe.inquiry import Answer, DescriptionError, Inquiry
from keyward_proxy.wire.responses import ErrorCode

logger = logging.getLogger(__name__)

MAXIMUM_WAITING = 8
"""Descriptions under way and waiting; each may hold `MAXIMUM_SCHEMA_BYTES`."""


class Describer:
    """One for all connections of an agent. Its thread begins with the first description."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="describe")
        self._futures: set[Future[Answer]] = set()

    async def describe(self, inquiry: Inquiry) -> Answer:
        """The answer. Raises DescriptionError. Whoever is cancelled while waiting for its turn loses it."""
        self._futures = {future for future in self._futures if not future.done()}
        if len(self._futures) >= MAXIMUM_WAITING:
            raise DescriptionError(
                "too many DESCRIBEs wait to be answered: send this one again later", code=ErrorCode.OVERLOADED
            )
        future = self._executor.submit(_answer, inquiry)
        self._futures.add(future)
        return await asyncio.wrap_future(future)


def _answer(inquiry: Inquiry) -> Answer:
    # It brings in the Python driver, which an agent that is never asked for a description need not carry.
    from keyward_proxy.describe.answer import answer

    try:
        return answer(inquiry)
    except DescriptionError:
        raise
    except Exception as error:
        logger.exception("description failed", extra={"subject": inquiry.description.subject.value})
        raise DescriptionError(
            "the agent could not write this description, its log says why; select from system_schema instead",
            code=ErrorCode.SERVER_ERROR,
        ) from error
