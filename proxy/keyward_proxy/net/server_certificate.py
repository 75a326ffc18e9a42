"""What the listener and the agent want of whoever keeps the server's certificate."""

from __future__ import annotations

import ssl
from typing import Protocol

LOOK_SECONDS = 10.0
"""How often files and the time are looked at: clocks may jump, so nothing sleeps for half a day."""


class ServerCertificate(Protocol):
    """A certificate in hand, and its successor in time."""

    @property
    def context(self) -> ssl.SSLContext:
        """For new connections; `renew` must have succeeded once."""

    @property
    def valid(self) -> bool:
        """Whether clients would accept the present certificate."""

    def answer_for(self, address: str) -> None:
        """Carry `address` too, where the agent has a say in it; raises as `renew` does."""

    def renew(self) -> None:
        """Take what is there now; raises NetworkError and keeps the present certificate then."""

    async def run(self) -> None:
        """Renew in time, until cancelled."""
