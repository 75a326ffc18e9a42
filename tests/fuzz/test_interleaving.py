"""Several callers, grants, keyspaces in use and policies, interleaved over pipelined streams.

The upstream here is a model of Keyspaces: it runs what it is sent, in whatever order, in the keyspace that USE set
last. Whatever it runs must be allowed by the grant that was in force when it was sent, in every keyspace in which it
may have run; and every request gets one answer and one record, or is lost with its session.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from keyward_api.decision import Access, EffectiveGrant, PolicyView, decide
from keyward_api.permissions import Permission
from keyward_proxy.cql.cache import ReadingCache
from keyward_proxy.session.shared import Shared
from tests.unit.proxy import frames
from tests.unit.proxy.frames import Seen
from tests.unit.proxy.session.script import (
    APP,
    READ_ORDERS,
    Script,
    client,
    logged_in,
    policy,
    policy_changed,
    upstream,
)
from tests.unit.proxy.session.script import rule as made

KEYSPACES = ("orders", "shop")
TABLES = ("items", "Items", "secret")
PREPARED_ID = 16


@dataclass(frozen=True)
class Asked:
    """A statement as the model understands it."""

    verb: str
    keyspace: str | None
    table: str

    @property
    def text(self) -> str:
        table = f'"{self.table}"' if self.table != self.table.lower() else self.table
        name = table if self.keyspace is None else f"{self.keyspace}.{table}"
        match self.verb:
            case "SELECT":
                return f"SELECT a FROM {name}"
            case "INSERT":
                return f"INSERT INTO {name} (a) VALUES (1)"
        return f"USE {self.table}"

    def allowed(self, grant: EffectiveGrant, keyspace: str | None) -> bool:
        """Whether it may run while `keyspace` is in use."""
        target = self.keyspace or keyspace
        if self.verb == "USE" or target is None:
            return True  # without a keyspace Keyspaces itself refuses it
        permission = Permission.SELECT if self.verb == "SELECT" else Permission.MODIFY
        return decide(grant, [Access(permission=permission, keyspace=target, table=self.table)]).allowed


STATEMENTS = st.one_of(
    st.builds(
        Asked,
        verb=st.sampled_from(["SELECT", "INSERT"]),
        keyspace=st.sampled_from([None, *KEYSPACES]),
        table=st.sampled_from(TABLES),
    ),
    st.builds(Asked, verb=st.just("USE"), keyspace=st.none(), table=st.sampled_from(KEYSPACES)),
)
RULES = st.builds(
    lambda keyspace, table, permission: made(f"r/{keyspace}.{table}.{permission}", keyspace, table, permission),
    st.sampled_from([*KEYSPACES, "*"]),
    st.sampled_from([*TABLES, "*", "s*"]),
    st.sampled_from(["Select", "Modify"]),
)
GRANTS = st.tuples(st.lists(RULES, min_size=1, max_size=3), st.lists(RULES, max_size=1))
KINDS = st.sampled_from(["query", "query", "prepare", "execute", "batch"])
STEPS = st.one_of(
    st.tuples(st.just("send"), st.lists(st.tuples(KINDS, STATEMENTS), min_size=1, max_size=5)),
    st.tuples(st.just("answer"), st.integers(0, 5)),
    st.tuples(st.just("policy"), GRANTS),
)


@dataclass
class Model:
    """One session, and Keyspaces behind it."""

    script: Script
    grant: EffectiveGrant
    keyspace: str | None = None
    stream: int = 0
    asked: dict[int, tuple[str, Asked]] = field(default_factory=dict)
    running: dict[int, tuple[EffectiveGrant, str | None]] = field(default_factory=dict)
    prepared: dict[bytes, tuple[Asked, str | None]] = field(default_factory=dict)

    def send(self, requests: list[tuple[str, Asked]]) -> None:
        parts = []
        for kind, asked in requests:
            self.stream += 1
            if asked.verb == "USE" or (kind == "execute" and not self.prepared):
                kind = "query"
            if kind == "execute":
                prepared_id = list(self.prepared)[self.stream % len(self.prepared)]
                asked = Asked(*self._bound(prepared_id))
                parts.append(frames.execute(prepared_id, stream=self.stream))
            elif kind == "prepare":
                parts.append(frames.prepare(asked.text, stream=self.stream))
            elif kind == "batch":
                parts.append(frames.batch(asked.text, stream=self.stream))
            else:
                parts.append(frames.query(asked.text, stream=self.stream))
            self.asked[self.stream] = (kind, asked)
        self.script >> client(*parts)
        self.receive()

    def _bound(self, prepared_id: bytes) -> tuple[str, str | None, str]:
        asked, keyspace = self.prepared[prepared_id]
        return asked.verb, asked.keyspace or keyspace, asked.table

    def receive(self) -> None:
        """Keyspaces gets what was forwarded."""
        while self.script.to_upstream:
            seen: Seen = self.script.to_upstream.popleft()
            _, asked = self.asked[seen.stream]
            assert asked.allowed(self.grant, self.keyspace), (asked, self.keyspace)
            self.running[seen.stream] = (self.grant, self.keyspace)

    def answer(self, position: int) -> None:
        """Keyspaces finishes one of the statements that it runs."""
        if not self.running or self.script.session.over:
            return
        stream = list(self.running)[position % len(self.running)]
        grant, _ = self.running.pop(stream)
        kind, asked = self.asked[stream]
        assert asked.allowed(grant, self.keyspace), (asked, self.keyspace)
        if asked.verb == "USE":
            assert not self.running, "USE ran beside others"
            self.keyspace = asked.table
            reply = frames.set_keyspace(asked.table, stream=stream)
        elif kind == "prepare":
            prepared_id = stream.to_bytes(PREPARED_ID)
            self.prepared[prepared_id] = (asked, self.keyspace)
            reply = frames.prepared(prepared_id, stream=stream)
        else:
            reply = frames.void(stream=stream)
        self.script >> upstream(reply)
        self.receive()

    def change(self, view: PolicyView) -> None:
        """Another policy comes into force; the grant that it brings holds from here on."""
        self.script >> policy_changed(view)
        self.grant = view.grant_for(APP, "Reader")
        self.receive()

    def finish(self) -> None:
        while self.running and not self.script.session.over:
            self.answer(0)
        answered = [seen.stream for seen in self.script.to_client]
        assert len(set(answered)) == len(answered)
        records = [record.stream for record in self.script.audits if hasattr(record, "stream")]
        assert sorted(records) == sorted(answered)
        if not self.script.session.over:
            assert sorted(answered) == sorted(self.asked)


def model(readings: ReadingCache, allow: list[dict[str, Any]], deny: list[dict[str, Any]]) -> Model:
    view = policy(*allow, deny=tuple(deny))
    script = logged_in(*allow, deny=tuple(deny), shared=Shared(readings=readings))
    return Model(script=script, grant=view.grant_for(APP, "Reader"))


@given(
    grants=st.lists(GRANTS, min_size=1, max_size=3),
    steps=st.lists(st.tuples(st.integers(0, 2), STEPS), min_size=1, max_size=25),
)
def test_nothing_runs_that_was_not_allowed_when_it_was_sent(
    grants: list[tuple[list[dict[str, Any]], list[dict[str, Any]]]], steps: list[tuple[int, tuple[str, Any]]]
) -> None:
    readings = ReadingCache()
    models = [model(readings, *grant) for grant in grants]
    for number, (who, (what, how)) in enumerate(steps):
        each = models[who % len(models)]
        if each.script.session.over:
            continue
        match what:
            case "send":
                each.send(how)
            case "answer":
                each.answer(how)
            case _:
                allow, deny = how
                each.change(policy(*allow, deny=tuple(deny), revision=f"r{number + 2}"))
    for each in models:
        each.finish()


def test_the_model_sees_what_a_broken_barrier_would_do() -> None:
    """The oracle itself: an unqualified read that ran in another keyspace than it was judged in."""
    each = model(ReadingCache(), [READ_ORDERS], [])
    each.keyspace = "orders"
    assert Asked("SELECT", None, "items").allowed(each.grant, "orders")
    assert not Asked("SELECT", None, "items").allowed(each.grant, "shop")
