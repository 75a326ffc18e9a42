"""What a phase of a session must answer to. Each phase handles what can happen to it; the defaults say nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf

from keyward_proxy.session.commands import Command
from keyward_proxy.session.events import (
    Authenticated,
    AuthenticationRefused,
    ClientClosed,
    ClusterChanged,
    Described,
    DescriptionFailed,
    Drain,
    Event,
    PolicyChanged,
    PolicyOutdated,
    UpstreamClosed,
    UpstreamFailed,
    UpstreamOpened,
)
from keyward_proxy.wire.errors import WireError
from keyward_proxy.wire.scanner import Frame


class Phase:
    """One stage of a session's life."""

    deadline: float = inf
    """Monotonic seconds at which `on_deadline` is due."""

    def on_frames(self, frames: Sequence[Frame], event: Event) -> Iterable[Command]:
        """The client sent these frames, in one read."""
        raise NotImplementedError

    def on_violation(self, error: WireError, event: Event) -> Iterable[Command]:
        """The client sent what cannot be read."""
        raise NotImplementedError

    def on_client_closed(self, event: ClientClosed) -> Iterable[Command]:
        """The client is gone."""
        raise NotImplementedError

    def on_upstream_data(self, data: bytes, event: Event) -> Iterable[Command]:
        """Keyspaces sent this."""
        return ()

    def on_upstream_closed(self, event: UpstreamClosed) -> Iterable[Command]:
        """Keyspaces is gone."""
        return ()

    def on_deadline(self, event: Event) -> Iterable[Command]:
        """`deadline` has passed."""
        return ()

    def on_policy_changed(self, event: PolicyChanged) -> Iterable[Command]:
        """Another policy is in force; the context has it already."""
        return ()

    def on_policy_outdated(self, event: PolicyOutdated) -> Iterable[Command]:
        """The session is to end. Where nobody is known yet, nobody is let in either: see `session.staleness`."""
        return ()

    def on_cluster_changed(self, event: ClusterChanged) -> Iterable[Command]:
        """Other nodes are there; the context has them already."""
        return ()

    def on_drain(self, event: Drain) -> Iterable[Command]:
        """The agent is about to stop."""
        raise NotImplementedError

    def on_verdict(self, event: Authenticated | AuthenticationRefused) -> Iterable[Command]:
        """The answer to Authenticate."""
        return ()

    def on_upstream_verdict(self, event: UpstreamOpened | UpstreamFailed) -> Iterable[Command]:
        """The answer to OpenUpstream."""
        return ()

    def on_described(self, event: Described | DescriptionFailed) -> Iterable[Command]:
        """The answer to FormatDescription."""
        return ()
