"""The operator as a whole: its parts, the order in which they start, and how it ends.

1. Settings, health listener, a connection to the API server.
2. Wait until the API server lists our kinds: the chart may install them after us.
3. Watches and candidacy. A standby remembers for a while what it hears, and does nothing with it.
4. As the leader: a resync at once and then from time to time, and workers.
It ends by SIGTERM (workers finish what they have begun, the Lease is released), with an error where a watch cannot go
on, and on the spot where the Lease is lost. Kubernetes starts it again; nothing is kept that a new start would need.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable

from keyward_api import names
from keyward_api.names import FieldManager
from keyward_api.tenants import PlatformSettings
from keyward_operator import kinds, metrics
from keyward_operator.adapters.watches import Watches, quiet_logs
from keyward_operator.clients import connection
from keyward_operator.clients.connection import Connection
from keyward_operator.clients.iam_api import IamApi
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.discovery import wait_for_cluster
from keyward_operator.election import leader_election
from keyward_operator.election.leader_election import LeaderElection
from keyward_operator.errors import LeadershipLostError
from keyward_operator.explain.server import ExplainServer
from keyward_operator.health import HealthServer
from keyward_operator.journal import Journal
from keyward_operator.keys import Key, Lane, lane_of
from keyward_operator.kinds import Reference
from keyward_operator.options import Options
from keyward_operator.plan.observed import Cluster
from keyward_operator.queue.lanes import Lanes
from keyward_operator.queue.standby import Standby
from keyward_operator.reconcile.reconcilers import Reconcilers, build
from keyward_operator.reconcile.resync import Resync
from keyward_operator.settings import SettingsFile
from keyward_operator.tasks import first_error

SETTINGS_PERIOD = 5.0
"""Seconds between two looks at the settings file."""

ACCESS_WORKERS = 8
"""Namespaces that are looked at for their access at once; their databases take turns."""

TELLING_WORKERS = 2
"""Statuses that are written at once, so that policies that are written meanwhile have most of the API server's time."""

NAMESPACE_WORKERS = 3
"""Namespaces of which everything is held at once, while it is judged."""

IAM_WORKERS = 2
"""Workers for what waits for IAM, which limits the rate of calls."""

TAKEOVER_MEMORY = 2.0 * leader_election.LEASE_DURATION
"""Seconds: what a standby heard before, the leader saw to, or the resync finds that a new leader begins with."""

STOP_DEADLINE = 20.0
"""Seconds that workers have at SIGTERM; a pod has 30."""

logger = logging.getLogger(__name__)


