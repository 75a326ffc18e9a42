from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import aiohttp
import kopf
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from keyward_api import names
from keyward_api.names import Condition
from keyward_operator import kinds
from keyward_operator.adapters import watches
from keyward_operator.adapters.watches import Watches
from keyward_operator.clients.connection import Connection
from keyward_operator.keys import AccessKey, AgentRoleKey, DatabaseKey, IAMRoleKey, IAMRolesKey, Key, NamespaceKey
from keyward_operator.kinds import Kind
from keyward_operator.scope import Scope

OWNER = {names.LABEL_OWNER_NAMESPACE: "payments", names.LABEL_OWNER_NAME: "orders"}
DATABASE, NAMESPACE, ACCESS = DatabaseKey("payments", "orders"), NamespaceKey("payments"), AccessKey("payments")
IAM_ROLES, AGENT_ROLE = IAMRolesKey("payments"), AgentRoleKey("payments", "orders")


class Sink:
    """What the watches sent."""

    def __init__(self, *namespaces: str) -> None:
        self.told: list[tuple[Key, str, float]] = []
        self.resyncs = 0
        self.written = 100
        """The generation up to which policies are of our own writing."""

        self.watches = Watches(
            cast(Connection, None),
            Scope(operator_namespace="keyward-system", agents_namespace="keyward-agents", namespaces=namespaces),
            tell=lambda key, cause, delay: self.told.append((key, cause, delay)),
            request_resync=self.request,
            is_ours=lambda _, generation: generation <= self.written,
        )
        self.watches._to_loop = self._call

    @property
    def keys(self) -> list[Key]:
        return [key for key, _, _ in self.told]

    def request(self) -> None:
        self.resyncs += 1

    def event(
        self,
        kind: Kind,
        event_type: str | None,
        name: str = "orders",
        *,
        spec: Any = None,
        status: Any = None,
        **metadata: Any,
    ) -> None:
        named = {"namespace": "payments", "name": name, "uid": "u", "generation": 1, **metadata}
        body = {"metadata": named, "spec": spec, "status": status}
        self.watches._on_event(kind, event_type, body)

    def policy(self, event_type: str, **body: Any) -> list[Key]:
        """An event about a policy; the keys that it put in."""
        before = len(self.told)
        self.event(kinds.KEYSPACES_POLICY, event_type, namespace="keyward-agents", labels=OWNER, **body)
        return self.keys[before:]

    def _call(self, function: Callable[..., object], *arguments: object) -> None:
        function(*arguments)


@pytest.mark.parametrize("kind", ["ADDED", "MODIFIED", "DELETED"])
def test_every_event_becomes_a_key(kind: str) -> None:
    sink = Sink()
    sink.event(kinds.KEYSPACES_DATABASE, kind)
    sink.event(kinds.KEYSPACES_USER, kind, "web")
    sink.event(kinds.NAMESPACE, kind, "payments", namespace=None)
    sink.event(kinds.SECRET, kind, namespace="keyward-agents", labels=OWNER)
    assert sink.keys == [ACCESS, DATABASE, AGENT_ROLE, ACCESS, NAMESPACE, IAM_ROLES, DATABASE]


@pytest.mark.parametrize("kind", ["ADDED", "MODIFIED", "DELETED"])
def test_an_iam_role_is_looked_at_by_itself_and_by_its_namespace(kind: str) -> None:
    sink = Sink()
    sink.event(kinds.KEYSPACES_IAM_ROLE, kind, "reader")
    assert sink.keys == [ACCESS, IAMRoleKey("payments", "reader")]


def test_the_arn_of_an_iam_role_is_news_though_it_is_status() -> None:
    sink = Sink()
    sink.event(kinds.KEYSPACES_IAM_ROLE, None, "reader")
    sink.event(kinds.KEYSPACES_IAM_ROLE, "MODIFIED", "reader", status={"databases": ["orders"]})
    assert sink.keys == []
    sink.event(kinds.KEYSPACES_IAM_ROLE, "MODIFIED", "reader", status={"arn": "arn:aws:iam::1:role/a/b"})
    assert sink.keys == [ACCESS, IAMRoleKey("payments", "reader")]


def granting(*arns: str) -> dict[str, Any]:
    return {"grants": [{"roleARN": arn, "allow": [{}]} for arn in arns]}


def reporting(revision: str, *, ready: bool = True) -> dict[str, Any]:
    return {"agents": [{"pod": "orders-1", "observedRevision": revision, "ready": ready}]}


