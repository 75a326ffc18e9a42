"""One client connection, from its first byte to its audit record of the end.

`receive` is the whole interface: events in, commands out. A session is in one phase at a time (`ClientLogin`,
`UpstreamLogin`, `Relay`); here events are only brought to it, and its deadline to the timer.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

from keyward_api.decision import PolicyView
from keyward_proxy.session.audit import AuditTrail
from keyward_proxy.session.client_login import ClientLogin
from keyward_proxy.session.cluster import Cluster
from keyward_proxy.session.commands import Command, SetTimer
from keyward_proxy.session.context import SessionContext
from keyward_proxy.session.events import (
    Authenticated,
    AuthenticationRefused,
    ClientClosed,
    ClientData,
    ClusterChanged,
    Described,
    DescriptionFailed,
    Drain,
    Event,
    PolicyChanged,
    PolicyOutdated,
    Tick,
    UpstreamClosed,
    UpstreamData,
    UpstreamFailed,
    UpstreamOpened,
)
from keyward_proxy.session.phase import Phase
from keyward_proxy.session.settings import SessionSettings
from keyward_proxy.session.shared import Shared
from keyward_proxy.wire.errors import WireError


class Session:
    """The pure part of a connection. Not thread-safe; one event at a time."""

    def __init__(
        self,
        *,
        settings: SessionSettings,
        policy: PolicyView,
        cluster: Cluster,
        shared: Shared,
    ) -> None:
        """`policy` and `cluster` are those of now; `shared` is the same for all sessions of the agent."""
        self._context = SessionContext(settings=settings, policy=policy, cluster=cluster, shared=shared, phase=Phase())
        self._trail = AuditTrail(settings, policy)
        self._begun = False
        self._timer = inf

    @property
    def over(self) -> bool:
        """Whether the session has ended; it ignores what comes now."""
        return self._context.over

    def receive(self, event: Event) -> list[Command]:
        """What is to be done now that `event` has happened, in order."""
        context = self._context
        if context.over:
            return []
        if not self._begun:
            self._begun = True
            context.phase = ClientLogin(context, self._trail, now=event.now)
        commands = list(self._handle(event))
        deadline = context.phase.deadline
        if deadline != self._timer and not context.over and deadline < inf:
            self._timer = deadline
            commands.append(SetTimer(at=deadline))
        return commands

    def _handle(self, event: Event) -> Iterable[Command]:
        context = self._context
        phase = context.phase
        match event:
            case ClientData():
                return self._client_data(event)
            case UpstreamData():
                return phase.on_upstream_data(event.data, event)
            case Tick():
                self._timer = inf  # it is used up, so an early tick must set it again
                return phase.on_deadline(event) if event.now >= phase.deadline else ()
            case ClientClosed():
                return phase.on_client_closed(event)
            case UpstreamClosed():
                context.upstream_open = False
                return phase.on_upstream_closed(event)
            case Authenticated() | AuthenticationRefused():
                return phase.on_verdict(event)
            case UpstreamOpened() | UpstreamFailed():
                return phase.on_upstream_verdict(event)
            case Described() | DescriptionFailed():
                return phase.on_described(event)
            case PolicyChanged():
                context.policy = event.policy
                return phase.on_policy_changed(event)
            case PolicyOutdated():
                return phase.on_policy_outdated(event)
            case ClusterChanged():
                if event.entrance is not context.settings.entrance:
                    return ()
                context.cluster = event.cluster
                return phase.on_cluster_changed(event)
            case Drain():
                return phase.on_drain(event)
            case _:
                raise TypeError(f"{type(event).__name__} is not an event of a session")

    def _client_data(self, event: ClientData) -> list[Command]:
        context = self._context
        violation: WireError | None = None
        try:
            frames = context.requests.feed(event.data)
        except WireError as error:
            frames, violation = context.requests.scanned, error
        commands = list(context.phase.on_frames(frames, event))
        if violation is not None and not context.over:
            commands += context.phase.on_violation(violation, event)
        return commands
