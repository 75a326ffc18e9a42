"""kopf's watches, of which only names are used: each event puts a key into the work queue, and nothing else.

Events are hints. What a reconciler does depends on what it reads, so an event that comes twice, late or out of order
does no harm. One that never comes is made up for by a resync, which is asked for whenever kopf lists a kind anew: of
what vanished while a watch was broken kopf tells nothing.

kopf runs twice: its scope (all namespaces, or some) is one for all its watches, and the operator may see Secrets,
ServiceAccounts, roles, Deployments and pods in the agents' namespace only. With named namespaces the agents' Services
and ConfigMaps there are not watched by the first, so the second watches them.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import kopf
from kopf._core.reactor.inventory import ResourceMemories, ResourceMemory

from keyward_api import names
from keyward_api.names import Condition
from keyward_operator import kinds
from keyward_operator.adapters.threads import KopfTasks, KopfThread
from keyward_operator.children import named_owner
from keyward_operator.clients.connection import Connection
from keyward_operator.keys import AccessKey, AgentRoleKey, DatabaseKey, IAMRoleKey, IAMRolesKey, Key, NamespaceKey
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
_JUDGED = (*kinds.INPUTS, kinds.KEYSPACES_POLICY, kinds.NAMESPACE)
"""Kinds of which more than some event about them matters: whether it is news."""

_OWN_CHILDREN = f"{names.LABEL_MANAGED_BY}={names.MANAGED_BY}"
_REQUEST_TIMEOUT = 30.0
_PAGE = 50
"""Objects asked for at once: of each kind so many are held at a start."""

_IDLE_SECONDS = 0.05
_CONNECT_TIMEOUT = 10.0
_REQUEST_SPACING = 0.2
"""Seconds between two requests for a resync; less than what a resync waits for the last one."""

_WATCH_LIFETIME = 600.0
"""Seconds until a watch is opened anew, whatever its state."""

GATHERING = 1.0
"""Seconds that the look at a database waits for which an event about its policy asks: of a new policy several tell, its
own and those of the reports of all agents, and what they are about is in force already."""

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
    ) -> None:
        self._connection = connection
        self._scope = scope
        self._tell = tell
        self._seen: dict[tuple[str, str, str], int] = {}
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
        for kind in (*kinds.INPUTS, *kinds.IN_BOTH_NAMESPACES):
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
                aiohttp_session=self._connection.session(),
                default_namespace=self._scope.agents_namespace,
            )

        return registry

    def _watch(self, registry: kopf.OperatorRegistry, kind: Kind) -> None:
        async def handle(**event: Any) -> None:  # noqa: ANN401 - kopf's
            self._on_event(kind, event["type"], event["body"])

        kopf.on.event(kind.group, kind.version, kind.plural, registry=registry, id=kind.plural)(handle)

    def _on_event(self, kind: Kind, event_type: str | None, body: Mapping[str, Any]) -> None:
        """One event. One without a type is of a list: the watch begins, or begins anew, and a resync sees it all."""
        metadata = body["metadata"]
        namespace, name = metadata.get("namespace") or "", metadata["name"]
        is_news = kind in _JUDGED and self._is_news(kind, event_type, body)
        if event_type is None:
            self._on_listed()
            return
        cause = f"{Reference(kind=kind, namespace=namespace, name=name)} was {event_type.lower()}"
        owner = named_owner(metadata, agents_namespace=self._scope.agents_namespace)
        if owner and not self._scope.holds(owner.namespace):
            owner = None
        delay = GATHERING if kind is kinds.KEYSPACES_POLICY and event_type != "DELETED" else 0.0
        for key in _keys(kind, namespace, name, owner, is_news=is_news):
            self._to_loop(self._tell, key, cause, delay)

    def _on_listed(self) -> None:
        """To wake another thread costs more than kopf's work on an object, and a start lists thousands."""
        now = time.monotonic()
        if now >= self._next_request:
            self._next_request = now + _REQUEST_SPACING
            self._to_loop(self._request_resync)

    def _is_news(self, kind: Kind, event_type: str | None, body: Mapping[str, Any]) -> bool:
        """Whether anything changed that more than one key is looked at for: our own writes of status are none."""
        metadata = body["metadata"]
        where = kind.plural, metadata.get("namespace") or "", metadata["name"]
        if event_type == "DELETED":
            self._seen.pop(where, None)
            return True
        # A hash, for of thousands of objects it is kept; where two were the same, a resync would find the difference.
        what = hash(_substance(kind, body))
        is_news = self._seen.get(where) != what
        self._seen[where] = what
        return is_news


def _substance(kind: Kind, body: Mapping[str, Any]) -> tuple[object, ...]:
    """Of an object what others, or its own reconciler, go by: never the status that this one writes."""
    metadata, status = body["metadata"], body.get("status") or {}
    substance: list[object] = [metadata.get("uid"), metadata.get("generation"), _items(metadata.get("labels"))]
    if kind is kinds.KEYSPACES_IAM_ROLE:
        substance.append(status.get("arn"))  # policies hold it
    if kind is kinds.KEYSPACES_DATABASE:
        # Who asks for a new CA, or takes our finalizer away, does it here.
        substance += [_items(metadata.get("annotations")), frozenset(metadata.get("finalizers") or ())]
        # Who makes the agents' own IAM role says so here.
        told = [told for told in status.get("conditions") or () if told["type"] == Condition.AGENT_ROLE_READY]
        substance += map(_items, told)
    return tuple(substance)


def _items(values: Mapping[str, str] | None) -> frozenset[tuple[str, str]]:
    return frozenset((values or {}).items())


def _keys(kind: Kind, namespace: str, name: str, owner: DatabaseKey | None, *, is_news: bool) -> Iterator[Key]:
    """What to look at again for an event about an object; `owner` is the database whose child it is, if any."""
    if kind is kinds.NAMESPACE:
        yield NamespaceKey(name)
        if is_news:
            yield IAMRolesKey(name)
    elif kind in kinds.INPUTS:
        if not is_news:
            return
        yield AccessKey(namespace)
        if kind is kinds.KEYSPACES_DATABASE:
            yield DatabaseKey(namespace, name)
            yield AgentRoleKey(namespace, name)
        if kind is kinds.KEYSPACES_IAM_ROLE:
            yield IAMRoleKey(namespace, name)
    elif owner:
        yield owner
        # What is granted as an IAM role, not what agents report.
        if kind is kinds.KEYSPACES_POLICY and is_news:
            yield IAMRolesKey(owner.namespace)


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