def test_what_a_policy_grants_matters_to_its_database_and_to_iam_roles() -> None:
    sink = Sink()
    assert sink.policy("ADDED", spec=granting("a")) == [DATABASE, IAM_ROLES]
    assert sink.policy("MODIFIED", spec=granting("a"), generation=2) == [], "an echo of our own writing"
    assert sink.policy("MODIFIED", spec=granting("a", "b"), generation=3) == [DATABASE, IAM_ROLES]


def test_what_agents_report_matters_to_their_database_but_not_which_revision_they_have() -> None:
    sink = Sink()
    sink.policy("ADDED", status=reporting("r1"))
    assert sink.policy("MODIFIED", status=reporting("r2")) == []
    assert sink.policy("MODIFIED", status=reporting("r2", ready=False)) == [DATABASE]


def test_a_policy_that_somebody_else_wrote_is_looked_at() -> None:
    sink = Sink()
    sink.written = 4
    sink.policy("ADDED", spec=granting("a"), generation=4)
    assert sink.policy("MODIFIED", spec=granting("a"), generation=5) == [ACCESS]
    assert sink.policy("MODIFIED", spec=granting("a"), status=reporting("r"), generation=5) == [DATABASE], "once"


def test_a_policy_that_was_listed_is_nobody_else_s_writing() -> None:
    sink = Sink()
    sink.written = 0
    sink.event(kinds.KEYSPACES_POLICY, None, namespace="keyward-agents", labels=OWNER, status=reporting("r1"))
    assert sink.policy("MODIFIED", status=reporting("r2")) == []


def test_a_policy_that_is_gone_is_made_anew_by_its_database() -> None:
    sink = Sink()
    sink.policy("ADDED")
    assert sink.policy("DELETED") == [DATABASE, IAM_ROLES]


def test_what_was_listed_is_no_news() -> None:
    sink = Sink()
    sink.event(kinds.KEYSPACES_POLICY, None, namespace="keyward-agents", labels=OWNER, status=reporting("r1"))
    assert sink.policy("MODIFIED", status=reporting("r2"), generation=2) == []


def test_iam_roles_depend_on_the_labels_of_their_namespace() -> None:
    sink = Sink()
    sink.event(kinds.NAMESPACE, "ADDED", "payments", namespace=None)
    sink.event(kinds.NAMESPACE, "MODIFIED", "payments", namespace=None)
    sink.event(kinds.NAMESPACE, "MODIFIED", "payments", namespace=None, labels={"team": "a"})
    assert sink.keys == [NAMESPACE, IAM_ROLES, NAMESPACE, NAMESPACE, IAM_ROLES]


def test_a_cause_names_the_object_and_what_happened_to_it() -> None:
    sink = Sink()
    sink.event(kinds.KEYSPACES_USER, "MODIFIED", "web")
    assert sink.told == [(ACCESS, "KeyspacesUser payments/web was modified", 0.0)]


@pytest.mark.parametrize("kind", [kinds.KEYSPACES_USER, kinds.KEYSPACES_ROLE, kinds.KEYSPACES_DATABASE])
def test_our_own_write_of_a_status_is_no_reason_to_look_at_anything(kind: Kind) -> None:
    sink = Sink()
    sink.event(kind, None)
    sink.event(kind, "MODIFIED", status={"conditions": [{"type": "Ready", "status": "True"}]})
    assert sink.keys == []
    for change in ({"generation": 2}, {"generation": 2, "labels": {"a": "b"}}, {"uid": "another"}):
        before = len(sink.keys)
        sink.event(kind, "MODIFIED", **change)
        assert ACCESS in sink.keys[before:], change


@pytest.mark.parametrize(
    "change",
    [
        {"annotations": {names.ANNOTATION_ROTATE_CA: "1"}},
        {"finalizers": [names.FINALIZER]},
        {"status": {"conditions": [{"type": Condition.AGENT_ROLE_READY, "status": "True", "reason": "InSync"}]}},
    ],
    ids=["a request for a new CA", "finalizers", "what is told of the agents' own role"],
)
def test_a_database_is_looked_at_for_what_others_write_outside_of_its_spec(change: dict[str, Any]) -> None:
    sink = Sink()
    sink.event(kinds.KEYSPACES_DATABASE, None)
    sink.event(kinds.KEYSPACES_DATABASE, "MODIFIED", **change)
    assert DATABASE in sink.keys
    before = len(sink.keys)
    sink.event(kinds.KEYSPACES_DATABASE, "MODIFIED", **change)
    assert len(sink.keys) == before, "once"


