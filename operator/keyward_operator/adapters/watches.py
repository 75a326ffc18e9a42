"""kopf's watches, of which only names are used: each event puts a key into the work queue, and nothing else.

Events are hints. What a reconciler does depends on what it reads, so an event that comes twice, late or out of order
does no harm. One that never comes is made up for by a resync, which is asked for whenever kopf lists a kind anew: of
what vanished while a watch was broken kopf tells nothing, and of a list that is empty nothing at all.
Of most kinds the API server is asked for metadata alone: that takes less of everybody's time and memory, and no key of
a Secret comes this way.

kopf runs twice: its scope (all namespaces, or some) is one for all its watches, and the operator may see Secrets,
ServiceAccounts, roles, Deployments and pods in the agents' namespace only. With named namespaces the agents' Services
and ConfigMaps there are not watched by the first, so the second watches them.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
import kopf
from kopf._core.reactor.inventory import ResourceMemories, ResourceMemory

from keyward_api import names
from keyward_operator import kinds
from keyward_operator.adapters.news import DELETED, WHOLE, IsOurs, News
from keyward_operator.adapters.threads import KopfTasks, KopfThread
from keyward_operator.children import named_owner
from keyward_operator.clients.connection import Connection
from keyward_operator.clients.kubernetes_api import METADATA, METADATA_OF_MANY
from keyward_operator.keys import Key
from keyward_operator.kinds import Kind, Reference
from keyward_operator.scope import Scope
from keyward_operator.tasks import first_error

CHILDREN_WITH_AGENTS = (
    kinds.KEYSPACES_POLICY,
    kinds.DEPLOYMENT,
    kinds.POD_DISRUPTION_BUDGET,
    kinds.NETWORK_POLICY,
    kinds.HORIZONTAL_POD_AUTOSCALER,
    kinds.SERVICE_ACCOUNT,
    kinds.SECRET,
    kinds.ROLE,
    kinds.ROLE_BINDING,
    kinds.POD,
)
WITH_TENANTS = (*kinds.INPUTS, *kinds.IN_BOTH_NAMESPACES)
_METADATA_ALONE = frozenset(
    kind.plural for kind in (*WITH_TENANTS, kinds.NAMESPACE, *CHILDREN_WITH_AGENTS) if kind not in WHOLE
)
_OWN_CHILDREN = f"{names.LABEL_MANAGED_BY}={names.MANAGED_BY}"
_REQUEST_TIMEOUT = 30.0
_PAGE = 50
"""Objects asked for at once: of each kind so many are held at a start."""

_IDLE_SECONDS = 0.05
_CONNECT_TIMEOUT = 10.0
_REQUEST_SPACING = 0.2
"""Seconds between two requests for a resync, as pages of lists come; less than what it waits for the last one."""

_WATCH_LIFETIME = 600.0
"""Seconds until a watch is opened anew, whatever its state."""

GATHERING = 1.0
"""Seconds that a look waits for which an event about a policy asks: of a new policy several tell, its own and those of
the reports of all agents, and what they are about is in force already."""

Tell = Callable[[Key, str, float], None]
"""Told the key that something happened to, what, and in how many seconds to look."""

Handler = Callable[..., Awaitable[None]]


class Watches:
    """All watches of the operator."""

    def __init__(
        self,
        connection: Connection,
        scope: Scope,
        *,
        tell: Tell,
        request_resync: Callable[[], None],
        is_ours: IsOurs,
    ) -> None:
        self._connection = connection
        self._scope = scope
        self._tell = tell
        self._news = News(is_ours=is_ours)
        self._request_resync = request_resync
        self._next_request = 0.0
        self._to_loop: Callable[..., object]  # of the loop that runs us, not of kopf's
        self._threads = (
            KopfThread("watches of tenants' namespaces", self._with_tenants),
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

    async def _with_tenants(self, thread: KopfThread) -> KopfTasks:
        registry = self._registry()
        for kind in WITH_TENANTS:
            self._watch(registry, kind)
        if not self._scope.namespaces:
            # To watch them is a right in the whole cluster; in named namespaces a resync finds changed labels.
            self._watch(registry, kinds.NAMESPACE)
        return await kopf.spawn_tasks(
            registry=registry,
            settings=_settings(kinds.IN_BOTH_NAMESPACES),
            memories=_NoMemories(),
            standalone=True,
            clusterwide=not self._scope.namespaces,
            namespaces=self._scope.namespaces,
            ready_flag=thread.ready,
            stop_flag=thread.stop,
        )

    async def _with_agents(self, thread: KopfThread) -> KopfTasks:
        registry = self._registry()
        children = CHILDREN_WITH_AGENTS + (kinds.IN_BOTH_NAMESPACES if self._scope.namespaces else ())
        for kind in children:
            self._watch(registry, kind)
        return await kopf.spawn_tasks(
            registry=registry,
            settings=_settings(children),
            memories=_NoMemories(),
            standalone=True,
            namespaces=[self._scope.agents_namespace],
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
                aiohttp_session=self._connection.session(
                    middlewares=[metadata_alone], traces=[self._lists()], response_class=Answer
                ),
                default_namespace=self._scope.agents_namespace,
            )

        return registry

    def _watch(self, registry: kopf.OperatorRegistry, kind: Kind) -> None:
        async def handle(**event: Any) -> None:  # noqa: ANN401 - kopf's
            self._on_event(kind, event["type"], event["body"])

        kopf.on.event(kind.group, kind.version, kind.plural, registry=registry, id=kind.plural)(handle)

    def _on_event(self, kind: Kind, event_type: str | None, body: Mapping[str, Any]) -> None:
        """One event. One without a type is of a list, of which a resync sees to all."""
        metadata = body["metadata"]
        if event_type is None:
            self._news.saw(kind, body)
            return
        place = Reference(kind=kind, namespace=metadata.get("namespace") or "", name=metadata["name"])
        cause = f"{place} was {event_type.lower()}"
        owner = named_owner(metadata, agents_namespace=self._scope.agents_namespace)
        if owner and not self._scope.holds(owner.namespace):
            owner = None
        delay = GATHERING if kind is kinds.KEYSPACES_POLICY and event_type != DELETED else 0.0
        for key in self._news.keys(kind, event_type, body, owner):
            self._to_loop(self._tell, key, cause, delay)

    def _lists(self) -> aiohttp.TraceConfig:
        """Sees the pages of lists that were read; without them a watch cannot begin, or begin anew."""

        async def on_request_end(_: object, __: object, request: aiohttp.TraceRequestEndParams) -> None:
            if "watch" not in request.url.query and request.response.ok:
                self._on_listed()

        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(on_request_end)
        return trace

    def _on_listed(self) -> None:
        now = time.monotonic()
        if now >= self._next_request:
            self._next_request = now + _REQUEST_SPACING
            self._to_loop(self._request_resync)


async def metadata_alone(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Ask for what matters of an object, and no more."""
    if request.url.name in _METADATA_ALONE:
        request.headers["Accept"] = METADATA if "watch" in request.url.query else METADATA_OF_MANY
    return await send(request)


