"""The agent: its parts wired together, its policy, its readiness and its end.

Everything that reaches outside is a constructor argument with a Protocol for a type, so that the same wiring runs in a
pod, beside a local cluster and in tests.

Its beginning: it takes connections once it has a policy, and is ready once the other agents list it, because drivers
drop nodes of which one agent tells and another does not.

Its end (SIGTERM): unready and `Draining` at once, but still listed; connections are still taken while endpoints forget
this pod; then none are, and each session ends at its first quiet moment; what is left at the deadline is cut. Last goes
the entry in the list, upon which the other agents tell drivers. Readiness and revocation work to the last.
docs/adr/0014-replicas-as-nodes.md says why in this order.
"""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import logging
import secrets
from collections.abc import Coroutine
from functools import partial
from importlib import metadata
from math import inf
from typing import Any

from keyward_api.decision import PolicyView
from keyward_api.resources.policy import AgentReport, AgentState, KeyspacesPolicySpec, PolicyDatabase
from keyward_proxy.agent_settings import AgentSettings, Dependencies
from keyward_proxy.audit.records import AgentStart, AgentStop, PolicyChanged, PolicyRemoved
from keyward_proxy.auth.authenticator import Authenticator
from keyward_proxy.auth.client_certificate import read_certificate
from keyward_proxy.aws.cache import CredentialCache
from keyward_proxy.aws.errors import IdentityNotInjected
from keyward_proxy.aws.trials import RoleTrials
from keyward_proxy.feed.lease import OperatorSigns
from keyward_proxy.feed.listing import Listing
from keyward_proxy.feed.status import StatusReporter
from keyward_proxy.feed.watch import PolicyConfirmed, ReplicasChanged
from keyward_proxy.health import HealthServer, NotReady
from keyward_proxy.net.certificate_files import CertificateFiles
from keyward_proxy.net.connection import Services
from keyward_proxy.net.errors import NetworkError
from keyward_proxy.net.leaf_keeper import LeafKeeper
from keyward_proxy.net.opening import UpstreamOpener, endpoint_of
from keyward_proxy.net.reachability import Reachability
from keyward_proxy.net.server import Server
from keyward_proxy.net.server_certificate import ServerCertificate
from keyward_proxy.nodes import Nodes
from keyward_proxy.session import events
from keyward_proxy.session.cluster import Cluster, Entrance
from keyward_proxy.session.session import Session
from keyward_proxy.session.settings import SessionSettings
from keyward_proxy.session.shared import Shared
from keyward_proxy.staleness import PolicyAge
from keyward_proxy.tasks import TaskHolder

logger = logging.getLogger(__name__)

MAINTENANCE_SECONDS = 1.0
SETTLING_LOOK_SECONDS = 0.25
AUDIT_FLUSH_SECONDS = 3.0