def test_an_event_of_a_policy_is_looked_at_when_more_may_have_come_and_the_loss_of_one_at_once() -> None:
    sink = Sink()
    for kind, revision in (("ADDED", "a"), ("MODIFIED", "b"), ("DELETED", "b")):
        sink.policy(kind, spec=granting(revision))
    delays = [delay for key, _, delay in sink.told if key == DATABASE]
    assert delays == [watches.GATHERING, watches.GATHERING, 0.0]


def test_a_child_that_names_no_owner_is_nobodys() -> None:
    sink = Sink()
    sink.event(kinds.SECRET, "ADDED", labels={})
    sink.event(kinds.SECRET, "ADDED")
    assert sink.keys == []


def test_labels_that_name_another_namespace_s_database_put_nobody_to_work() -> None:
    sink = Sink()
    sink.event(kinds.CONFIG_MAP, "ADDED", namespace="mallory", labels=OWNER)
    assert sink.keys == []
    sink.event(kinds.CONFIG_MAP, "ADDED", namespace="payments", labels=OWNER)
    assert sink.keys == [DATABASE]


def test_labels_that_name_a_namespace_out_of_scope_put_nobody_to_work() -> None:
    sink = Sink("billing")
    sink.event(kinds.SECRET, "ADDED", namespace="keyward-agents", labels=OWNER)
    assert sink.keys == []


@pytest.fixture
async def api_server() -> AsyncIterator[TestServer]:
    """Whatever is listed is empty, or refused."""

    async def answer(request: web.Request) -> web.Response:
        items = [{"metadata": {"name": "a", "managedFields": [{}]}}] if request.path == "/users" else None
        found = {"items": items, "accepted": request.headers["Accept"]}
        return web.json_response(found, status=403 if request.path == "/refused" else 200)

    application = web.Application()
    application.router.add_get("/{path}", answer)
    async with TestServer(application) as server:
        yield server


async def test_a_list_asks_for_a_resync_for_it_does_not_tell_what_vanished(api_server: TestServer) -> None:
    sink = Sink()
    async with aiohttp.ClientSession(trace_configs=[sink.watches._lists()]) as session:
        await session.get(api_server.make_url("/users?watch=true"))
        await session.get(api_server.make_url("/refused"))
        assert sink.resyncs == 0
        await session.get(api_server.make_url("/users"))
    assert (sink.resyncs, sink.keys) == (1, [])


@pytest.mark.parametrize(
    ("path", "accepted"),
    [
        ("/secrets", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"),
        ("/secrets?watch=true", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"),
        ("/keyspacesdatabases", "*/*"),
        ("/v1", "*/*"),
    ],
)
async def test_the_api_server_is_asked_for_what_matters_and_for_no_key(
    api_server: TestServer, path: str, accepted: str
) -> None:
    async with aiohttp.ClientSession(middlewares=[watches.metadata_alone], response_class=watches.Answer) as session:
        answer = await session.get(api_server.make_url(path))
        assert await answer.json() == {"items": [], "accepted": accepted}


async def test_of_listed_objects_is_held_what_matters(api_server: TestServer) -> None:
    async with aiohttp.ClientSession(response_class=watches.Answer) as session:
        answer = await session.get(api_server.make_url("/users"))
        assert (await answer.json())["items"] == [{"metadata": {"name": "a"}}]


def test_many_pages_ask_for_it_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    sink = Sink()
    now = 1000.0
    monkeypatch.setattr(watches.time, "monotonic", lambda: now)
    for _ in range(100):
        sink.watches._on_listed()
    assert sink.resyncs == 1
    now += watches._REQUEST_SPACING
    sink.watches._on_listed()
    assert sink.resyncs == 2, "the last ones are not forgotten"


def test_kopf_never_writes_and_sees_of_children_only_ours() -> None:
    settings = watches._settings(kinds.IN_BOTH_NAMESPACES)
    assert isinstance(settings, kopf.OperatorSettings)
    assert not settings.posting.enabled
    assert settings.scanning.disabled
    assert settings.watching.label_selectors["", "v1", "services"] == "app.kubernetes.io/managed-by=keyward-operator"


def test_a_watch_that_says_nothing_is_noticed_by_the_bookmarks_that_it_lacks() -> None:
    assert watches._settings(()).watching.inactivity_timeout <= 75