class Answer(aiohttp.ClientResponse):
    """As kopf can read it, for of metadata alone an empty list has `null` for its items; and as little as matters."""

    async def json(self, **options: Any) -> Any:  # noqa: ANN401 - aiohttp's
        """The document. Who owns which field is most of what an object's metadata takes, and pages are held whole."""
        found = await super().json(**options)
        if isinstance(found, dict) and "items" in found:
            found["items"] = found["items"] or []
            for item in found["items"]:
                item["metadata"].pop("managedFields", None)
        return found


class _NoMemories(ResourceMemories):
    """kopf remembers a kilobyte of each object while it exists, for handlers of a sort that we have none of."""

    async def recall(self, *args: Any, **kwargs: Any) -> ResourceMemory:  # noqa: ANN401 - kopf's
        kwargs["ephemeral"] = True
        return await super().recall(*args, **kwargs)


class _NoDiffs(kopf.DiffBaseStorage):
    """kopf copies each object whole to find out what changed, for handlers of a sort that we have none of."""

    def build(self, **_: object) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, **_: object) -> None:
        return None

    def store(self, **_: object) -> None:
        """Keep nothing."""


def _settings(children: tuple[Kind, ...]) -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    # It would watch CustomResourceDefinitions, which are none of the operator's business.
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.persistence.diffbase_storage = _NoDiffs()
    settings.networking.request_timeout = _REQUEST_TIMEOUT
    settings.networking.connect_timeout = _CONNECT_TIMEOUT
    settings.watching.server_timeout = int(_WATCH_LIFETIME)
    settings.watching.client_timeout = _WATCH_LIFETIME + _REQUEST_TIMEOUT
    settings.watching.connect_timeout = _CONNECT_TIMEOUT
    settings.watching.chunk_size = _PAGE
    # kopf keeps a task, and the last event with the whole object, for each object that something happened to so long
    # ago: at the start for all of them. Not zero, for then it would never look for an event at all.
    settings.queueing.idle_timeout = _IDLE_SECONDS
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
