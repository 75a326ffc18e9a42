"""What may happen to a tenant's namespace: people's edits, other people's objects, crashes of the operator."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from keyward_operator import kinds
from keyward_operator.children import Child
from keyward_operator.clients.connection import Connection
from keyward_operator.errors import OperatorError
from tests.integration.operator import resources
from tests.integration.operator.convergence.death import Death, DiedError, When
from tests.integration.operator.convergence.in_process import Operator
from tests.integration.operator.convergence.world import DATABASES, FOREIGN, World

ROLES = ("reader", "writer")
USERS = ("app", "job")
IAM_ROLES = ("reading", "writing")
WRITES = 30
"""About as many as a look at two new databases takes."""

Json = dict[str, Any]


@dataclass
class Run:
    """A world, and the operator that works on it at the moment."""

    world: World
    connection: Connection
    operator: Operator


@dataclass(frozen=True)
class Operation:
    """One thing that happens; its text is what a failing sequence is told by."""

    text: str
    do: Callable[[Run], Awaitable[None]]

    def __repr__(self) -> str:
        return self.text


def _database(name: str, replicas: int, permitted: bool, tier: str) -> Operation:
    agent = {"identity": {"roleARN": resources.ROLE_ARN}, "replicas": replicas}
    if not permitted:
        agent["priorityClassName"] = "above-all"

    async def do(run: Run) -> None:
        manifest = resources.database(run.world.namespace, name, agent=agent)
        manifest["metadata"]["labels"] = {"tier": tier}
        await run.world.put(manifest, kinds.KEYSPACES_DATABASE)

    return Operation(f"put database {name} {replicas=} {permitted=} {tier=}", do)


def _role(name: str, keyspace: str, databases: Json, db_user: str = resources.DB_USER) -> Operation:
    async def do(run: Run) -> None:
        manifest = resources.role(run.world.namespace, name, (keyspace,), (db_user,))
        manifest["spec"]["allow"][0]["databases"] = databases
        await run.world.put(manifest, kinds.KEYSPACES_ROLE)

    return Operation(f"put role {name} {keyspace=} {databases=} {db_user=}", do)


def _iam_role(name: str, management: str) -> Operation:
    async def do(run: Run) -> None:
        manifest = resources.iam_role(run.world.namespace, f"Keyspaces-{name}", name, management=management)
        await run.world.put(manifest, kinds.KEYSPACES_IAM_ROLE)

    return Operation(f"put IAM role {name} {management=}", do)


def _user(name: str, roles: tuple[str, ...], suspended: bool) -> Operation:
    async def do(run: Run) -> None:
        manifest = resources.user(run.world.namespace, name, roles)
        manifest["spec"]["suspended"] = suspended
        await run.world.put(manifest, kinds.KEYSPACES_USER)

    return Operation(f"put user {name} {roles=} {suspended=}", do)


def _deletion(what: tuple[kinds.Kind, str], by_force: bool) -> Operation:
    kind, name = what
    text = f"delete {kind.kind} {name} {by_force=}"
    return Operation(text, lambda run: run.world.delete(kind, name, by_force=by_force))


def _name_taken(database: str, child: Child) -> Operation:
    return Operation(f"take the name of {database}'s {child}", lambda run: run.world.take_name(database, child))


def _name_given_back(database: str, child: Child) -> Operation:
    return Operation(f"give {database}'s {child} back", lambda run: run.world.give_name_back(database, child))


def _tampering(database: str, child: Child, delete: bool) -> Operation:
    text = f"tamper with {database}'s {child} {delete=}"
    return Operation(text, lambda run: run.world.tamper(database, child, delete=delete))


async def look(run: Run) -> None:
    """The operator looks at everything; what fails is left for the next look."""
    try:
        await run.operator.look()
    except OperatorError:
        return


def _crash(writes: int, when: When) -> Operation:
    async def do(run: Run) -> None:
        async with Operator(run.connection, run.world.namespace, Death(writes_left=writes, when=when)) as mortal:
            try:
                await mortal.look()
            except (DiedError, OperatorError):
                return

    return Operation(f"the operator dies at write {writes}, {when.value}", do)


_databases, _children = st.sampled_from(DATABASES), st.sampled_from(list(Child))
_tiers = st.sampled_from(["gold", "silver"])
_rules = st.sampled_from([{"names": ["one"]}, {"names": ["*"]}, {"selector": {"matchLabels": {"tier": "gold"}}}])
_held = st.lists(st.sampled_from([*ROLES, "missing"]), min_size=1, max_size=2, unique=True).map(tuple)
_written = st.sampled_from(
    [
        *((kinds.KEYSPACES_DATABASE, name) for name in DATABASES),
        *((kinds.KEYSPACES_ROLE, name) for name in ROLES),
        *((kinds.KEYSPACES_USER, name) for name in USERS),
        *((kinds.KEYSPACES_IAM_ROLE, name) for name in IAM_ROLES),
    ]
)
OPERATIONS = st.one_of(
    st.builds(
        _database, _databases, st.integers(0, 3), st.just(True) | st.booleans(), st.sampled_from(["gold", "silver"])
    ),
    st.builds(
        _role,
        st.sampled_from(ROLES),
        st.sampled_from(["orders", "stock"]),
        _rules,
        st.sampled_from([resources.DB_USER, "Keyspaces-reading", "*"]),
    ),
    st.builds(_iam_role, st.sampled_from(IAM_ROLES), st.just("Adopt")),
    st.builds(_user, st.sampled_from(USERS), _held, st.just(False) | st.booleans()),
    st.builds(_deletion, _written, st.booleans()),
    st.builds(_name_taken, _databases, st.sampled_from(FOREIGN)),
    st.builds(_name_given_back, _databases, st.sampled_from(FOREIGN)),
    st.builds(_tampering, _databases, _children, st.booleans()),
    st.just(Operation("the operator looks", look)),
    st.builds(_crash, st.integers(0, WRITES), st.sampled_from(When)),
)
BEGINNING = (
    _role("reader", "orders", {"names": ["*"]}),
    _user("app", ("reader",), False),
    _database("one", 2, True, "gold"),
    Operation("the operator looks", look),
)
"""Most sequences that begin with nothing never make anything worth breaking."""
