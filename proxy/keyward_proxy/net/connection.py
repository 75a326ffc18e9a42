"""One client: carries what happens on its two sockets to its session, and carries out what the session wants.

The session decides everything; here is only what bytes and time need. What one event makes the session send to one
side leaves in one write. A side is not read while the other cannot take more, nor the client while it does not take
what it is sent, or while its login waits for an answer: whatever a client sends, memory stays bounded by the two water
marks.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeAlias

from keyward_api.decision import EffectiveGrant
from keyward_api.identities import CallerIdentity
from keyward_api.resources.policy import PolicyDatabase
from keyward_proxy.audit.writer import AuditSink
from keyward_proxy.auth.authenticator import Authenticator
from keyward_proxy.auth.errors import AuthenticationError
from keyward_proxy.aws.credentials import ATTRIBUTION
from keyward_proxy.clock import Clock
from keyward_proxy.describe.inquiry import DescriptionError
from keyward_proxy.metrics import Metrics
from keyward_proxy.net.describer import Describer
from keyward_proxy.net.opening import Opened, OpeningFailed, UpstreamOpener
from keyward_proxy.net.stream import Stream
from keyward_proxy.session import commands, events
from keyward_proxy.session.records import SessionDenied, SessionStart, StatementRecord
from keyward_proxy.tasks import TaskHolder

logger = logging.getLogger(__name__)

TIMER_SLACK_SECONDS = 0.001

COSTLY_SECONDS = 0.005
"""An event that takes the processor for longer, because its statements are hard to read, is followed by a rest."""

EventMaker: TypeAlias = Callable[..., events.Event]
"""Makes an event, given `now` and `wall`."""


class Session(Protocol):
    """The pure part: see `keyward_proxy.session`."""

    def receive(self, event: events.Event) -> Iterable[commands.Command]:
        """What is to be done now that this has happened."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """What connections share."""

    authenticator: Authenticator
    opener: UpstreamOpener
    audit: AuditSink
    database: Callable[[], PolicyDatabase]
    """The database of the policy in force."""

    clock: Clock
    tasks: TaskHolder
    metrics: Metrics
    describer: Describer = field(default_factory=Describer)


class Connection:
    """A client's connection and its twin to Keyspaces."""

    def __init__(
        self,
        sock: ssl.SSLSocket,
        *,
        client: str,
        session: Session,
        services: Services,
        on_login: Callable[[Connection, CallerIdentity, EffectiveGrant], str | None],
        on_costly: Callable[[Connection, float], None],
        on_gone: Callable[[Connection], None],
    ) -> None:
        """`client` is the address that the client comes from.

        `on_login` is called once the caller is known and granted; it may say why there is no room. `on_costly` hears
        of each event that took the processor for so many seconds, more than COSTLY_SECONDS. `on_gone` is last.
        """
        self._session = session
        self._address = client
        self._services = services
        self._on_login = on_login
        self._on_costly = on_costly
        self.heard_at = asyncio.get_running_loop().time()
        """When the client sent something last, by the loop's clock."""

        self._on_gone = on_gone
        self._client = Stream(sock, _ClientSide(self))
        self._upstream: Stream | None = None
        self._waiting: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._pause: asyncio.TimerHandle | None = None
        self._upstream_congested = False
        self._client_congested = False
        self._upstream_ended = False
        self._draining = False
        self._to_client: list[bytes | memoryview] = []
        self._to_upstream: list[bytes | memoryview] = []
        self._client_gone = False
        self._handlers: dict[type[commands.Command], Callable[..., None]] = {
            commands.ToClient: self._send_to_client,
            commands.ToUpstream: self._send_to_upstream,
            commands.Authenticate: self._authenticate,
            commands.OpenUpstream: self._open_upstream,
            commands.FormatDescription: self._format_description,
            commands.RecordAudit: self._record,
            commands.CloseClient: self._close_client,
            commands.CloseUpstream: self._close_upstream,
            commands.SetTimer: self._set_timer,
            commands.PauseClient: self._pause_client,
        }

    def start(self) -> None:
        """Begin: the session sets its first timer, then the client is read."""
        self._tick()
        self._pace()

    def tell(self, make: EventMaker) -> None:
        """Give the session an event of this moment."""
        clock = self._services.clock
        self._feed(make(now=clock.monotonic(), wall=clock.wall()))

    def drain(self) -> None:
        """End at the session's next quiet moment. What the client has sent by then is read first: it is under way."""
        self._draining = True
        self._client.read_now()
        self.tell(events.Drain)

    def end(self, reason: str) -> None:
        """End both sides at once; the session learns why, for the audit trail."""
        self.tell(partial(events.ClientClosed, reason=reason))
        self._abort()

    def _abort(self) -> None:
        self._stop_waiting()
        self._client.abort()
        if self._upstream:
            self._upstream.abort()

    # From events to commands.

    def _feed(self, event: events.Event) -> None:
        began = time.thread_time()
        try:
            for command in self._session.receive(event):
                self._handlers[type(command)](command)
            self._flush()
        except Exception:
            self._services.metrics.errors.inc()
            logger.exception("session failed, its connection was ended", extra={"event": type(event).__name__})
            self._abort()
        took = time.thread_time() - began
        if took > COSTLY_SECONDS and not self._client_gone:
            self._on_costly(self, took)

    def _flush(self) -> None:
        """Send what is collected; a lone piece goes as it is, a slice of what was read."""
        if self._to_client:
            pieces, self._to_client = self._to_client, []
            self._client.write(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        if self._to_upstream:
            pieces, self._to_upstream = self._to_upstream, []
            if self._upstream:
                self._upstream.write(pieces[0] if len(pieces) == 1 else b"".join(pieces))

    def _tick(self) -> None:
        if self._draining:
            self._client.read_now()
        self.tell(events.Tick)

    # The sockets' side.

    def client_received(self, data: bytes) -> None:
        """The client sent something."""
        self.heard_at = asyncio.get_running_loop().time()
        self._services.metrics.from_clients += len(data)
        self.tell(partial(events.ClientData, data=data))

    def client_ended(self, reason: str) -> None:
        """The client will send nothing more; CQL knows no half-open connections."""
        self.tell(partial(events.ClientClosed, reason=reason))
        self._client.close()

    def client_congested(self, congested: bool) -> None:
        """The client does not keep up with what it is sent, or does again."""
        self._client_congested = congested
        self._pace()

    def client_gone(self) -> None:
        """The client's socket is closed."""
        self._client_gone = True
        for handle in filter(None, (self._timer, self._pause)):
            handle.cancel()
        self._stop_waiting()
        if self._upstream:
            self._upstream.close()
        else:
            self._on_gone(self)

    def upstream_received(self, data: bytes) -> None:
        """Keyspaces sent something."""
        if self._draining:
            self._client.read_now()
        self._services.metrics.from_keyspaces += len(data)
        self.tell(partial(events.UpstreamData, data=data))

    def upstream_ended(self, reason: str) -> None:
        """Keyspaces will send nothing more."""
        self._upstream_ended = True
        self.tell(partial(events.UpstreamClosed, reason=reason))
        if self._upstream:
            self._upstream.close()

    def upstream_congested(self, congested: bool) -> None:
        """Keyspaces does not keep up with what the client sends, or does again."""
        self._upstream_congested = congested
        self._pace()

    def upstream_gone(self) -> None:
        """The socket to Keyspaces is closed."""
        self._upstream = None
        self._upstream_congested = False
        if self._client_gone:
            self._on_gone(self)
        elif not self._upstream_ended:
            self.tell(partial(events.UpstreamClosed, reason="the agent closed the connection to Keyspaces"))
            self._pace()

    def _pace(self) -> None:
        if self._upstream_congested or self._client_congested or self._waiting or self._pause:
            self._client.pause()
        else:
            self._client.start()
        if self._upstream:
            if self._client_congested:
                self._upstream.pause()
            else:
                self._upstream.start()

    # Commands.

    def _send_to_client(self, command: commands.ToClient) -> None:
        self._to_client.append(command.data)

    def _send_to_upstream(self, command: commands.ToUpstream) -> None:
        self._to_upstream.append(command.data)

    def _record(self, command: commands.RecordAudit) -> None:
        record, metrics = command.record, self._services.metrics
        self._services.audit.write(record)
        if isinstance(record, StatementRecord):
            metrics.statements.labels(record.outcome).inc()
            if record.latency_ms is not None:
                metrics.statement_seconds.observe(record.latency_ms / 1000)
        elif isinstance(record, SessionStart):
            metrics.logins.labels("accepted", "").inc()
        elif isinstance(record, SessionDenied):
            metrics.logins.labels("refused", record.reason).inc()

    def _close_client(self, command: commands.CloseClient) -> None:
        logger.debug("session closed", extra={"reason": command.reason})
        self._flush()
        self._stop_waiting()
        self._client.close()
        if self._upstream:
            self._upstream.close()

    def _close_upstream(self, _: commands.CloseUpstream) -> None:
        self._flush()
        self._stop_waiting()
        if self._upstream:
            self._upstream.close()

    def _set_timer(self, command: commands.SetTimer) -> None:
        if self._timer:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        # The loop may call a clock tick early, and a session that is told early is not told again.
        delay = max(0.0, command.at - self._services.clock.monotonic()) + TIMER_SLACK_SECONDS
        self._timer = loop.call_later(delay, self._tick)

    def _pause_client(self, command: commands.PauseClient) -> None:
        self.rest(command.until - self._services.clock.monotonic())

    def rest(self, seconds: float) -> None:
        """Do not read the client for so long, nor for less than it was to rest before."""
        loop = asyncio.get_running_loop()
        until = loop.time() + max(0.0, seconds)
        if self._pause:
            until = max(until, self._pause.when())
            self._pause.cancel()
        self._pause = loop.call_at(until, self._go_on)
        self._pace()

    def _go_on(self) -> None:
        self._pause = None
        self._pace()

    def _authenticate(self, command: commands.Authenticate) -> None:
        self._wait(self._verify(command), name="authenticate")

    def _open_upstream(self, command: commands.OpenUpstream) -> None:
        full = self._on_login(self, command.identity, command.grant)
        if full is None:
            self._wait(self._open(command), name="open upstream")
        else:
            failed = partial(events.UpstreamFailed, message=full, reason="TooManyConnections", overloaded=True)
            asyncio.get_running_loop().call_soon(self.tell, failed)

    def _format_description(self, command: commands.FormatDescription) -> None:
        self._wait(self._describe(command), name="describe")

    # What takes time.

    def _wait(self, coroutine: Coroutine[Any, Any, None], *, name: str) -> None:
        self._waiting = self._services.tasks.start(coroutine, name=name)
        self._pace()

    def _stop_waiting(self) -> None:
        if self._waiting:
            self._waiting.cancel()
            self._waiting = None

    def _answered(self, make: EventMaker) -> None:
        """The wait is over: forget its task first, since the answer may begin another."""
        self._waiting = None
        self.tell(make)
        self._pace()

    async def _verify(self, command: commands.Authenticate) -> None:
        audience = self._services.database().audience
        try:
            authenticator = self._services.authenticator
            proof = await authenticator.authenticate(command.token, audience=audience, client=self._address)
        except AuthenticationError as error:
            refused = events.AuthenticationRefused
            self._answered(partial(refused, message=str(error), reason=error.reason, retryable=error.retryable))
        else:
            self._answered(partial(events.Authenticated, identity=proof.identity, expires=proof.expires))

    async def _open(self, command: commands.OpenUpstream) -> None:
        services = self._services
        try:
            with services.metrics.upstream_seconds.time():
                opened = await services.opener.open(command.grant, command.identity, services.database())
        except OpeningFailed as error:
            failed = events.UpstreamFailed
            self._answered(partial(failed, message=str(error), reason=error.reason, retryable=error.retryable))
        else:
            self._upstream = Stream(opened.socket, _UpstreamSide(self))
            self._answered(partial(events.UpstreamOpened, **_facts(opened)))

    async def _describe(self, command: commands.FormatDescription) -> None:
        try:
            answer = await self._services.describer.describe(command.inquiry)
        except DescriptionError as error:
            self._answered(partial(events.DescriptionFailed, message=str(error), code=error.code))
        else:
            self._answered(partial(events.Described, answer=answer))


def _facts(opened: Opened) -> dict[str, Any]:
    return {
        "sign": opened.sign,
        "credentials_expire": opened.credentials.expires,
        "aws_session_name": opened.session_name,
        "access_key_id": opened.credentials.access_key_id,
        "attribution": ATTRIBUTION,
    }


class _ClientSide:
    """The client's socket, as its stream tells of it."""

    __slots__ = ("congested", "ended", "gone", "received")

    def __init__(self, connection: Connection) -> None:
        self.received = connection.client_received
        self.ended = connection.client_ended
        self.congested = connection.client_congested
        self.gone = connection.client_gone


class _UpstreamSide:
    """The socket to Keyspaces, as its stream tells of it."""

    __slots__ = ("congested", "ended", "gone", "received")

    def __init__(self, connection: Connection) -> None:
        self.received = connection.upstream_received
        self.ended = connection.upstream_ended
        self.congested = connection.upstream_congested
        self.gone = connection.upstream_gone
