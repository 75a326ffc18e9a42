"""What is taken for known must be what would be found, whatever is edited."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count

from hypothesis import event, example, given
from hypothesis import strategies as st

from keyward_operator.plan.access.concerns import Concerns
from keyward_operator.plan.access.plan import changes
from keyward_operator.plan.access.policies import database_told, policy_state
from keyward_operator.plan.access.world import DatabaseAccess, access_world
from keyward_operator.plan.view import View
from tests.unit.operator import builders
from tests.unit.operator.builders import NOW, Json, lock, role, user
from tests.unit.operator.plan.access.worlds import database, named

LABELS = {"team": "payments"}
NAMES = ("a", "b", "c")
DATABASES = {name: database(name, {"stage": name}) for name in NAMES}
SELECTED: Json = {"selector": {"matchLabels": {"stage": "b"}}}
SELECTORS = st.one_of(
    st.lists(st.sampled_from((*NAMES, "gone", "*")), min_size=1, max_size=2).map(lambda names: {"names": names}),
    st.just(SELECTED),
)
PERMISSIONS = st.sampled_from((["Select"], ["Select"], ["Modify"], ["Nonsense"]))
DAMAGE: list[Json] = [{}, {}, {}, {"deny": 5}, {"options": {"maxSessionSeconds": "long"}}, {"allow": [None]}]
ROLES = st.builds(
    lambda name, databases, permissions, denied, damage: _damaged(
        _denying(role(name, databases=databases, permissions=permissions), denied), damage
    ),
    st.sampled_from(("r0", "r1", "r2")),
    SELECTORS,
    PERMISSIONS,
    st.none() | SELECTORS,
    st.sampled_from(DAMAGE),
)
USERS = st.builds(
    lambda name, roles, subjects: user(name, tuple(sorted(roles))) if subjects else _unreadable(user(name)),
    st.sampled_from(("u0", "u1", "u2")),
    st.sets(st.sampled_from(("r0", "r1", "r2", "missing")), min_size=1, max_size=2),
    st.sampled_from((True, True, True, False)),
)
LOCKS = st.builds(
    lambda target: lock("l0", target=target), st.sampled_from(({"database": "a"}, {"user": "u0"}, {"role": "r1"}))
)


def _denying(document: Json, databases: Json | None) -> Json:
    """The role with a deny about these databases."""
    if databases is not None:
        document["spec"]["deny"] = [*role(databases=databases, permissions=["Modify"])["spec"]["allow"]]
    return document


def _damaged(document: Json, damage: Json) -> Json:
    document["spec"] |= damage
    return document


def _unreadable(document: Json) -> Json:
    document["spec"]["subjects"] = "nobody"
    return document


@dataclass
class Namespace:
    """Objects by kind and name, each edit of which has a version of its own."""

    objects: dict[tuple[str, str], Json] = field(default_factory=dict)
    versions: "count[int]" = field(default_factory=count)

    def put(self, kind: str, document: Json) -> None:
        found = named(document)
        found["metadata"]["resourceVersion"] = str(next(self.versions))
        self.objects[kind, found["metadata"]["name"]] = found

    def of(self, kind: str) -> tuple[Json, ...]:
        return tuple(found for (each, _), found in self.objects.items() if each == kind)

    def concerns(self) -> Mapping[str, int]:
        roles, users = self.of("role"), self.of("user")
        found = Concerns.of(DATABASES, LABELS, roles=roles, users=users, others=self.of("lock"))
        return {name: found[name] for name in NAMES}

    def views(self) -> dict[str, View]:
        inputs = {"roles": self.of("role"), "users": self.of("user"), "locks": self.of("lock")}
        return {
            name: builders.view_for(builders.observed(database=document, **inputs))
            for name, document in DATABASES.items()
        }

    def told(self, databases: Mapping[str, DatabaseAccess]) -> list[tuple[str, Json]]:
        inputs = {"roles": self.of("role"), "users": self.of("user"), "locks": self.of("lock")}
        world = access_world(**inputs, databases=databases, now=NOW)
        return [(str(change.reference), change.status) for change in changes(world)]


EDITS = st.one_of(
    ROLES.map(lambda found: ("role", found)),
    USERS.map(lambda found: ("user", found)),
    LOCKS.map(lambda found: ("lock", found)),
)


def _outcome(view: View) -> tuple[object, ...]:
    """A policy, and what its database tells of it."""
    assert view.compilation is not None
    state = policy_state(view)
    told = database_told(view, state, is_published=True)
    return view.compilation.spec, view.compilation.problems, told.status


ELSEWHERE = {"names": ["gone"]}


HELD = [("role", role(databases={"names": ["a"]})), ("user", user(roles=("reader",)))]
BOTH = [
    ("role", role("r0", databases={"names": ["a"]})),
    ("role", role("r1", databases={"names": ["b"]})),
    ("user", user(roles=("r0", "r1"))),
]


@given(before=st.lists(EDITS, max_size=7), edit=EDITS, is_deleted=st.booleans())
@example(before=[], edit=("role", role(databases=ELSEWHERE, permissions=["Nonsense"])), is_deleted=False)
@example(before=[], edit=("user", user(roles=("missing",))), is_deleted=False)
@example(before=HELD, edit=("role", role(databases={"names": ["a", "*"]})), is_deleted=False)
@example(before=BOTH, edit=BOTH[0], is_deleted=True)
@example(before=BOTH, edit=("role", _damaged(role("r0", databases={"names": ["a"]}), {"deny": 5})), is_deleted=False)
@example(before=BOTH, edit=("user", _unreadable(user(roles=("r0",)))), is_deleted=False)
@example(before=HELD, edit=("role", _denying(role(databases={"names": ["a"]}), SELECTED)), is_deleted=False)
@example(before=HELD, edit=("role", _denying(role(databases=SELECTED), {"names": ["a"]})), is_deleted=False)
def test_what_does_not_concern_a_database_changes_nothing_for_it(
    before: list[tuple[str, Json]], edit: tuple[str, Json], is_deleted: bool
) -> None:
    namespace = Namespace()
    for kind, document in before:
        namespace.put(kind, document)
    concerns, views = namespace.concerns(), namespace.views()
    kind, document = edit
    if is_deleted:
        namespace.objects.pop((kind, document["metadata"]["name"]), None)
    else:
        namespace.put(kind, document)
    fresh = {name: DatabaseAccess.of(view, is_published=True) for name, view in namespace.views().items()}
    known = dict(fresh)
    for name, concern in namespace.concerns().items():
        then = DatabaseAccess.of(views[name], is_published=True)
        if concern == concerns[name] and not then.problems:
            known[name] = then
            event("known")
            assert _outcome(namespace.views()[name]) == _outcome(views[name])
    assert namespace.told(known) == namespace.told(fresh)


def test_a_change_concerns_whom_it_names_before_or_after() -> None:
    namespace = Namespace()
    for name in NAMES:
        namespace.put("role", role(name, databases={"names": [name]}))
        namespace.put("user", user(f"u-{name}", (name,)))
    before = namespace.concerns()
    assert len(set(before.values())) == 3
    namespace.put("user", user("u-a", ("b",)))
    after = namespace.concerns()
    assert [name for name in NAMES if before[name] != after[name]] == ["a", "b"]
    namespace.put("lock", lock(target={"database": "a"}))
    assert not set(after.values()) & set(namespace.concerns().values()), "a lock may concern all"


def test_the_labels_of_the_namespace_and_the_database_itself_count() -> None:
    def concern(databases: dict[str, Json], labels: dict[str, str]) -> int:
        return Concerns.of(databases, labels, roles=(), users=(), others=())["a"]

    changed = database("a", {"stage": "a"})
    changed["metadata"]["resourceVersion"] = "8"
    of_all = {concern(DATABASES, LABELS), concern(DATABASES, {}), concern(DATABASES | {"a": changed}, LABELS)}
    assert len(of_all) == 3
