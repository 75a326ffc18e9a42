"""Connections whose login is not complete: how many there may be, and which of them makes room for another.

Nobody is refused for being too late, or silent connections would keep the agent shut for as long as their handshakes
may take. The place is taken from the address that holds the most, and there from the connection that has waited for
longest: an honest client needs milliseconds. So a flood from one address evicts itself, and a flood from many has to
replace every connection of the room while one honest login lasts. Whether TLS is complete does not matter: it would
let clients that stop after their handshake drive out those that are about to begin one.

Limits: behind an address translation all clients are one address, and the oldest connection of all makes room.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from keyward_proxy.addresses import source_of

Guest = TypeVar("Guest")


class WaitingRoom(Generic[Guest]):
    """Guests by the address that they come from, each group with the oldest first."""

    def __init__(self, *, places: int) -> None:
        self._places = places
        self._groups: dict[str, dict[Guest, None]] = {}
        self._sources: dict[Guest, str] = {}

    def __len__(self) -> int:
        return len(self._sources)

    def __iter__(self) -> Iterator[Guest]:
        return iter(self._sources)

    def __contains__(self, guest: object) -> bool:
        return guest in self._sources

    def enter(self, guest: Guest, *, address: str) -> Guest | None:
        """Let a guest in. Returns the one that has left for it, if the room was full."""
        evicted = self._evict() if len(self) >= self._places else None
        source = source_of(address)
        self._groups.setdefault(source, {})[guest] = None
        self._sources[guest] = source
        return evicted

    def leave(self, guest: Guest) -> bool:
        """Whether the guest was there."""
        source = self._sources.pop(guest, None)
        if source is None:
            return False
        group = self._groups[source]
        del group[guest]
        if not group:
            del self._groups[source]
        return True

    def _evict(self) -> Guest:
        """Of groups of one size the first, which is the one that has been there for longest."""
        largest = max(self._groups.values(), key=lambda group: len(group))
        guest = next(iter(largest))
        self.leave(guest)
        return guest
