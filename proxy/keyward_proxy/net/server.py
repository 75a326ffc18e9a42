"""The listener: accepts, completes TLS, and keeps count.

Caps: connections whose login is not complete, those whose is, and those of one identity. At the first another of them
makes room (see `waiting_room`). At the others, which the policy sets, a login is refused with OVERLOADED, since only
then it is known whose it is. The context is asked for at each connection, so that a new leaf serves from then on.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from sys import maxsize
from typing import Any

from keyward_api.decision import EffectiveGrant
from keyward_api.identities import CallerIdentity
from keyward_proxy.addresses import source_of
from keyward_proxy.net.arrival import Arrival
from keyward_proxy.net.connection import Connection, EventMaker, Services, Session
from keyward_proxy.net.sockets import tune
from keyward_proxy.net.stream import handshake
from keyward_proxy.net.turns import Turns
from keyward_proxy.net.waiting_room import WaitingRoom
from keyward_proxy.session.cluster import Entrance

logger = logging.getLogger(__name__)

BACKLOG = 4096
ACCEPTS_PER_TURN = 128
DRAIN_PAUSE_SECONDS = 0.25
DRAIN_SPREAD_SECONDS = 5.0
PAUSE_SECONDS = 1.0
"""After the process ran out of file descriptors."""

REST_FACTOR = 3
"""So many times longer than costly work do the connections of an identity rest: it has a quarter of the processor."""

LATELY_SECONDS = 1.0
"""Whoever has sent nothing for longer is not kept waiting by the work for others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How many, and how long."""

    before_login: int = 512
    handshake_seconds: float = 10.0


class Server:
    """Owns the listening sockets and every connection."""

    def __init__(
        self,
        *,
        context: Callable[[], ssl.SSLContext],
        new_session: Callable[[str, Entrance, bytes | None], Session | None],
        services: Services,
        limits: Limits,
    ) -> None:
        """`new_session` is given the client's address and port, where it came in, and its certificate (DER), if any.

        It returns None where nobody can be served now."""
        self._context = context
        self._new_session = new_session
        self._services = services
        self._limits = limits
        self._listeners: dict[socket.socket, Entrance] = {}
        self._waiting: WaitingRoom[Arrival] = WaitingRoom(places=limits.before_login)
        self._turns = Turns()
        self._counts = services.metrics.connections
        self._gauges = (services.metrics.open.labels("login"), services.metrics.open.labels("session"))
        self._after_login: dict[Connection, str] = {}
        """Connections with the names of their identities."""

        self._by_identity: Counter[str] = Counter()
        self._emptied = asyncio.Event()

    @property
    def listening(self) -> bool:
        """Whether new connections are taken."""
        return bool(self._listeners)

    def __len__(self) -> int:
        return len(self._waiting) + len(self._after_login)

    def listen(self, host: str, port: int, entrance: Entrance = Entrance.REPLICAS) -> int:
        """Begin to accept; returns the port, which matters where 0 was asked for. Raises OSError."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
        listener.setblocking(False)
        self._listeners[listener] = entrance
        self._resume(listener)
        return int(listener.getsockname()[1])

    def stop_accepting(self) -> None:
        """Close the listening sockets and the handshakes; connections that stand go on."""
        for listener in self._listeners:
            asyncio.get_running_loop().remove_reader(listener.fileno())
            listener.close()
        self._listeners.clear()
        for arrival in list(self._waiting):
            if arrival.connection is None:
                self._waiting.leave(arrival)
                arrival.end("the agent takes no more connections")
        self._removed()

    def tell(self, make: EventMaker) -> None:
        """Give every session an event."""
        for connection in list(self._connections()):
            connection.tell(make)

    async def drain(self) -> None:
        """Let every session end at its next quiet moment: one after the other, within DRAIN_SPREAD_SECONDS.

        A driver that loses a connection is busy for a moment, in which it goes on sending on others that have ended as
        well; and all that are lost come back as logins at the other agents.
        """
        connections = list(self._connections())
        pause = min(DRAIN_PAUSE_SECONDS, DRAIN_SPREAD_SECONDS / max(1, len(connections)))
        for connection in connections:
            connection.drain()
            await asyncio.sleep(pause)

    async def wait_until_empty(self) -> None:
        """Return when no connection is left."""
        while len(self):
            self._emptied.clear()
            await self._emptied.wait()

    def end_all(self, reason: str) -> None:
        """End every connection at once."""
        for connection in list(self._connections()):
            connection.end(reason)

    def _connections(self) -> Iterator[Connection]:
        yield from (arrival.connection for arrival in self._waiting if arrival.connection)
        yield from self._after_login

    # Accepting.

    def _resume(self, listener: socket.socket) -> None:
        if listener in self._listeners:
            asyncio.get_running_loop().add_reader(listener.fileno(), self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(ACCEPTS_PER_TURN):
            if listener not in self._listeners:
                return
            try:
                sock, address = listener.accept()
            except BlockingIOError:
                return
            except ConnectionError:
                continue  # The client was gone before its turn came.
            except OSError as error:
                self._pause(listener, error)
                return
            self._admit(sock, address, self._listeners[listener])

    def _pause(self, listener: socket.socket, error: OSError) -> None:
        """Without descriptors the socket stays readable and the loop would spin: try again a little later."""
        if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
            raise error
        logger.error("connections not accepted", extra={"error": str(error)})
        loop = asyncio.get_running_loop()
        loop.remove_reader(listener.fileno())
        loop.call_later(PAUSE_SECONDS, self._resume, listener)

    def _admit(self, sock: socket.socket, address: Any, entrance: Entrance) -> None:  # noqa: ANN401  (socket's own type)
        arrival = Arrival(sock, host=address[0], port=address[1], entrance=entrance)
        evicted = self._waiting.enter(arrival, address=arrival.host)
        if evicted:
            self._count("evicted")
            evicted.end("too many connections before login")
        arrival.wait(seconds=self._limits.handshake_seconds, on_first_byte=self._begin, on_silence=self._give_up)
        self._gauge()

    def _give_up(self, arrival: Arrival) -> None:
        """It never said anything."""
        self._count("handshake_failed")
        self._waiting.leave(arrival)
        self._removed()

    def _begin(self, arrival: Arrival) -> None:
        arrival.handshake = self._services.tasks.start(self._secure(arrival), name="handshake")
        arrival.handshake.add_done_callback(partial(self._handshake_over, arrival))

    def _handshake_over(self, arrival: Arrival, _: asyncio.Task[None]) -> None:
        # Of no effect once TLS has taken it over, which a task that was cancelled before its first step never did.
        arrival.sock.close()
        if arrival.connection is None and self._waiting.leave(arrival):
            self._removed()

    async def _secure(self, arrival: Arrival) -> None:
        try:
            tune(arrival.sock)
            secure = self._context().wrap_socket(arrival.sock, server_side=True, do_handshake_on_connect=False)
        except OSError:
            self._count("handshake_failed")
            return
        try:
            async with asyncio.timeout_at(arrival.deadline):
                await handshake(secure, partial(self._turns.take, source_of(arrival.host)))
        except OSError as error:  # TimeoutError and ssl.SSLError are OSErrors.
            secure.close()
            self._count("handshake_failed")
            logger.debug("handshake failed", extra={"client": arrival.host, "error": str(error)})
        except asyncio.CancelledError:
            secure.close()
            raise
        else:
            self._connect(arrival, secure)

    def _connect(self, arrival: Arrival, sock: ssl.SSLSocket) -> None:
        host = arrival.host
        address = f"[{host}]:{arrival.port}" if ":" in host else f"{host}:{arrival.port}"
        session = self._new_session(address, arrival.entrance, sock.getpeercert(binary_form=True))
        if session is None:
            self._count("refused")
            sock.close()
            return
        self._count("accepted")
        arrival.connection = Connection(
            sock,
            client=host,
            session=session,
            services=self._services,
            on_login=partial(self._logged_in, arrival),
            on_costly=self._costly,
            on_gone=partial(self._gone, arrival),
        )
        arrival.connection.start()

    def _logged_in(
        self, arrival: Arrival, connection: Connection, identity: CallerIdentity, grant: EffectiveGrant
    ) -> str | None:
        """Count a connection as its identity's, or say why there is no room for it."""
        full = self._full(identity.username, grant)
        if full is None and self._waiting.leave(arrival):
            self._after_login[connection] = identity.username
            self._by_identity[identity.username] += 1
            self._gauge()
        return full

    def _costly(self, connection: Connection, seconds: float) -> None:
        """After costly work for one connection, all of the same identity rest, if anybody else is here."""
        username = self._after_login.get(connection)
        if not self._others_are_here(username):
            return
        resting = [other for other, name in self._after_login.items() if name == username]
        for each in resting or [connection]:
            each.rest(REST_FACTOR * seconds)

    def _others_are_here(self, username: str | None) -> bool:
        """Whether somebody logs in, or another identity has sent something lately."""
        lately = asyncio.get_running_loop().time() - LATELY_SECONDS
        return bool(self._waiting) or any(
            name != username and other.heard_at > lately for other, name in self._after_login.items()
        )

    def _full(self, username: str, grant: EffectiveGrant) -> str | None:
        limits = self._services.database().limits
        if len(self._after_login) >= limits.max_connections:
            return f"this agent has {limits.max_connections} connections, as many as the database's limits allow"
        own = min(limits.max_connections_per_identity, grant.options.max_connections or maxsize)
        if self._by_identity[username] >= own:
            return f"{username} has {own} connections to this agent, as many as its limits allow: close some of them"
        return None

    def _gone(self, arrival: Arrival, connection: Connection) -> None:
        self._waiting.leave(arrival)
        username = self._after_login.pop(connection, None)
        if username is not None:
            self._by_identity[username] -= 1
            if not self._by_identity[username]:
                del self._by_identity[username]
        self._removed()

    def _removed(self) -> None:
        self._gauge()
        if not len(self):
            self._emptied.set()

    # Counting.

    def _count(self, outcome: str) -> None:
        self._counts.labels(outcome).inc()

    def _gauge(self) -> None:
        waiting, logged_in = self._gauges
        waiting.set(len(self._waiting))
        logged_in.set(len(self._after_login))