class Program:
    """One operator process."""

    def __init__(self, options: Options) -> None:
        """Read the settings. Raises SettingsError."""
        self._options = options
        self._settings = SettingsFile(options.settings_file)
        self._queue: Lanes[Key, Lane] = Lanes(tuple(Lane), lane_of)
        self._standby: Standby[Key] = Standby(memory=TAKEOVER_MEMORY)
        self._journal = Journal()
        self._explain = ExplainServer(options.explain_socket, self._journal, identity=options.identity)
        self._stop = asyncio.Event()
        self._watches: Watches | None = None
        self._election: LeaderElection | None = None

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT. Raises OperatorError, or what a defect raises."""
        quiet_logs()
        for lane, queue in self._queue.lanes.items():
            metrics.QUEUE_DEPTH.labels(lane).set_function(queue.__len__)
            metrics.QUEUE_AGE_SECONDS.labels(lane).set_function(queue.age)
            metrics.ACTIVE_WORKERS.labels(lane).set_function(queue.active)
        api_server = await connection.load(self._options.kubeconfig)
        health = HealthServer(self._options.health_address, self._unready)
        await health.start()
        await self._explain.start()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        try:
            with first_error():
                async with asyncio.TaskGroup() as group:
                    serving = group.create_task(self._serve(api_server))
                    await self._stop.wait()
                    await self._finish(serving)
        finally:
            await self._explain.stop()
            await health.stop()
        logger.info("stopped")

    async def _finish(self, serving: asyncio.Task[None]) -> None:
        logger.info("was asked to stop")
        self._queue.close()
        if self._election is not None and self._election.leads:
            await asyncio.wait([serving], timeout=STOP_DEADLINE)
        serving.cancel()

    async def _serve(self, api_server: Connection) -> None:
        options = self._options
        async with (
            KubernetesApi(api_server, field_manager=FieldManager.DATABASE, on_write=_count_write) as api,
            KubernetesApi(
                api_server, field_manager=FieldManager.LEASE, timeout=leader_election.REQUEST_TIMEOUT
            ) as lease_api,
            IamApi() as iam,
        ):
            cluster = await wait_for_cluster(api)
            resync = Resync(
                api,
                self._queue,
                self._journal,
                options.scope,
                settings=self._current_settings,
                period=options.resync_seconds,
            )
            reconcilers = self._reconcilers(api, iam, cluster)
            self._watches = Watches(
                api_server,
                options.scope,
                tell=self._tell,
                request_resync=resync.request,
                is_ours=reconcilers.wrote_policy,
            )
            lease = Reference(kind=kinds.LEASE, namespace=options.scope.operator_namespace, name=names.LEASE_NAME)
            self._election = LeaderElection(lease_api, lease=lease, identity=options.identity)
            self._explain.previews = reconcilers.previews
            self._explain.leads = lambda: self._election is not None and self._election.leads
            reconcile = self._recorded(reconcilers)
            try:
                async with asyncio.TaskGroup() as group:
                    helpers = [
                        group.create_task(self._watches.run(), name="watches"),
                        group.create_task(self._watch_settings(resync), name="settings"),
                    ]
                    await self._election.acquire()
                    for key in self._standby.take():
                        self._queue.add(key)
                    helpers.append(group.create_task(_keep(self._election), name="lease"))
                    helpers.append(group.create_task(resync.run(), name="resync"))
                    workers = {
                        Lane.ACCESS: ACCESS_WORKERS,
                        Lane.TELLING: TELLING_WORKERS,
                        Lane.NAMESPACES: NAMESPACE_WORKERS,
                        Lane.OBJECTS: options.workers,
                        Lane.IAM: IAM_WORKERS,
                    }
                    await self._queue.work(reconcile, workers)
                    for task in helpers:
                        task.cancel()
            finally:
                await self._election.release()

    def _tell(self, key: Key, cause: str, delay: float) -> None:
        self._journal.heard(key, cause)
        if self._election is not None and self._election.leads:
            self._queue.add_after(key, delay)
        else:
            self._standby.heard(key)

    def _current_settings(self) -> PlatformSettings:
        return self._settings.current

    def _reconcilers(self, api: KubernetesApi, iam: IamApi, cluster: Cluster) -> Reconcilers:
        return build(
            api,
            iam,
            self._queue,
            self._journal,
            self._options.scope,
            cluster=cluster,
            settings=self._current_settings,
            instance=self._options.identity,
        )

    def _recorded(self, reconcilers: Reconcilers) -> Callable[[Key], Awaitable[float | None]]:
        async def reconcile(key: Key) -> float | None:
            with self._journal.look(key):
                return await reconcilers.reconcile(key)

        return reconcile

    async def _watch_settings(self, resync: Resync) -> None:
        while True:
            await asyncio.sleep(SETTINGS_PERIOD)
            if self._settings.reload():
                resync.request()

    def _unready(self) -> list[str]:
        if self._stop.is_set():
            return ["it is being stopped"]
        if self._watches is None or self._election is None:
            return [f"the API server does not list the kinds of {names.API_VERSION} yet"]
        reasons = []
        if not self._watches.started:
            reasons.append("the watches have not begun")
        if not self._election.observed.is_set():
            reasons.append("the Lease was not seen yet, so nobody knows who leads")
        return reasons


async def _keep(election: LeaderElection) -> None:
    """Hold the Lease; without it this process ends here and now, for an orderly end could write on."""
    try:
        await election.keep()
    except LeadershipLostError as error:
        logger.error("ended at once: %s", error)
        logging.shutdown()
        os._exit(1)


def _count_write(kind: str, verb: str) -> None:
    metrics.WRITES.labels(kind=kind, verb=verb).inc()