class Agent:
    """One agent of one database."""

    def __init__(self, settings: AgentSettings, dependencies: Dependencies) -> None:
        """Must be made inside the event loop that will run it."""
        self._settings = settings
        self._outside = dependencies
        self._view: PolicyView | None = None
        self._next_end = inf
        """When the next grant or lock of the view ends; Unix seconds."""

        self._policy_seen = False
        self._draining = False
        self._nodes = Nodes(pod=settings.pod, address=ipaddress.ip_address(settings.pod_ip), tell=self._tell_of_cluster)
        self._listing = Listing(clock=dependencies.clock, patience=settings.listing_seconds)
        self._tasks = TaskHolder()
        self._shared = Shared()
        self._leaf = _server_certificate(settings, dependencies)
        self._cache = CredentialCache(sts=dependencies.sts, clock=dependencies.clock, tasks=self._tasks)
        self._trials = RoleTrials(sts=dependencies.sts, pod=settings.pod, on_change=self._report)
        self._reachability = Reachability(
            connector=dependencies.connector, clock=dependencies.clock, on_change=self._report
        )
        self._reporter = StatusReporter(dependencies.status_sink)
        self._age = PolicyAge(
            clock=dependencies.clock,
            metrics=dependencies.metrics,
            state=self._shared.staleness,
            close=self._close_outdated,
        )
        self._health = HealthServer(unready=self.unready, warnings=self._warnings, metrics=dependencies.metrics)
        self._server = Server(
            context=lambda: self._leaf.context,
            new_session=self._new_session,
            services=self._services(),
            limits=settings.limits,
        )
        self.port = 0
        """The port that clients connect to, once it is listening."""
        self.external_port = 0
        self.service_port = 0
        self.health_port = 0

    def _services(self) -> Services:
        outside = self._outside
        opener = UpstreamOpener(credentials=self._cache, connector=self._reachability, clock=outside.clock)
        return Services(
            authenticator=Authenticator(
                reviewer=outside.reviewer, wanted=outside.wanted_token, clock=outside.clock, tasks=self._tasks
            ),
            opener=opener,
            audit=outside.audit,
            database=self._database,
            clock=outside.clock,
            tasks=self._tasks,
            metrics=outside.metrics,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set, then drain; raises what the start raises (NetworkError, OSError)."""
        self._record(AgentStart, version=metadata.version("keyward"), policy=self._settings.policy)
        try:
            await self._start()
            async with asyncio.TaskGroup() as group:
                loops = [group.create_task(loop, name=name) for name, loop in self._loops().items()]
                await stop.wait()
                await self._drain()
                for task in loops:
                    task.cancel()
            await self._reporter.remove()
        finally:
            await self._close("stopped" if stop.is_set() else "failed")

    async def _start(self) -> None:
        self._leaf.renew()
        self.health_port = await self._health.start(*self._settings.health)
        self.port = self._server.listen(*self._settings.listen)
        if self._settings.external_listen:
            self.external_port = self._server.listen(*self._settings.external_listen, Entrance.EXTERNAL)
        if self._settings.service_listen:
            self.service_port = self._server.listen(*self._settings.service_listen, Entrance.SERVICE)
        logger.info("agent started", extra={"port": self.port, "policy": self._settings.policy})

    def _loops(self) -> dict[str, Coroutine[Any, Any, None]]:
        signs = self._outside.operator_signs
        return ({"operator": self._follow_operator(signs)} if signs else {}) | {
            "policy": self._follow_policy(),
            "status": self._reporter.run(),
            "leaf": self._leaf.run(),
            "trials": self._trials.run(),
            "reachability": self._reachability.run(),
            "maintenance": self._maintain(),
        }

    # Policy.

    async def _follow_policy(self) -> None:
        async for news in self._outside.policy_source.policies():
            if isinstance(news, ReplicasChanged):
                self._nodes.replace(news.replicas, now=self._outside.clock.monotonic())
                self._show_cluster()
                self._report()
                continue
            self._age.policy_is_current()
            if not isinstance(news, PolicyConfirmed):
                self._apply(news)

    async def _follow_operator(self, signs: OperatorSigns) -> None:
        async for age in signs.ages():
            self._age.operator_worked(age)

    def _judge_age(self) -> None:
        if self._outside.operator_signs and self._view is not None:
            self._age.judge(self._view.database)

    def _close_outdated(self, message: str) -> None:
        self._server.tell(partial(events.PolicyOutdated, message=message))

    def _apply(self, spec: KeyspacesPolicySpec | None) -> None:
        """Put a policy into force for every session at once. Without one, everything is refused."""
        previous = self._view
        self._policy_seen = spec is not None
        if spec is None:
            if previous is None:
                return
            self._record(PolicyRemoved, previous_revision=previous.revision)
            self._reporter.forget()
            spec = KeyspacesPolicySpec(revision="", database=previous.database)
        else:
            self._record(
                PolicyChanged,
                cluster=spec.database.cluster_uid,
                namespace=spec.database.namespace,
                database=spec.database.name,
                policy_revision=spec.revision,
                previous_revision=previous.revision if previous else None,
                grants=len(spec.grants),
                identities=len(spec.identities),
                locks=len(spec.locks),
            )
        self._enforce(spec)
        self._answer_for(spec.database.service_address)
        self._outside.metrics.policy_changes.inc()
        counts = {"grants": len(spec.grants), "locks": len(spec.locks)}
        logger.info("policy in force", extra={"revision": spec.revision, **counts})

    def _enforce(self, spec: KeyspacesPolicySpec) -> None:
        """Put into force what of the policy has not ended, until the next of its grants or locks ends."""
        now = datetime.datetime.fromtimestamp(self._outside.clock.wall(), datetime.UTC)
        next_end = spec.next_end(now)
        self._next_end = next_end.timestamp() if next_end else inf
        current = spec.without_ended(now)
        self._view = view = PolicyView.of(current)
        self._server.tell(partial(events.PolicyChanged, policy=view))
        self._show_cluster()
        self._trials.begin(current)
        self._reachability.watch(endpoint_of(current.database))
        self._report()

    def _end_what_is_over(self) -> None:
        if self._view is not None and self._outside.clock.wall() >= self._next_end:
            logger.info("a grant or a lock has ended", extra={"revision": self._view.revision})
            self._enforce(self._view.spec)

    def _answer_for(self, address: str) -> None:
        try:
            self._leaf.answer_for(address)
        except NetworkError as error:
            logger.error("leaf not renewed", extra={"error": str(error)})

    def _database(self) -> PolicyDatabase:
        if self._view is None:
            raise RuntimeError("a session exists before the first policy")
        return self._view.database

    def _show_cluster(self) -> None:
        """Tell the sessions which nodes there are, where that changed."""
        if self._view is None:
            return
        database = self._view.database
        self._share_budget(database)
        self._nodes.show(database)

    def _tell_of_cluster(self, entrance: Entrance, cluster: Cluster) -> None:
        self._server.tell(partial(events.ClusterChanged, entrance=entrance, cluster=cluster))

    def _share_budget(self, database: PolicyDatabase) -> None:
        """Take this agent's share of the requests that the database allows: the agents that serve have equal ones."""
        limit = database.limits.requests_per_second
        rate = None if limit is None else limit / self._nodes.serving
        self._shared.budget.allow(rate, now=self._outside.clock.monotonic())

    def _new_session(self, client_address: str, entrance: Entrance, certificate: bytes | None) -> Session | None:
        if self._view is None:
            return None
        settings = SessionSettings(
            session_id=secrets.token_hex(16),
            agent=self._settings.pod,
            entrance=entrance,
            client_address=client_address,
            certificate=None if certificate is None else read_certificate(certificate),
        )
        return Session(
            settings=settings,
            policy=self._view,
            cluster=self._nodes.seen_through(entrance),
            shared=self._shared,
        )

    # Readiness and status.

    def unready(self) -> list[NotReady]:
        """Why no client should be sent here; empty while the agent is ready."""
        found = self._obstacles()
        if not found and not self._listing.is_over(listed=self._nodes.own_is_listed):
            found.append(NotReady(reason="NotListed", message="the other agents do not tell drivers of this one yet"))
        return found

    def _warnings(self) -> list[NotReady]:
        return [*self._outside.warnings(), *self._age.warnings()]

    @property
    def _state(self) -> AgentState:
        if self._draining:
            return AgentState.DRAINING
        return AgentState.STARTING if self._obstacles() else AgentState.SERVING

    def _obstacles(self) -> list[NotReady]:
        """What keeps the agent from serving; empty while it serves, whoever may know."""
        found = []
        if self._draining:
            found.append(NotReady(reason="Draining", message="the agent is about to end"))
        if not self._policy_seen:
            found.append(
                NotReady(
                    reason="PolicyNotSeen", message=f"there is no readable KeyspacesPolicy {self._settings.policy}"
                )
            )
        lock = self._view.locks.on_agent(self._settings.pod) if self._view else None
        if lock:
            found.append(NotReady(reason="Locked", message=f"KeyspacesLock {lock.name} is on this agent"))
        if not self._leaf.valid:
            found.append(NotReady(reason="LeafNotValid", message="the server certificate has ended"))
        if not self._server.listening and not self._draining:
            found.append(NotReady(reason="ListenerNotUp", message="the CQL port is not open"))
        try:
            self._outside.check_identity()
        except IdentityNotInjected as error:
            found.append(NotReady(reason="IdentityNotInjected", message=str(error)))
        return found

    def _report(self) -> None:
        reasons = self._obstacles()
        self._outside.metrics.ready.set(not self.unready())
        self._reporter.report(
            AgentReport(
                pod=self._settings.pod,
                pod_ip=self._settings.pod_ip,
                ready=not reasons,
                state=self._state,
                reason="; ".join(f"{reason.reason}: {reason.message}" for reason in reasons)[:256],
                observed_revision=self._view.revision if self._view else "",
                identity=self._trials.identity,
                endpoint=self._reachability.report,
                roles=tuple(self._trials.reports[name] for name in sorted(self._trials.reports)),
            )
        )

    async def _maintain(self) -> None:
        while True:
            await asyncio.sleep(MAINTENANCE_SECONDS)
            self._end_what_is_over()
            self._judge_age()
            self._cache.refresh_due()
            self._outside.metrics.credentials.set(len(self._cache))
            self._report()

    # The end.

    async def _drain(self) -> None:
        self._draining = True
        self._report()
        logger.info("agent draining", extra={"connections": len(self._server)})
        await self._until_drivers_know_all_agents()
        self._server.stop_accepting()
        try:
            async with asyncio.timeout(self._settings.drain_seconds):
                await self._server.drain()
                await self._server.wait_until_empty()
        except TimeoutError:
            logger.warning("sessions cut at the drain deadline", extra={"connections": len(self._server)})
            self._server.end_all("the agent's drain deadline passed")

    async def _until_drivers_know_all_agents(self) -> None:
        settings, clock = self._settings, self._outside.clock
        began = clock.monotonic()
        await asyncio.sleep(settings.endpoints_seconds)
        while not self._nodes.settled(now=clock.monotonic(), seconds=settings.settling_seconds):
            if clock.monotonic() - began >= settings.longest_endpoints_seconds:
                return
            await asyncio.sleep(SETTLING_LOOK_SECONDS)

    async def _close(self, reason: str) -> None:
        self._server.stop_accepting()
        self._server.end_all("the agent ends")
        await self._tasks.close()
        await self._health.stop()
        self._record(AgentStop, reason=reason, lost=self._outside.audit.lost)
        written = await asyncio.to_thread(self._outside.audit.close, AUDIT_FLUSH_SECONDS)
        logger.info("agent stopped", extra={"reason": reason, "auditWritten": written})

    def _record(self, kind: type[Any], **fields: object) -> None:
        now = datetime.datetime.fromtimestamp(self._outside.clock.wall(), datetime.UTC)
        self._outside.audit.write(kind(time=now, agent=self._settings.pod, **fields))


def _server_certificate(settings: AgentSettings, outside: Dependencies) -> ServerCertificate:
    if settings.certificate_files:
        certificate, key = settings.certificate_files
        return CertificateFiles(
            certificate=certificate, key=key, clients=settings.clients, clock=outside.clock, metrics=outside.metrics
        )
    return LeafKeeper(
        directory=settings.ca_directory,
        names=(*settings.server_names, settings.pod_ip),
        clients=settings.clients,
        clock=outside.clock,
        metrics=outside.metrics,
    )
