"""kopf's watches, of which only names are used: each event puts a key into the work queue, and nothing else.

Events are hints. What a reconciler does depends on what it reads, so an event that comes twice, late or out of order
does no harm. One that never comes is made up for by a resync, which is asked for whenever kopf lists a kind anew: of
what vanished while a watch was broken kopf tells nothing.

kopf runs twice: its scope (all namespaces, or some) is one for all its watches, and the operator may see Secrets,
ServiceAccounts, roles, Deployments and pods in the agents' namespace only.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import kopf

from keyward_api import names
from keyward_operator import kinds
from keyward_operator.adapters.threads import KopfTasks, KopfThread
from keyward_operator.clients.connection import Connection
from keyward_operator.keys import DatabaseKey, Key, NamespaceKey
from keyward_operator.kinds import Kind
from keyward_operator.tasks import first_error

INPUTS = (kinds.KEYSPACES_ROLE, kinds.KEYSPACES_USER)
CHILDREN_ANYWHERE = (kinds.SERVICE, kinds.CONFIG_MAP)
CHILDREN_WITH_AGENTS = (
    kinds.KEYSPACES_POLICY,
    kinds.DEPLOYMENT,
    kinds.POD_DISRUPTION_BUDGET,
    kinds.SERVICE_ACCOUNT,
    kinds.SECRET,
    kinds.ROLE,
    kinds.ROLE_BINDING,
    kinds.POD,
)
_OWN_CHILDREN = f"{names.LABEL_MANAGED_BY}={names.MANAGED_BY}"
_REQUEST_TIMEOUT = 30.0
_CONNECT_TIMEOUT = 10.0
_WATCH_LIFETIME = 600.0
"""Seconds until a watch is opened anew, whatever its state."""

AddKey = Callable[[Key], None]
Handler = Callable[..., Awaitable[None]]


class Watches:
    """All watches of the operator."""

    def __init__(
        self,
        connection: Connection,
        *,
        agents_namespace: str,
        add: AddKey,
        request_resync: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._agents_namespace = agents_namespace
        self._add = add
        self._request_resync = request_resync
        self._to_loop: Callable[..., object]  # of the loop that runs us, not of kopf's
        self._threads = (
            KopfThread("watches of all namespaces", self._everywhere),
            KopfThread("watches of the agents' namespace", self._with_agents),
        )

    @property
    def started(self) -> bool:
        """Whether all watches were begun."""
        return all(thread.ready.is_set() for thread in self._threads)

    async def run(self) -> None:
        """Watch until cancelled. Raises WatchesEndedError where a watch cannot go on."""
        loop = asyncio.get_running_loop()
        self._to_loop = loop.call_soon_threadsafe
        with first_error():
            async with asyncio.TaskGroup() as group:
                for thread in self._threads:
                    group.create_task(thread.run())

    async def _everywhere(self, thread: KopfThread) -> KopfTasks:
        registry = self._registry()
        _on_event(registry, kinds.KEYSPACES_DATABASE, self._on_database)
        _on_event(registry, kinds.NAMESPACE, self._on_namespace)
        for kind in INPUTS:
            _on_event(registry, kind, self._on_input)
        for kind in CHILDREN_ANYWHERE:
            _on_event(registry, kind, self._on_child)
        return await kopf.spawn_tasks(
            registry=registry,
            settings=_settings(CHILDREN_ANYWHERE),
            standalone=True,
            clusterwide=True,
            ready_flag=thread.ready,
            stop_flag=thread.stop,
        )

    async def _with_agents(self, thread: KopfThread) -> KopfTasks:
        registry = self._registry()
        for kind in CHILDREN_WITH_AGENTS:
            _on_event(registry, kind, self._on_child)
        return await kopf.spawn_tasks(
            registry=registry,
            settings=_settings(CHILDREN_WITH_AGENTS),
            standalone=True,
            namespaces=[self._agents_namespace],
            ready_flag=thread.ready,
            stop_flag=thread.stop,
        )

    def _registry(self) -> kopf.OperatorRegistry:
        """A registry of our own knows no login, unlike kopf's default one."""
        registry = kopf.OperatorRegistry()

        @kopf.on.login(registry=registry)
        async def login(**_: object) -> kopf.AiohttpSession:
            return kopf.AiohttpSession(
                server=self._connection.server,
                aiohttp_session=self._connection.session(),
                default_namespace=self._agents_namespace,
            )

        return registry

    async def _on_database(self, *, namespace: str, name: str, **event: Any) -> None:  # noqa: ANN401 - kopf's
        self._listed(event)
        self._send(DatabaseKey(namespace, name))

    async def _on_input(self, *, namespace: str, **event: Any) -> None:  # noqa: ANN401 - kopf's
        self._listed(event)
        self._send(NamespaceKey(namespace))

    async def _on_namespace(self, *, name: str, **_: Any) -> None:  # noqa: ANN401 - kopf's
        self._send(NamespaceKey(name))

    async def _on_child(self, *, labels: Mapping[str, str], **_: Any) -> None:  # noqa: ANN401 - kopf's
        namespace, name = labels.get(names.LABEL_OWNER_NAMESPACE), labels.get(names.LABEL_OWNER_NAME)
        if namespace and name:
            self._send(DatabaseKey(namespace, name))

    def _listed(self, event: Mapping[str, Any]) -> None:
        """An event without a type is of a list: the watch begins, or begins anew."""
        if event.get("type") is None:
            self._to_loop(self._request_resync)

    def _send(self, key: Key) -> None:
        self._to_loop(self._add, key)


def _on_event(registry: kopf.OperatorRegistry, kind: Kind, handler: Handler) -> None:
    async def handle(**event: Any) -> None:  # noqa: ANN401 - kopf's
        await handler(**event)

    kopf.on.event(kind.group, kind.version, kind.plural, registry=registry, id=kind.plural)(handle)


def _settings(children: tuple[Kind, ...]) -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    # It would watch CustomResourceDefinitions, which are none of the operator's business.
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.networking.request_timeout = _REQUEST_TIMEOUT
    settings.networking.connect_timeout = _CONNECT_TIMEOUT
    settings.watching.server_timeout = int(_WATCH_LIFETIME)
    settings.watching.client_timeout = _WATCH_LIFETIME + _REQUEST_TIMEOUT
    settings.watching.connect_timeout = _CONNECT_TIMEOUT
    settings.watching.chunk_size = 500
    # The process ends by its own doing; kopf's timer would kill it while another part still stops.
    settings.process.ultimate_exiting_timeout = None
    for kind in children:
        settings.watching.label_selectors[kind.group, kind.version, kind.plural] = _OWN_CHILDREN
    return settings


def quiet_logs() -> None:
    """kopf tells of each event that it handled: warnings are enough."""
    logging.getLogger("kopf").setLevel(logging.WARNING)
    # That it leaves the signals to us, which is why it has a thread.
    logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)
